import { describe, expect, it } from 'vitest';
import { OctetReader, OctetWriter } from '../../../core/content/wsp/octets.js';
import { MalformedError } from '../../../core/errors.js';
import { fromHex } from '../fixture.js';

describe('OctetReader', () => {
  it('reports document, field, offset, what was expected and what was found', () => {
    const reader = new OctetReader(fromHex('0102'), 'M-Notification.ind');
    reader.octet('field');
    expect(() => reader.octets(3, 'Subject')).toThrow(
      new MalformedError(
        'M-Notification.ind: Subject at offset 1: expected 3 octets, found octet 02 and 0 more',
      ),
    );
    reader.octet('field');
    expect(() => reader.octet('From', 'a value-length')).toThrow(
      'M-Notification.ind: From at offset 2: expected a value-length, found the end',
    );
  });

  it('limits a value by its length, and continues after it', () => {
    const reader = new OctetReader(fromHex('41420043'), 'test');
    const value = reader.within(2, 'value');
    expect(() => value.untilZero('text')).toThrow(
      'text at offset 2: expected text that ends with a zero octet, found the end',
    );
    expect(value.octet('octet')).toBe(0x41);
    expect(reader.offset).toBe(2);
    expect(reader.rest()).toEqual(fromHex('0043'));
    expect(reader.atEnd).toBe(true);
    expect(reader.peek()).toBeUndefined();
  });

  it('searches for the end of a text only within its bounds, so that many texts take linear time', () => {
    // 20,000 unterminated texts before 16 MB without a zero octet.
    const octets = new Uint8Array(16 << 20).fill(0x41);
    const reader = new OctetReader(octets, 'test');
    for (let count = 0; count < 20_000; count += 1) {
      expect(() => reader.within(1, 'value').untilZero('text')).toThrow(MalformedError);
    }
  });
});

describe('OctetWriter', () => {
  it('grows, and returns a copy', () => {
    const writer = new OctetWriter();
    for (let count = 0; count < 1000; count += 1) writer.octet(count & 0xff);
    writer.octets(new Uint8Array(5000).fill(7));
    const octets = writer.finish();
    expect(octets).toHaveLength(6000);
    expect([octets[999], octets[1000], octets[5999]]).toEqual([999 & 0xff, 7, 7]);
    writer.octet(1);
    expect(octets).toHaveLength(6000);
  });
});

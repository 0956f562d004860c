import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readInteger,
  readLongInteger,
  readShortInteger,
  readUintvar,
  writeInteger,
  writeLongInteger,
  writeShortInteger,
  writeUintvar,
} from '../../../core/content/wsp/integers.js';
import { OctetReader, OctetWriter } from '../../../core/content/wsp/octets.js';
import { ConfigurationError, MalformedError } from '../../../core/errors.js';
import { fromHex, toHex } from '../fixture.js';

type Read = (reader: OctetReader, field: string) => number;
type Write = (writer: OctetWriter, value: number) => void;

function read(readValue: Read, hex: string): number {
  const reader = new OctetReader(fromHex(hex), 'test');
  const value = readValue(reader, 'field');
  expect(reader.atEnd).toBe(true);
  return value;
}

function write(writeValue: Write, value: number): string {
  const writer = new OctetWriter();
  writeValue(writer, value);
  return toHex(writer.finish());
}

describe('WSP integers', () => {
  it.each([
    ['uintvar', readUintvar, writeUintvar, '00', 0],
    ['uintvar', readUintvar, writeUintvar, '7f', 127],
    ['uintvar', readUintvar, writeUintvar, '8100', 128],
    ['uintvar', readUintvar, writeUintvar, '8fffffff7f', 0xffff_ffff],
    ['short-integer', readShortInteger, writeShortInteger, '80', 0],
    ['short-integer', readShortInteger, writeShortInteger, 'ff', 127],
    ['long-integer', readLongInteger, writeLongInteger, '0100', 0],
    ['long-integer', readLongInteger, writeLongInteger, '03015180', 86_400],
    ['long-integer', readLongInteger, writeLongInteger, '071fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['integer-value', readInteger, writeInteger, 'ea', 106],
    ['integer-value', readInteger, writeInteger, '0203f7', 1015],
  ] as const)('%s %#: reads and writes the same octets', (_name, readValue, writeValue, hex, value) => {
    expect(read(readValue, hex)).toBe(value);
    expect(write(writeValue, value)).toBe(hex);
  });

  it('accepts a long-integer with leading zero octets', () => {
    expect(read(readLongInteger, `1e${'00'.repeat(29)}05`)).toBe(5);
  });

  it.each([
    ['a uintvar of six octets', readUintvar, '8080808080808000'],
    ['a uintvar of more than 32 bits', readUintvar, '9fffffff7f'],
    ['an incomplete uintvar', readUintvar, '81'],
    ['a short-integer below 80', readShortInteger, '7f'],
    ['a long-integer of no octets', readLongInteger, '00'],
    ['a long-integer of 31 octets', readLongInteger, `1f${'00'.repeat(31)}`],
    ['a long-integer past 2^53', readLongInteger, '0820000000000000'],
    ['a long-integer past the end', readLongInteger, '0401'],
    ['nothing', readInteger, ''],
  ] as const)('refuses %s', (_name, readValue, hex) => {
    expect(() => read(readValue, hex)).toThrow(MalformedError);
  });

  it('names invalid values', () => {
    expect(() => write(writeUintvar, 2 ** 32)).toThrow(
      'invalid value 4294967296 of a uintvar: expected 0 to 4294967295',
    );
    expect(() => write(writeShortInteger, 128)).toThrow(ConfigurationError);
    expect(() => write(writeLongInteger, -1)).toThrow(ConfigurationError);
    expect(() => write(writeInteger, 0.5)).toThrow(ConfigurationError);
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), (value) => {
        expect(read(readUintvar, write(writeUintvar, value))).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(read(readLongInteger, write(writeLongInteger, value))).toBe(value);
        expect(read(readInteger, write(writeInteger, value))).toBe(value);
      }),
    );
  });
});

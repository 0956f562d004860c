import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OctetReader, OctetWriter } from '../../../core/content/wsp/octets.js';
import {
  readEncodedString,
  readTextString,
  readTextValue,
  writeEncodedString,
  writeTextString,
  writeTextValue,
} from '../../../core/content/wsp/text.js';
import { ConfigurationError, MalformedError } from '../../../core/errors.js';
import { fromHex, toHex } from '../fixture.js';

type Read = (reader: OctetReader, field: string) => string;
type Write = (writer: OctetWriter, text: string) => void;

function read(readText: Read, hex: string): string {
  const reader = new OctetReader(fromHex(hex), 'test');
  const text = readText(reader, 'field');
  expect(reader.atEnd).toBe(true);
  return text;
}

function write(writeText: Write, text: string): string {
  const writer = new OctetWriter();
  writeText(writer, text);
  return toHex(writer.finish());
}

/** Any text without a zero character, which WSP does not allow. */
const texts = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ''));

describe('text-string', () => {
  it.each([
    ['543100', 'T1'],
    ['00', ''],
    ['7fc38900', 'É'],
    ['7f7f00', '\x7f'],
  ])('%s is read and written', (hex, text) => {
    expect(read(readTextString, hex)).toBe(text);
    expect(write(writeTextString, text)).toBe(hex);
  });

  it('accepts ISO 8859-1, and a first octet above 7F without its quote', () => {
    expect(read(readTextString, 'c9746500')).toBe('Éte');
    expect(read(readTextString, 'c38900')).toBe('É');
  });

  it.each([
    ['a length in its place', '03543100'],
    ['no end', '5431'],
    ['nothing', ''],
  ])('refuses %s', (_name, hex) => {
    expect(() => read(readTextString, hex)).toThrow(MalformedError);
  });

  it('refuses invalid texts', () => {
    expect(() => write(writeTextString, 'a\0b')).toThrow(ConfigurationError);
    expect(() => write(writeTextString, '\tb')).toThrow(
      'invalid text-string: expected no control character at the start',
    );
  });
});

describe('text-value', () => {
  it.each([
    ['746f6b656e00', 'token'],
    ['22747720776f00', 'tw wo'],
    ['2261222200', 'a"'],
  ])('%s is read and written', (hex, text) => {
    expect(read(readTextValue, hex)).toBe(text);
    expect(write(writeTextValue, text)).toBe(hex);
  });

  it('accepts a closing quotation mark', () => {
    expect(read(readTextValue, '226120622200')).toBe('a b');
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(read(readTextValue, write(writeTextValue, text))).toBe(text);
      }),
    );
  });
});

describe('encoded-string-value', () => {
  it.each([
    ['68656c6c6f00', 'hello'],
    ['00', ''],
    ['07ea7fc389746500', 'Éte'],
    // A control character at the start would be read as a length.
    ['04ea096100', '\ta'],
  ])('%s is read and written', (hex, text) => {
    expect(read(readEncodedString, hex)).toBe(text);
    expect(write(writeEncodedString, text)).toBe(hex);
  });

  it.each([
    ['US-ASCII', '0483686900', 'hi'],
    ['ISO 8859-1', '0584c974e900', 'Été'],
    ['ISO 8859-2', '0385a100', 'Ą'],
    ['Shift_JIS', '049193fa00', '日'],
    ['Big5', '060207eaa4e900', '日'],
    ['UTF-16 with mark', '090203f7feff004800690000', 'Hi'],
    ['UCS-2 without a byte order mark, one zero octet as end', '080203e80048006900', 'Hi'],
    ['UTF-16, little-endian', '0b0203f7fffe480069000000', 'Hi'],
    ['an unknown charset', '050207d0686900', 'hi'],
  ])('reads %s', (_name, hex, text) => {
    // The lengths match the octets that follow.
    const octets = fromHex(hex).subarray(1);
    expect(read(readEncodedString, toHex(Uint8Array.of(octets.length, ...octets)))).toBe(text);
  });

  it('skips octets after the text within the length', () => {
    expect(read(readEncodedString, '06ea6869000102')).toBe('hi');
  });

  it.each([
    ['no charset', '0100'],
    ['no end of the text', '03ea6869'],
    ['a length past the end', '05ea686900'],
  ])('refuses %s', (_name, hex) => {
    expect(() => read(readEncodedString, hex)).toThrow(MalformedError);
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(read(readEncodedString, write(writeEncodedString, text))).toBe(text);
      }),
    );
  });
});

/** Content by reference (RFC 4483), from this package and from other senders. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildExternalBody, type ExternalBody, parseExternalBody } from '../../core/content/external-body.js';
import { formatHttpDate, parseLenientDate } from '../../core/content/http-headers.js';
import { formatMediaType, parseMediaType } from '../../core/content/media-type.js';
import { ConfigurationError, MalformedError } from '../../core/errors.js';

const folder = new URL('./fixtures/', import.meta.url);

/** A fixture is an entity: its Content-Type line, a blank line, its body. */
function parse(file: string): ExternalBody {
  const text = readFileSync(new URL(file, folder), 'utf8');
  const head = text.indexOf('\r\n\r\n');
  const type = parseMediaType(text.slice('Content-Type:'.length, head));
  if (!type) throw new Error(`${file} has no media type`);
  return parseExternalBody(type, Buffer.from(text.slice(head + 4)));
}

describe('a reference', () => {
  it('8.1.1-04: the example of RFC 4483', () => {
    expect(parse('valid/11.5-rfc4483.txt')).toEqual({
      url: 'http://www.example.com/the-indirect-content',
      type: { type: 'application/sdp', parameters: {} },
      size: 52_723,
      hash: '10ab568e91245681ac1b10ab568e91245681ac1b',
      expiration: Date.UTC(2002, 5, 24, 9),
      headers: { 'content-disposition': 'session', 'content-id': '<4e5562cd1214427d@example.com>' },
    });
  });

  it('8.1.1-04: the reference of the sample flow, whose date does not conform to an RFC', () => {
    expect(parse('valid/11.5-sample-flow.txt')).toMatchObject({
      url: 'http://DcdProfile.vendor.com/uaprof/N6230ir200.xml',
      type: { type: 'application/rdf+xml' },
      expiration: Date.UTC(2008, 6, 5, 9),
      headers: { 'content-disposition': 'attachment' },
    });
  });

  it('accepts names in any case, a date without a time, a folded URL, bare line feeds and a phantom body', () => {
    expect(parse('valid/11.5-lenient.txt')).toEqual({
      url: 'https://example.com/ab/c',
      type: { type: 'text/vnd.wap.si', parameters: { charset: 'utf-8' } },
      expiration: Date.UTC(2008, 6, 5, 23, 59, 59),
      headers: { 'content-encoding': 'gzip' },
    });
  });

  it.each(readdirSync(new URL('broken/', folder)).filter((file) => file.startsWith('11.5-')))(
    'broken: %s',
    (file) => {
      expect(() => parse(`broken/${file}`)).toThrow(MalformedError);
    },
  );

  it('limits the headers, and ignores those that are not Content-*', () => {
    const type = { type: 'message/external-body', parameters: { 'access-type': 'URL', url: 'http://a/' } };
    const many = Buffer.from(`Content-Type: text/plain\r\n${'Content-A: b\r\n'.repeat(100_000)}`);
    expect(Object.keys(parseExternalBody(type, many).headers)).toEqual(['content-a']);
    const folded = Buffer.from(`Content-Type: text/plain${'\r\n '.repeat(100_000)}`);
    expect(parseExternalBody(type, folded).type.type).toBe('text/plain');
    const blank = Buffer.from('\r\n'.repeat(100_000));
    expect(() => parseExternalBody(type, blank)).toThrow(MalformedError);
  });
});

describe('writing a reference', () => {
  const reference: ExternalBody = {
    url: 'https://psa.domain.test/content/1?a="b"',
    type: { type: 'text/plain', parameters: { charset: 'utf-8' } },
    size: 5_242_880,
    hash: 'a9993e364706816aba3e25717850c26c9cd0d89d',
    expiration: Date.UTC(2030, 0, 2, 3, 4, 5),
    headers: { 'content-id': '<1@psa.domain.test>', 'content-disposition': 'render' },
  };

  it('8.1.2-03: is read back from its header line', () => {
    const { type, body } = buildExternalBody(reference);
    const line = formatMediaType(type);
    expect(line).toBe(
      'message/external-body;access-type=URL;expiration="Wed, 02 Jan 2030 03:04:05 GMT";URL="https://psa.domain.test/content/1?a=\\"b\\"";size=5242880;hash=a9993e364706816aba3e25717850c26c9cd0d89d',
    );
    expect(Buffer.from(body).toString()).toBe(
      'Content-Type: text/plain;charset=utf-8\r\nContent-ID: <1@psa.domain.test>\r\nContent-Disposition: render\r\n\r\n',
    );
    expect(parseExternalBody(parseMediaType(line) ?? type, body)).toEqual(reference);
  });

  it.each<[string, Partial<ExternalBody>, string]>([
    [
      'a line of its own',
      { headers: { 'content-id': '<1@a>\r\nContent-Type: text/html' } },
      'invalid header content-id',
    ],
    ['an invalid URL', { url: 'nowhere' }, 'invalid URL "nowhere": expected an absolute URL'],
    [
      'a URL without end',
      { url: `https://a.test/${'a'.repeat(4096)}` },
      'expected an absolute URL of at most 4096',
    ],
    ['a negative size', { size: -1 }, 'invalid size "-1": expected a whole number'],
    ['a fractional size', { size: 0.5 }, 'invalid size "0.5"'],
    ['an invalid hash', { hash: 'e3b0' }, 'invalid hash "e3b0": expected a SHA-1'],
    [
      'an invalid expiration',
      { expiration: Number.NaN },
      'invalid expiration "Invalid Date": expected a date',
    ],
  ])('refuses %s', (_name, part, message) => {
    const build = () => buildExternalBody({ ...reference, ...part });
    expect(build).toThrow(ConfigurationError);
    expect(build).toThrow(message);
  });
});

describe('dates', () => {
  const NINE = Date.UTC(2008, 6, 5, 9);

  it.each([
    'Sat, 05 Jul 2008 09:00:00 GMT',
    'Sat, 5 July 2008 09:00:00 GMT',
    'Saturday, 05-Jul-2008 09:00:00 GMT',
    'sat 5 jul 2008 9:00',
    '5 July 2008 11:00:00 +0200',
    ' Sat,  5  July  2008  05:30:00 -0330 ',
  ])('%s', (text) => {
    expect(parseLenientDate(text)).toBe(NINE);
  });

  it.each([
    '',
    'tomorrow',
    '5 Jully 2008',
    '0 July 2008',
    '5 July 2008 24:00',
    '30 Feb 2008',
    '30 Feb 2008 23:59:60',
    '5/7/2008',
  ])('not %j', (text) => {
    expect(parseLenientDate(text)).toBeUndefined();
  });

  it('a leap second is read as the first second of the next day', () => {
    expect(parseLenientDate('30 Jun 2012 23:59:60 GMT')).toBe(Date.UTC(2012, 6, 1));
  });

  it('reads back what it writes', () => {
    expect(parseLenientDate(formatHttpDate(NINE))).toBe(NINE);
  });
});

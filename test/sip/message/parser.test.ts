import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MAX_HEADER_BYTES,
  MAX_HEADER_LINES,
  MAX_URI_LENGTH,
  MalformedSipError,
} from '../../../core/sip/message/malformed-message.js';
import { isRequest, parseCSeq, type SipRequest } from '../../../core/sip/message/message.js';
import { parseMessage } from '../../../core/sip/message/parser.js';

const encode = (text: string) => new TextEncoder().encode(text);

const HEADERS = [
  'Via: SIP/2.0/UDP psa.domain.com;branch=z9hG4bK776sgdkse',
  'Max-Forwards: 70',
  'From: <sip:psa@domain.com>;tag=49583',
  'To: <sip:user@domain.com>',
  'Call-ID: asd88asd77a@1.2.3.4',
  'CSeq: 1 MESSAGE',
];

interface Parts {
  start?: string;
  headers?: readonly string[];
  body?: string | Uint8Array;
}

function wire({
  start = 'MESSAGE sip:user@domain.com SIP/2.0',
  headers = HEADERS,
  body = '',
}: Parts): Uint8Array {
  const head = encode(`${[start, ...headers].join('\r\n')}\r\n\r\n`);
  return Buffer.concat([head, typeof body === 'string' ? encode(body) : body]);
}

const without = (name: string) => HEADERS.filter((header) => !header.startsWith(`${name}:`));
const replaced = (name: string, line: string) =>
  HEADERS.map((header) => (header.startsWith(`${name}:`) ? line : header));

function request(parts: Parts): SipRequest {
  const message = parseMessage(wire(parts));
  if (!isRequest(message)) throw new Error('a response');
  return message;
}

function refusal(bytes: Uint8Array): MalformedSipError {
  try {
    parseMessage(bytes);
  } catch (error) {
    if (error instanceof MalformedSipError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('parseMessage', () => {
  it('reads a request', () => {
    const message = request({ headers: [...HEADERS, 'Content-Length: 5'], body: 'hello' });
    expect(message).toMatchObject({ method: 'MESSAGE', uri: 'sip:user@domain.com' });
    expect([...message.headers.entries()]).toHaveLength(7);
    expect(message.body).toEqual(encode('hello'));
  });

  it('reads a response', () => {
    expect(parseMessage(wire({ start: 'SIP/2.0 200 OK' }))).toMatchObject({ status: 200, reason: 'OK' });
    expect(parseMessage(wire({ start: 'SIP/2.0 200 a\u2028b' }))).toMatchObject({ reason: 'a\u2028b' });
    expect(parseMessage(wire({ start: 'SIP/2.0 699' }))).toMatchObject({ status: 699, reason: '' });
  });

  it('8.1.2-05: returns the body unchanged, as a view of the input', () => {
    const body = Uint8Array.from({ length: 256 }, (_, at) => at);
    const bytes = wire({ headers: [...HEADERS, 'l: 256'], body });
    const message = parseMessage(bytes);
    expect(message.body).toEqual(body);
    expect(message.body.buffer).toBe(bytes.buffer);
  });

  it('drops bytes after the body, and without Content-Length uses all bytes (RFC 3261 §18.3)', () => {
    expect(request({ headers: [...HEADERS, 'Content-Length: 2'], body: 'hello' }).body).toEqual(encode('he'));
    expect(request({ body: 'hello' }).body).toEqual(encode('hello'));
  });

  it('ignores line breaks before the start line (RFC 3261 7.5)', () => {
    const bytes = Buffer.concat([encode('\r\n\r\n'), wire({})]);
    expect(parseMessage(bytes)).toMatchObject({ method: 'MESSAGE' });
  });

  it('unfolds lines to one space, expands compact forms, trims values', () => {
    const { headers } = request({
      headers: [...HEADERS, 's:  a\t ', 'Subject2: one\r\n \r\n\t  two ', 'k:gruu\r\n ,path', 'x-odd  :v'],
    });
    expect(headers.get('Subject')).toBe('a');
    expect(headers.get('Subject2')).toBe('one two');
    expect(headers.getAll('Supported')).toEqual(['gruu', 'path']);
    expect(headers.get('X-Odd')).toBe('v');
  });

  it('keeps the case of methods', () => {
    expect(
      request({ start: 'Message sip:a@b SIP/2.0', headers: replaced('CSeq', 'CSeq: 1 Message') }).method,
    ).toBe('Message');
    expect(refusal(wire({ start: 'message sip:a@b SIP/2.0' })).status).toBe(400);
  });

  it('accepts any scheme in Request-URI, To and Contact', () => {
    const message = request({
      start: 'MESSAGE tel:+15551234 SIP/2.0',
      headers: [...replaced('To', 'To: <tel:+15551234>'), 'Contact: <tel:+1>'],
    });
    expect(message.uri).toBe('tel:+15551234');
  });

  it('accepts the MESSAGE of the sample flows (OMA-TS-SIP_Push B.3)', () => {
    const { headers } = request({
      start: 'MESSAGE sip:user@domain.com;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6 SIP/2.0',
      headers: [
        'Via: SIP/2.0/TCP psa.domain.com;branch= z9hG4bK776sgdkse',
        'Max-Forwards: 70',
        'P-Asserted-Identity: sip:psa@domain.com',
        'From: <sip:psa.domain.com;tag=27182>',
        'To: "Bob" <sip:user@domain.com;tag=456248 ;gr= urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>',
        'P-Asserted-Service: urn:urn-7:3gpp-service.ims.icsi.omapush',
        'Call-ID: 12345',
        'Accept-Contact: *, +g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush",\r\n +g.oma.pusheventapp="mms.ua"',
        'CSeq: 1 MESSAGE',
      ],
    });
    expect(headers.getAll('Accept-Contact')).toEqual([
      '*',
      '+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush"',
      '+g.oma.pusheventapp="mms.ua"',
    ]);
  });

  it.each([
    ['nothing', encode('')],
    ['line breaks alone', encode('\r\n\r\n')],
    ['no end of headers', encode('MESSAGE sip:a@b SIP/2.0\r\nVia: x\r\n')],
    ['no start line', encode('Via: SIP/2.0/UDP a\r\n\r\n')],
    ['LF for line ends', encode(new TextDecoder().decode(wire({})).replaceAll('\r\n', '\n'))],
    ['a CR alone', wire({ headers: [...HEADERS, 'Subject: a\rRoute: b'] })],
    ['an LF alone', wire({ headers: [...HEADERS, 'Subject: a\nRoute: b'] })],
    ['an LF before CRLF', wire({ headers: [...HEADERS, 'Subject: a\n'] })],
    ['a line without a colon', wire({ headers: [...HEADERS, 'Subject'] })],
    ['a space in a header name', wire({ headers: [...HEADERS, 'Sub ject: a'] })],
    ['an empty header name', wire({ headers: [...HEADERS, ': a'] })],
    ['a folded first line', wire({ headers: [' Subject: a', ...HEADERS] })],
    [
      'bytes that are not UTF-8',
      wire({ headers: [...HEADERS, 'Subject: a'] }).map((byte) => (byte === 0x61 ? 0xff : byte)),
    ],
    ['no Via', wire({ headers: without('Via') })],
    ['no From', wire({ headers: without('From') })],
    ['no To', wire({ headers: without('To') })],
    ['no Call-ID', wire({ headers: without('Call-ID') })],
    ['an empty Call-ID', wire({ headers: replaced('Call-ID', 'Call-ID:') })],
    ['two Call-IDs in one line', wire({ headers: replaced('Call-ID', 'Call-ID: a, b') })],
    ['no CSeq', wire({ headers: without('CSeq') })],
    ['a CSeq without a method', wire({ headers: replaced('CSeq', 'CSeq: 1') })],
    ['a CSeq of 2^31', wire({ headers: replaced('CSeq', 'CSeq: 2147483648 MESSAGE') })],
    ['a negative CSeq', wire({ headers: replaced('CSeq', 'CSeq: -1 MESSAGE') })],
    ['another CSeq method', wire({ headers: replaced('CSeq', 'CSeq: 1 INVITE') })],
    ['Max-Forwards of 256', wire({ headers: replaced('Max-Forwards', 'Max-Forwards: 256') })],
    ['Max-Forwards of -1', wire({ headers: replaced('Max-Forwards', 'Max-Forwards: -1') })],
    ['two From', wire({ headers: [...HEADERS, 'f: <sip:a@b>;tag=1'] })],
    ['two Content-Type', wire({ headers: [...HEADERS, 'c: a/b', 'Content-Type: a/b'] })],
    ['two equal Content-Length', wire({ headers: [...HEADERS, 'l: 0', 'Content-Length: 0'] })],
    ['a Content-Length that is not a number', wire({ headers: [...HEADERS, 'l: 0x10'] })],
    ['a Content-Length beyond the datagram', wire({ headers: [...HEADERS, 'l: 6'], body: 'hello' })],
    ['a huge Content-Length', wire({ headers: [...HEADERS, `l: ${'9'.repeat(400)}`] })],
    ['a malformed Contact', wire({ headers: [...HEADERS, 'Contact: <sip:a@b'] })],
    ['a method that is not a token', wire({ start: 'MES(SAGE sip:a@b SIP/2.0' })],
    ['a malformed Request-URI', wire({ start: 'MESSAGE sip:a@b:port SIP/2.0' })],
    ['a Request-URI without a scheme', wire({ start: 'MESSAGE user@domain.com SIP/2.0' })],
    ['another protocol', wire({ start: 'MESSAGE sip:a@b HTTP/1.1' })],
    ['status 099', wire({ start: 'SIP/2.0 099 x' })],
    ['status 700', wire({ start: 'SIP/2.0 700 x' })],
    ['a status of four digits', wire({ start: 'SIP/2.0 2000 x' })],
  ])('refuses %s with 400', (_what, bytes) => {
    expect(refusal(bytes).status).toBe(400);
  });

  it('returns the request if it can be answered', () => {
    const { partial } = refusal(wire({ headers: without('From') }));
    expect(partial?.method).toBe('MESSAGE');
    expect(partial?.headers.get('Call-ID')).toBe('asd88asd77a@1.2.3.4');
    expect(refusal(wire({ headers: without('Via') })).partial).toBeUndefined();
    expect(refusal(wire({ start: 'SIP/2.0 200 OK', headers: without('From') })).partial).toBeUndefined();
    // The method of an otherwise malformed request line: an ACK is never answered.
    expect(refusal(wire({ start: 'ACK  sip:a@b  SIP/2.0' })).partial?.method).toBe('ACK');
    // The headers after the malformed one are included.
    expect(refusal(wire({ headers: ['bad line', ...HEADERS] })).partial?.headers.get('CSeq')).toBe(
      '1 MESSAGE',
    );
  });

  it('limits the size of a message', () => {
    const long = refusal(wire({ start: `MESSAGE sip:${'a'.repeat(MAX_URI_LENGTH)}@b SIP/2.0` }));
    expect(long).toMatchObject({ status: 414 });
    expect(long.partial).toBeDefined();
    const lines = Array.from({ length: MAX_HEADER_LINES }, () => 'X: y');
    expect(refusal(wire({ headers: [...HEADERS, ...lines] }))).toMatchObject({ status: 513 });
    expect(refusal(wire({ headers: [...HEADERS, `X: ${'y'.repeat(MAX_HEADER_BYTES)}`] }))).toMatchObject({
      status: 513,
    });
  });

  it('answers another version with 505', () => {
    expect(refusal(wire({ start: 'MESSAGE sip:a@b SIP/3.0' })).status).toBe(505);
  });

  it('keeps UTF-8 in headers unchanged', () => {
    expect(request({ headers: [...HEADERS, 'Subject: \ufeffЗдравствуйте'] }).headers.get('Subject')).toBe(
      '\ufeffЗдравствуйте',
    );
  });

  it('stays linear on hostile headers', () => {
    for (const unit of ['a\r\n', 'a:\r\n', ' \r\n', 'Via: ,\r\n', '\r', '\n', ':', ' ', '"', '<', ',', ';']) {
      const noise = unit.repeat(Math.floor(30_000 / unit.length));
      for (const headers of [[noise], [...HEADERS, `X: ${noise}`], replaced('To', `To: ${noise}`)]) {
        try {
          parseMessage(wire({ headers }));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedSipError);
        }
      }
    }
  });

  it('throws only MalformedSipError', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.constantFrom(
          '\r\n',
          '\r\n\r\n',
          ' ',
          ':',
          ';',
          '"',
          '<',
          '>',
          ',',
          'SIP/2.0',
          'MESSAGE sip:a@b SIP/2.0\r\n',
        ),
        fc.constantFrom(...HEADERS.map((header) => `${header}\r\n`), 'Content-Length: 3\r\n', 'm: *\r\n'),
        fc.string(),
      ),
    );
    fc.assert(
      fc.property(pieces, fc.uint8Array(), (texts, noise) => {
        for (const bytes of [
          encode(texts.join('')),
          noise,
          Buffer.concat([wire({}).subarray(0, 60), noise]),
        ]) {
          try {
            parseMessage(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedSipError);
          }
        }
      }),
    );
  });
});

describe('parseCSeq', () => {
  it('parses number and method', () => {
    expect(parseCSeq('0009 INVITE')).toEqual({ number: 9, method: 'INVITE' });
    expect(parseCSeq('2147483647 \t MESSAGE')).toEqual({ number: 2_147_483_647, method: 'MESSAGE' });
    expect(parseCSeq('1e3 MESSAGE')).toBeUndefined();
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from '../../../core/errors.js';
import { NO_BODY, SipHeaders, type SipMessage, type SipRequest } from '../../../core/sip/message/message.js';
import { parseMessage } from '../../../core/sip/message/parser.js';
import { buildResponse, reasonPhrase, writeMessage } from '../../../core/sip/message/writer.js';
import { parseNameAddr } from '../../../core/sip/values/name-addr.js';
import { messages } from './arbitraries.js';

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function request(headers: SipHeaders = new SipHeaders()): SipRequest {
  for (const [name, value] of [
    ['Via', 'SIP/2.0/UDP proxy;branch=z9hG4bK2'],
    ['Via', 'SIP/2.0/TCP psa;branch=z9hG4bK1;received=192.0.2.4'],
    ['Record-Route', '<sip:proxy;lr>'],
    ['From', '<sip:psa@domain.com>;tag=49583'],
    ['To', '"Bob" <sip:user@domain.com>'],
    ['Call-ID', 'a@b'],
    ['CSeq', '7 MESSAGE'],
    ['Timestamp', '54'],
  ] as const) {
    headers.append(name, value);
  }
  return { method: 'MESSAGE', uri: 'sip:user@domain.com', headers, body: NO_BODY };
}

describe('writeMessage', () => {
  it('writes the start line, the headers in order, Content-Length, and the body', () => {
    const headers = new SipHeaders()
      .append('f', '<sip:a@b>')
      .append('Content-Length', '99')
      .append('Supported', '');
    const body = Uint8Array.of(0, 255, 13, 10);
    const bytes = writeMessage({ method: 'MESSAGE', uri: 'sip:a@b', headers, body });
    const head = 'MESSAGE sip:a@b SIP/2.0\r\nFrom: <sip:a@b>\r\nSupported:\r\nContent-Length: 4\r\n\r\n';
    expect(decode(bytes.subarray(0, -4))).toBe(head);
    expect(bytes.subarray(-4)).toEqual(body);
    expect(headers.get('Content-Length')).toBe('99');
  });

  it('always writes Content-Length', () => {
    expect(decode(writeMessage({ status: 200, reason: '', headers: new SipHeaders(), body: NO_BODY }))).toBe(
      'SIP/2.0 200 \r\nContent-Length: 0\r\n\r\n',
    );
  });

  it('refuses an invalid start line', () => {
    const headers = new SipHeaders();
    const broken: SipMessage[] = [
      { method: 'MES SAGE', uri: 'sip:a@b', headers, body: NO_BODY },
      { method: 'MESSAGE', uri: 'sip:a@b SIP/2.0\r\nX: y', headers, body: NO_BODY },
      { method: 'MESSAGE', uri: '', headers, body: NO_BODY },
      { status: 200, reason: 'OK\r\nX: y', headers, body: NO_BODY },
      { status: 99, reason: 'x', headers, body: NO_BODY },
      { status: 700, reason: 'x', headers, body: NO_BODY },
      { status: 200.5, reason: 'x', headers, body: NO_BODY },
    ];
    for (const message of broken) expect(() => writeMessage(message)).toThrow(MalformedError);
  });

  it('writes messages that parseMessage reads back', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const read = parseMessage(writeMessage(message));
        const { headers, ...rest } = read;
        const { headers: expectedHeaders, ...expected } = message;
        expect(rest).toEqual(expected);
        expect([...headers.entries()]).toEqual([
          ...expectedHeaders.entries(),
          ['Content-Length', `${message.body.length}`],
        ]);
      }),
    );
  });
});

describe('buildResponse (RFC 3261 8.2.6)', () => {
  it('8.1.1-03: copies Via, From, To, Call-ID and CSeq and tags To', () => {
    const response = buildResponse(request(), 200, { toTag: 'tag1', headers: [['Contact', '<sip:c@d>']] });
    expect(response).toMatchObject({ status: 200, reason: 'OK' });
    expect([...response.headers.entries()]).toEqual([
      ['Via', 'SIP/2.0/UDP proxy;branch=z9hG4bK2'],
      ['Via', 'SIP/2.0/TCP psa;branch=z9hG4bK1;received=192.0.2.4'],
      ['From', '<sip:psa@domain.com>;tag=49583'],
      ['To', '"Bob" <sip:user@domain.com>;tag=tag1'],
      ['Call-ID', 'a@b'],
      ['CSeq', '7 MESSAGE'],
      ['Contact', '<sip:c@d>'],
    ]);
  });

  it('adds a new tag of 64 random bits to each response', () => {
    const tag = () => parseNameAddr(buildResponse(request(), 200).headers.get('To') ?? '')?.tag;
    expect(tag()).toMatch(/^[0-9a-f]{16}$/);
    expect(tag()).not.toBe(tag());
  });

  it('keeps an existing tag, and adds none to a 100', () => {
    const tagged = request();
    tagged.headers.set('To', '<sip:user@domain.com>;tag=there');
    expect(buildResponse(tagged, 200).headers.get('To')).toBe('<sip:user@domain.com>;tag=there');
    const trying = buildResponse(request(), 100);
    expect(trying.headers.get('To')).toBe('"Bob" <sip:user@domain.com>');
    expect(trying.headers.get('Timestamp')).toBe('54');
    expect(buildResponse(request(), 180).headers.has('Timestamp')).toBe(false);
  });

  it('answers a request with a repeated or missing header', () => {
    const headers = new SipHeaders().append('From', '<sip:first@a>').append('CSeq', '1 MESSAGE');
    const response = buildResponse(request(headers), 400);
    expect(response.headers.getAll('From')).toEqual(['<sip:first@a>']);
    expect(response.headers.getAll('CSeq')).toEqual(['1 MESSAGE']);
    headers.delete('To');
    expect(buildResponse({ method: 'X', uri: 'sip:a', headers, body: NO_BODY }, 400).headers.has('To')).toBe(
      false,
    );
  });

  it('uses the reason and the body of the caller', () => {
    const body = Uint8Array.of(1, 2);
    expect(buildResponse(request(), 403, { reason: 'Not trusted', body })).toMatchObject({
      reason: 'Not trusted',
      body,
    });
  });
});

describe('reasonPhrase', () => {
  it('returns known phrases, and the phrase of the class for other statuses', () => {
    expect([100, 200, 415, 423, 513, 603].map(reasonPhrase)).toEqual([
      'Trying',
      'OK',
      'Unsupported Media Type',
      'Interval Too Brief',
      'Message Too Large',
      'Decline',
    ]);
    expect(reasonPhrase(499)).toBe('Bad Request');
  });
});

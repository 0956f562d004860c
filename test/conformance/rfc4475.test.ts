/** The 49 torture messages of RFC 4475, unchanged, and the expected result of the parser for each. */

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { StreamFramer } from '../../core/sip/message/framing.js';
import { MalformedSipError } from '../../core/sip/message/malformed-message.js';
import { isRequest, type SipMessage, type SipRequest } from '../../core/sip/message/message.js';
import { parseMessage } from '../../core/sip/message/parser.js';
import { buildResponse, writeMessage } from '../../core/sip/message/writer.js';
import { parseNameAddr, parseNameAddrs } from '../../core/sip/values/name-addr.js';
import { SipUri } from '../../core/sip/values/uri.js';
import { Via } from '../../core/sip/values/via.js';

const FIXTURES = new URL('../sip/fixtures/rfc4475/', import.meta.url);

interface JsSipParser {
  parseMessage(data: string, userAgent: object): object | undefined;
}
const jsSip: JsSipParser = createRequire(import.meta.url)('jssip/lib/Parser');

type Kind = 'valid' | 'broken';

interface Row {
  name: string;
  section: string;
  /** The statement of RFC 4475 about the message, shortened. */
  statement: string;
  kind: Kind;
  /** Status of the response; `dropped` for a response that is not accepted. Absent if the message is accepted. */
  refused?: number | 'dropped';
  /** Checks an accepted message. */
  check?(message: SipMessage): void;
  /** A different result of the parser of JsSIP 3.13.8. */
  jsSip?: 'passes' | 'drops' | 'throws';
}

const uriOf = (message: SipMessage) => (message as SipRequest).uri;
const contactsOf = (message: SipMessage) => parseNameAddrs(message.headers.getAll('Contact')) ?? [];

const ROWS: Row[] = [
  {
    name: 'wsinv',
    section: '3.1.1.1',
    statement: 'a short tortuous INVITE: folding, compact forms, any case, empty and unknown headers',
    kind: 'valid',
    check({ headers }) {
      expect(headers.getAll('Via').map((via) => Via.parse(via)?.toString())).toEqual([
        'SIP/2.0/UDP 192.0.2.2;branch=390skdjuw',
        'SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8',
        'SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239',
      ]);
      expect(parseNameAddr(headers.get('To') ?? '')?.tag).toBe('1918181833n');
      expect(parseNameAddr(headers.get('From') ?? '')?.displayName).toBe('J Rosenberg \\"');
      expect(headers.get('CSeq')).toBe('0009 INVITE');
      expect(headers.get('Subject')).toBe('');
      expect(headers.get('newfangledheader')).toBe('newfangled value continued newfangled value');
      expect(headers.get('UnknownHeaderWithUnusualValue')).toBe(';;,,;;,;');
      const contact = parseNameAddr(headers.get('Contact') ?? '');
      expect(contact?.displayName).toBe('Quoted string ""');
      expect(contact?.parameters.get('q')).toBe('0.33');
      expect(contact?.parameters.get('secondparam')).toBe('');
    },
  },
  {
    name: 'intmeth',
    section: '3.1.1.2',
    statement: 'wide range of valid characters',
    kind: 'valid',
    check(message) {
      expect((message as SipRequest).method).toBe("!interesting-Method0123456789_*+`.%indeed'~");
      expect(SipUri.parse(uriOf(message))?.user).toBe("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
      expect(SipUri.parse(uriOf(message))?.password).toBe("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
      expect(parseNameAddr(message.headers.get('To') ?? '')?.displayName).toBe('BEL:\x07 NUL:\0 DEL:\x7f');
      expect(parseNameAddr(message.headers.get('From') ?? '')?.displayName).toBe(
        "token1~` token2'+_ token3*%!.-",
      );
      // The byte order mark is part of the value.
      expect(message.headers.get("extensionHeader-!.%*+_`'~")).toBe('\ufeff大停電');
    },
  },
  {
    name: 'esc01',
    section: '3.1.1.3',
    statement: 'valid use of the % escaping mechanism',
    kind: 'valid',
    check(message) {
      const requestUri = SipUri.parse(uriOf(message));
      expect(requestUri?.user).toBe('sips%3Auser%40example.com');
      expect(requestUri?.host).toBe('example.net');
      expect(SipUri.parse(parseNameAddr(message.headers.get('To') ?? '')?.uri ?? '')?.user).toBe('user');
      const contact = SipUri.parse(contactsOf(message)[0]?.uri ?? '');
      expect(contact?.user).toBe('caller');
      expect([...(contact?.parameters ?? [])]).toEqual([
        ['lr', undefined],
        ['name', 'value%2541'],
      ]);
    },
  },
  {
    name: 'escnull',
    section: '3.1.1.4',
    statement: 'escaped nulls in URIs are ordinary characters, and do not end a string',
    kind: 'valid',
    check(message) {
      expect(contactsOf(message).map(({ uri }) => SipUri.parse(uri)?.user)).toEqual(['%00', '%00%00']);
    },
  },
  {
    name: 'esc02',
    section: '3.1.1.5',
    statement: 'use of % when it is not an escape: method and header names are not decoded',
    kind: 'valid',
    check(message) {
      expect((message as SipRequest).method).toBe('RE%47IST%45R');
      expect(message.headers.get('C%6Fntact')).toBe('<sip:alias2@host2.example.com>');
      expect(contactsOf(message)).toHaveLength(2);
      expect(parseNameAddr(message.headers.get('To') ?? '')?.displayName).toBe('%Z%45');
    },
  },
  {
    name: 'lwsdisp',
    section: '3.1.1.6',
    statement: 'no LWS between display name and <',
    kind: 'valid',
    check({ headers }) {
      expect(parseNameAddr(headers.get('From') ?? '')).toMatchObject({
        displayName: 'caller',
        uri: 'sip:caller@example.com',
        tag: '323',
      });
    },
  },
  {
    name: 'longreq',
    section: '3.1.1.7',
    statement: 'long values in header fields',
    kind: 'valid',
    check({ headers }) {
      expect(headers.getAll('Via')).toHaveLength(34);
      expect(headers.getAll('Via').every((via) => Via.parse(via))).toBe(true);
      expect(parseNameAddr(headers.get('From') ?? '')?.tag).toMatch(/^1(?:298)+2424$/);
    },
  },
  {
    name: 'dblreq',
    section: '3.1.1.8',
    statement: 'extra trailing octets in a UDP datagram are ignored',
    kind: 'valid',
    check(message) {
      expect((message as SipRequest).method).toBe('REGISTER');
      expect(message.body).toHaveLength(0);
    },
  },
  {
    name: 'semiuri',
    section: '3.1.1.9',
    statement: 'a semicolon before the @ belongs to the user part',
    kind: 'valid',
    check(message) {
      expect(SipUri.parse(uriOf(message))).toMatchObject({
        user: 'user;par=u%40example.net',
        host: 'example.com',
      });
      expect(message.headers.getAll('Accept')).toHaveLength(6);
    },
  },
  {
    name: 'transports',
    section: '3.1.1.10',
    statement: 'varied and unknown transport types in Via',
    kind: 'valid',
    check({ headers }) {
      expect(headers.getAll('Via').map((via) => Via.parse(via)?.transport)).toEqual([
        'UDP',
        'SCTP',
        'TLS',
        'UNKNOWN',
        'TCP',
      ]);
    },
  },
  {
    name: 'mpart01',
    section: '3.1.1.11',
    statement: 'multipart MIME message with binary octets',
    kind: 'valid',
    check({ body }) {
      expect(body).toHaveLength(553);
      expect(body.includes(0)).toBe(true);
    },
  },
  {
    name: 'unreason',
    section: '3.1.1.12',
    statement: 'unusual reason phrase',
    kind: 'valid',
    check(message) {
      expect(message).toMatchObject({
        status: 200,
        reason: '= 2**3 * 5**2 но сто девяносто девять - простое',
      });
    },
  },
  {
    name: 'noreason',
    section: '3.1.1.13',
    statement: 'empty reason phrase',
    kind: 'valid',
    check(message) {
      expect(message).toMatchObject({ status: 100, reason: '' });
    },
  },
  {
    name: 'badinv01',
    section: '3.1.2.1',
    statement: 'extraneous header field separators: 400',
    kind: 'broken',
    refused: 400,
  },
  {
    name: 'clerr',
    section: '3.1.2.2',
    statement: 'Content-Length larger than the datagram: 400',
    kind: 'broken',
    refused: 400,
    jsSip: 'passes',
  },
  {
    name: 'ncl',
    section: '3.1.2.3',
    statement: 'negative Content-Length: an error',
    kind: 'broken',
    refused: 400,
  },
  {
    name: 'scalar02',
    section: '3.1.2.4',
    statement: 'overlarge CSeq: 400 (Max-Forwards and Expires alone could be forgiven)',
    kind: 'broken',
    refused: 400,
    jsSip: 'passes',
  },
  {
    name: 'scalarlg',
    section: '3.1.2.5',
    statement: 'overlarge scalars in a response: discarded',
    kind: 'broken',
    refused: 'dropped',
    jsSip: 'passes',
  },
  {
    name: 'quotbal',
    section: '3.1.2.6',
    statement: 'unterminated quoted string in To: 400',
    kind: 'broken',
    refused: 400,
  },
  {
    name: 'ltgtruri',
    section: '3.1.2.7',
    statement: '<> around the Request-URI: always reasonable to reject with 400',
    kind: 'broken',
    refused: 400,
  },
  {
    name: 'lwsruri',
    section: '3.1.2.8',
    statement: 'LWS within the Request-URI: 400',
    kind: 'broken',
    refused: 400,
  },
  {
    name: 'lwsstart',
    section: '3.1.2.9',
    statement: 'multiple SP in the request line: acceptable to reject',
    kind: 'broken',
    refused: 400,
  },
  {
    name: 'trws',
    section: '3.1.2.10',
    statement: 'SP at the end of the request line: acceptable to reject',
    kind: 'broken',
    refused: 400,
  },
  {
    name: 'escruri',
    section: '3.1.2.11',
    statement: 'escaped headers in the Request-URI: acceptable to reject with 400',
    kind: 'broken',
    refused: 400,
    jsSip: 'passes',
  },
  {
    name: 'baddate',
    section: '3.1.2.12',
    statement:
      'a Date that is not GMT: should not be rejected unless the Date matters; this parser does not read it',
    kind: 'broken',
    check({ headers }) {
      expect(headers.get('Date')).toBe('Fri, 01 Jan 2010 16:00:00 EST');
    },
  },
  {
    name: 'regbadct',
    section: '3.1.2.13',
    statement: 'a Contact URI with headers outside <>: reasonable to reject with 400',
    kind: 'broken',
    refused: 400,
  },
  {
    name: 'badaspec',
    section: '3.1.2.14',
    statement:
      'spaces within an addr-spec: a liberal element may ignore them; the push sample flows have some',
    kind: 'broken',
    check({ headers }) {
      expect(parseNameAddr(headers.get('To') ?? '')?.uri).toBe('sip:t.watson@example.org');
    },
    jsSip: 'drops',
  },
  {
    name: 'baddn',
    section: '3.1.2.15',
    statement: 'a comma in a display name without quotes: always reasonable to reject with 400',
    kind: 'broken',
    refused: 400,
  },
  {
    name: 'badvers',
    section: '3.1.2.16',
    statement: 'unknown protocol version: 505',
    kind: 'broken',
    refused: 505,
    jsSip: 'passes',
  },
  {
    name: 'mismatch01',
    section: '3.1.2.17',
    statement: 'method and CSeq method differ: 400',
    kind: 'broken',
    refused: 400,
    jsSip: 'passes',
  },
  {
    name: 'mismatch02',
    section: '3.1.2.18',
    statement: 'the same with an unknown method: 501, or 400 (this layer knows no methods)',
    kind: 'broken',
    refused: 400,
    jsSip: 'passes',
  },
  {
    name: 'bigcode',
    section: '3.1.2.19',
    statement: 'status above 699: dropped',
    kind: 'broken',
    refused: 'dropped',
  },
  {
    name: 'badbranch',
    section: '3.2.1',
    statement:
      'a branch that is only the prefix: must not break a parser; transactions fall back or answer 400',
    kind: 'valid',
    check({ headers }) {
      expect(Via.parse(headers.get('Via') ?? '')?.branch).toBe('z9hG4bK');
    },
  },
  {
    name: 'insuf',
    section: '3.3.1',
    statement: 'no Call-ID, From or To: ideally 400',
    kind: 'broken',
    refused: 400,
    jsSip: 'passes',
  },
  {
    name: 'unkscm',
    section: '3.3.2',
    statement: 'an unknown scheme in the Request-URI must be accepted as well-formed (416 is for the agent)',
    kind: 'valid',
    check(message) {
      expect(uriOf(message)).toBe('nobodyKnowsThisScheme:totallyopaquecontent');
    },
  },
  {
    name: 'novelsc',
    section: '3.3.3',
    statement: 'a known but atypical scheme must be accepted as well-formed',
    kind: 'valid',
    check(message) {
      expect(uriOf(message)).toBe('soap.beep://192.0.2.103:3002');
    },
  },
  {
    name: 'unksm2',
    section: '3.3.4',
    statement: 'unknown schemes in To, From and Contact: parsers must not fail',
    kind: 'valid',
    check({ headers }) {
      expect(parseNameAddr(headers.get('To') ?? '')?.uri).toBe('isbn:2983792873');
    },
    jsSip: 'drops',
  },
  {
    name: 'bext01',
    section: '3.3.5',
    statement: 'unknown Require and Proxy-Require (420 is for the agent)',
    kind: 'valid',
    check({ headers }) {
      expect(headers.getAll('Require')).toEqual(['nothingSupportsThis', 'nothingSupportsThisEither']);
    },
  },
  {
    name: 'invut',
    section: '3.3.6',
    statement: 'unknown Content-Type (415 is for the agent)',
    kind: 'valid',
    check({ body }) {
      expect(body).toHaveLength(40);
    },
  },
  {
    name: 'regaut01',
    section: '3.3.7',
    statement: 'unknown authorization scheme',
    kind: 'valid',
    check({ headers }) {
      expect(headers.get('Authorization')).toBe('NoOneKnowsThisScheme opaque-data=here');
    },
  },
  {
    name: 'multi01',
    section: '3.3.8',
    statement: 'several values in single-valued headers: 400',
    kind: 'broken',
    refused: 400,
    jsSip: 'passes',
  },
  {
    name: 'mcl01',
    section: '3.3.9',
    statement: 'several Content-Length: 400',
    kind: 'broken',
    refused: 400,
    jsSip: 'passes',
  },
  {
    name: 'bcast',
    section: '3.3.10',
    statement: 'a broadcast address in the second Via: well-formed (agents discard, proxies do not forward)',
    kind: 'valid',
    check({ headers }) {
      expect(headers.getAll('Via')).toHaveLength(2);
    },
  },
  {
    name: 'zeromf',
    section: '3.3.11',
    statement: 'Max-Forwards of zero (483 is for a proxy that would forward)',
    kind: 'valid',
    check({ headers }) {
      expect(headers.get('Max-Forwards')).toBe('0');
    },
  },
  {
    name: 'cparam01',
    section: '3.3.12',
    statement: 'REGISTER with a contact header parameter',
    kind: 'valid',
    check(message) {
      expect(contactsOf(message)[0]?.uri).toBe('sip:+19725552222@gw1.example.net');
      expect(contactsOf(message)[0]?.parameters.has('unknownparam')).toBe(true);
    },
  },
  {
    name: 'cparam02',
    section: '3.3.13',
    statement: 'REGISTER with a parameter of the contact URI',
    kind: 'valid',
    check(message) {
      expect(contactsOf(message)[0]?.uri).toBe('sip:+19725552222@gw1.example.net;unknownparam');
      expect(contactsOf(message)[0]?.parameters.size).toBe(0);
    },
  },
  {
    name: 'regescrt',
    section: '3.3.14',
    statement: 'REGISTER with an escaped header in a Contact: it stays in the URI',
    kind: 'valid',
    check(message) {
      expect(SipUri.parse(contactsOf(message)[0]?.uri ?? '')?.headers).toBe(
        'Route=%3Csip:sip.example.com%3E',
      );
    },
  },
  {
    name: 'sdp01',
    section: '3.3.15',
    statement: 'an Accept that cannot be met (406 is for the agent)',
    kind: 'valid',
    check({ headers }) {
      expect(headers.getAll('Accept')).toEqual(['text/nobodyKnowsThis']);
    },
  },
  {
    name: 'inv2543',
    section: '3.4.1',
    statement: 'RFC 2543 syntax: no branch, no Max-Forwards, no Content-Length',
    kind: 'valid',
    check({ headers, body }) {
      expect(Via.parse(headers.get('Via') ?? '')?.branch).toBeUndefined();
      expect(body).toHaveLength(105);
    },
  },
];

const read = (row: Row) => new Uint8Array(readFileSync(new URL(`${row.kind}/${row.name}.dat`, FIXTURES)));

function refusalOf(bytes: Uint8Array): MalformedSipError {
  try {
    parseMessage(bytes);
  } catch (error) {
    if (error instanceof MalformedSipError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('RFC 4475', () => {
  it('has 49 messages, each in one row', () => {
    const files = (['valid', 'broken'] as const).flatMap((kind) =>
      readdirSync(new URL(`${kind}/`, FIXTURES)).map((file) => `${kind}/${file}`),
    );
    expect(files.sort()).toEqual(ROWS.map(({ kind, name }) => `${kind}/${name}.dat`).sort());
    expect(ROWS).toHaveLength(49);
  });

  for (const row of ROWS.filter(({ refused }) => refused === undefined)) {
    it(`${row.section} ${row.name}: ${row.statement}: accepted`, () => {
      const message = parseMessage(read(row));
      row.check?.(message);
      // An accepted message can be written, and is the same when it is read back.
      const again = parseMessage(writeMessage(message));
      row.check?.(again);
      expect([...again.headers.entries()].filter(([name]) => name !== 'Content-Length')).toEqual(
        [...message.headers.entries()].filter(([name]) => name !== 'Content-Length'),
      );
      expect(again.body).toEqual(message.body);
    });
  }

  for (const row of ROWS.filter(({ refused }) => refused !== undefined)) {
    it(`${row.section} ${row.name}: ${row.statement}: ${row.refused}`, () => {
      const error = refusalOf(read(row));
      if (row.refused === 'dropped') {
        expect(error.partial).toBeUndefined();
        return;
      }
      expect(error.status).toBe(row.refused);
      if (!error.partial) throw new Error('no headers for an answer');
      // The response can be written, and its Vias are those of the request.
      const answer = buildResponse(error.partial, error.status);
      expect(writeMessage(answer).length).toBeGreaterThan(0);
      expect(answer.headers.getAll('Via')).toEqual(error.partial.headers.getAll('Via'));
    });
  }

  it('3.1.2.15 baddn is rejected for its display names, not only for the empty line that this copy lacks', () => {
    const row = ROWS.find(({ name }) => name === 'baddn');
    if (!row) throw new Error('no row');
    const error = refusalOf(new Uint8Array([...read(row), 13, 10]));
    expect(error).toMatchObject({ status: 400, message: 'malformed From' });
  });

  it('3.1.1.8 dblreq on a stream is two messages', () => {
    const row = ROWS.find(({ name }) => name === 'dblreq');
    if (!row) throw new Error('no row');
    const methods: string[] = [];
    const framer = new StreamFramer(
      {},
      {
        onMessage(bytes) {
          const message = parseMessage(bytes);
          methods.push(isRequest(message) ? message.method : '');
        },
        onKeepAlive() {},
        onError(error) {
          methods.push(`error ${error.status}`);
        },
      },
    );
    framer.push(read(row));
    // The Content-Length of the second message is 5 short of its body; the remaining bytes do not start a message.
    expect(methods).toEqual(['REGISTER', 'INVITE', 'error 400']);
  });
});

describe('the parser of JsSIP 3.13.8 on the same messages', () => {
  const resultOf = (row: Row): 'accepted' | 'dropped' | 'throws' => {
    try {
      return jsSip.parseMessage(new TextDecoder().decode(read(row)), {}) ? 'accepted' : 'dropped';
    } catch {
      return 'throws';
    }
  };

  for (const row of ROWS) {
    const same = row.refused === undefined ? 'accepted' : 'dropped';
    const other =
      row.jsSip && ({ passes: 'accepted', drops: 'dropped', throws: 'throws' } as const)[row.jsSip];
    it(`${row.name}: ${other === undefined ? 'the same result' : `JsSIP ${row.jsSip}`}`, () => {
      expect(resultOf(row)).toBe(other ?? same);
    });
  }
});

/**
 * Compares our parser with that of JsSIP. Both read the bytes that a transport receives. The parser of JsSIP reads
 * text, so its bytes are decoded first, as in its transport.
 *
 * `npx vitest bench --config test/vitest.config.ts --run test/bench/parser.bench.ts`
 */

import { createRequire } from 'node:module';
import { bench, describe } from 'vitest';
import { StreamFramer } from '../../core/sip/message/framing.js';
import { parseMessage } from '../../core/sip/message/parser.js';
import { writeMessage } from '../../core/sip/message/writer.js';
import { parseFeatureParameters } from '../../core/sip/values/feature-tags.js';
import { parseNameAddr, parseNameAddrs } from '../../core/sip/values/name-addr.js';
import { Via } from '../../core/sip/values/via.js';

interface JsSipParser {
  parseMessage(data: string, userAgent: object): object | undefined;
}
const jsSip: JsSipParser = createRequire(import.meta.url)('jssip/lib/Parser');
const decoder = new TextDecoder();

function bytesOf(lines: readonly string[], body: Uint8Array): Uint8Array {
  const head = `${[...lines, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n`;
  return new Uint8Array(Buffer.concat([new TextEncoder().encode(head), body]));
}

/** A push after two proxies, with an MMS notification of 200 octets. */
const PUSH = bytesOf(
  [
    'MESSAGE sip:bob@192.0.2.4:5060;transport=tcp;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6 SIP/2.0',
    'Via: SIP/2.0/TCP pcscf.domain.test:5060;branch=z9hG4bK8a1c7d90c63f4a5db1b3a2f0e4c5d6e7;rport',
    'Via: SIP/2.0/TCP scscf.domain.test:5060;branch=z9hG4bK1f0e4c5d6e78a1c7d90c63f4a5db1b3a;received=192.0.2.9',
    'Via: SIP/2.0/TCP psa.domain.test:5060;branch=z9hG4bKc63f4a5db1b3a2f0e4c5d6e78a1c7d90;received=192.0.2.7',
    'Max-Forwards: 68',
    'From: <sip:psa@domain.test>;tag=49583f0e4c5d6e78',
    'To: "Bob" <sip:bob@domain.test>',
    'Call-ID: 1b3a2f0e4c5d6e78a1c7d90c63f4a5db@psa.domain.test',
    'CSeq: 1 MESSAGE',
    'P-Asserted-Identity: <sip:psa@domain.test>',
    'P-Asserted-Service: urn:urn-7:3gpp-service.ims.icsi.omapush',
    'Accept-Contact: *;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush"',
    'Accept-Contact: *;+g.oma.pusheventapp="mms.ua";require;explicit',
    'User-Agent: sip-push',
    'Content-Type: application/vnd.wap.mms-message',
  ],
  Uint8Array.from({ length: 200 }, (_, at) => (at * 37) & 0xff),
);

/** The response of the registrar to a REGISTER with three bindings. */
const binding = (host: string, instance: string) =>
  `<sip:bob@${host}:5060;transport=tcp>;pub-gruu="sip:bob@domain.test;gr=urn:uuid:${instance}"` +
  `;temp-gruu="sip:tgruu.7hs==jd7vnzga5w7fajsc7-ajd6fabz0f8g5@domain.test;gr"` +
  `;+sip.instance="<urn:uuid:${instance}>";+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush"` +
  ';+g.oma.pusheventapp="wml.ua,mms.ua,syncml.dm,dcd.ua";expires=3600';
const REGISTERED = bytesOf(
  [
    'SIP/2.0 200 OK',
    'Via: SIP/2.0/TCP 192.0.2.4:5060;branch=z9hG4bK8a1c7d90c63f4a5db1b3a2f0e4c5d6e7;rport=40000;received=192.0.2.4',
    'From: <sip:bob@domain.test>;tag=456248',
    'To: <sip:bob@domain.test>;tag=2493k59kd',
    'Call-ID: 843817637684230@998sdasdh09',
    'CSeq: 1827 REGISTER',
    `Contact: ${binding('192.0.2.4', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6')}`,
    `Contact: ${binding('192.0.2.5', 'a81d4fae-7dec-11d0-a765-00a0c91e6bf7')}`,
    `Contact: ${binding('192.0.2.6', 'b81d4fae-7dec-11d0-a765-00a0c91e6bf8')}`,
    'Service-Route: <sip:scscf.domain.test;lr>',
    'Supported: gruu, path, outbound',
    'P-Associated-URI: <sip:bob@domain.test>, <tel:+15551234>',
  ],
  new Uint8Array(0),
);

/** JsSIP parses these headers while it reads the message; our headers are parsed on access, so access them. */
function readLikeJsSip(bytes: Uint8Array): unknown[] {
  const { headers } = parseMessage(bytes);
  return [
    Via.parse(headers.get('Via') ?? ''),
    parseNameAddr(headers.get('From') ?? ''),
    parseNameAddr(headers.get('To') ?? ''),
    parseNameAddrs(headers.getAll('Contact')),
  ];
}

describe('a push MESSAGE with a binary body', () => {
  bench('ours', () => void parseMessage(PUSH));
  bench('ours, with the headers that JsSIP parses', () => void readLikeJsSip(PUSH));
  bench('JsSIP', () => void jsSip.parseMessage(decoder.decode(PUSH), {}));
});

describe('the 200 of the registrar', () => {
  bench('ours', () => void parseMessage(REGISTERED));
  bench('ours, with the headers that JsSIP parses', () => void readLikeJsSip(REGISTERED));
  bench('ours, with the features of every contact', () => {
    const contacts = parseNameAddrs(parseMessage(REGISTERED).headers.getAll('Contact'));
    for (const { parameters } of contacts ?? []) parseFeatureParameters(parameters);
  });
  bench('JsSIP', () => void jsSip.parseMessage(decoder.decode(REGISTERED), {}));
});

describe('around the parser', () => {
  const message = parseMessage(PUSH);
  const framer = new StreamFramer({}, { onMessage: parseMessage, onKeepAlive() {}, onError() {} });
  bench('frame a push MESSAGE from a stream', () => framer.push(PUSH));
  bench('write a push MESSAGE', () => void writeMessage(message));
});

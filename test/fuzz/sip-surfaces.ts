/** SIP messages, from datagrams and from streams, and the values of their headers. */

import fc from 'fast-check';
import { digestAnswers } from '../../core/sip/authentication/challenge-answers.js';
import { answerChallenge, parseAuthParameters } from '../../core/sip/authentication/digest.js';
import { DigestChallenger } from '../../core/sip/authentication/digest-challenger.js';
import { StreamFramer } from '../../core/sip/message/framing.js';
import { MalformedSipError } from '../../core/sip/message/malformed-message.js';
import { isRequest, parseCSeq, type SipMessage } from '../../core/sip/message/message.js';
import { parseMessage } from '../../core/sip/message/parser.js';
import { buildResponse, writeMessage } from '../../core/sip/message/writer.js';
import {
  formatSubscriptionState,
  type NotifiedState,
  parseSubscriptionState,
} from '../../core/sip/subscription/subscription-state.js';
import {
  acceptContactParameters,
  callerPreference,
  formatAcceptContact,
  parseAcceptContact,
} from '../../core/sip/values/accept-contact.js';
import { assertedIdentities, calledIdentity, TrustList } from '../../core/sip/values/asserted-identity.js';
import { parseFeatureParameters } from '../../core/sip/values/feature-tags.js';
import { NameAddr, parseNameAddr, parseNameAddrs } from '../../core/sip/values/name-addr.js';
import { Parameters, parseDeltaSeconds, parseParameters } from '../../core/sip/values/parameters.js';
import { formatReason, parseReason, type Reason } from '../../core/sip/values/reason.js';
import { isGruu, type OtherUri, parseUri, SipUri } from '../../core/sip/values/uri.js';
import { Via } from '../../core/sip/values/via.js';
import { messages } from '../sip/message/arbitraries.js';
import { sipFixtures } from './fixture-bytes.js';
import { anyText, word } from './inputs.js';
import { defineSurface, encode, ofHeader, type Surface, textSeeds } from './surface.js';
import { difference } from './values.js';

const PUSH = `MESSAGE sip:bob@192.0.2.4;transport=tcp SIP/2.0\r
Via: SIP/2.0/TCP proxy.domain.test:5060;branch=z9hG4bK1;rport, SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK2\r
Max-Forwards: 68\r
From: "Push \\"Server\\"" <sip:psa@domain.test>;tag=a\r
To: <sip:bob@domain.test;user=phone>\r
Call-ID: 1@domain.test\r
CSeq: 1 MESSAGE\r
P-Asserted-Identity: <sip:psa@domain.test>, <tel:+15550100>\r
Accept-Contact: *;+g.oma.pusheventapp="mms.ua";require;explicit\r
Contact: <sip:psa@192.0.2.1:5060;gr=urn:uuid:1>;+sip.instance="<urn:uuid:1>";expires=60\r
Content-Type: text/plain;charset=utf-8\r
Content-Length: 5\r
\r
Hello`;
const WORDS = [
  ...['SIP/2.0', 'MESSAGE', 'INVITE', 'Via:', 'v:', 'Contact:', 'Route:', 'Content-Length:', 'l:', 'CSeq:'],
  ...['sip:', 'sips:', 'tel:', '@', ';tag=', ';lr', '<sip:a@b>', '\r\n ', '\r\n\r\n', '%00', '%6', '[::1]'],
  ...['+g.oma.pusheventapp=', '#>=5', '!', ';q=0.5', '*', '"<', '>"', 'z9hG4bK', 'branch=', ', '],
];

/** The values that a transaction, a dialog, a proxy and an application read from a message. */
function plainMessage(message: SipMessage) {
  const { headers, body } = message;
  const start = isRequest(message)
    ? { method: message.method, uri: message.uri }
    : { status: message.status, reason: message.reason };
  const lines = [...headers.entries()].filter(([name]) => name !== 'Content-Length');
  return { start, lines, body };
}

/** Readers that run on each message, which do not throw. */
function readHeaders(message: SipMessage): void {
  const { headers } = message;
  for (const [name] of headers.entries()) headers.getAll(name);
  parseNameAddrs([...headers.getAll('Contact'), ...headers.getAll('Route')]);
  const accepts = parseAcceptContact(headers.getAll('Accept-Contact'));
  for (const contact of headers.getAll('Contact')) {
    const parsed = parseNameAddr(contact);
    if (parsed) callerPreference(parseFeatureParameters(parsed.parameters), accepts);
  }
  const copy = headers.clone();
  while (copy.removeFirst('Via') !== undefined);
  if (!isRequest(message)) return;
  calledIdentity(message);
  writeMessage(buildResponse(message, 200));
}

function readMessage(bytes: Uint8Array): SipMessage {
  try {
    const message = parseMessage(bytes);
    readHeaders(message);
    return message;
  } catch (error) {
    // The answer to a malformed request.
    if (error instanceof MalformedSipError && error.partial) {
      writeMessage(buildResponse(error.partial, error.status));
    }
    throw error;
  }
}

/** Messages, keep-alives and errors, in their order. */
function framed(pieces: readonly Uint8Array[]): { events: (string | Uint8Array)[] } {
  const events: (string | Uint8Array)[] = [];
  const framer = new StreamFramer(undefined, {
    onMessage: (bytes) => events.push(bytes),
    onKeepAlive: (kind) => events.push(kind),
    onError: ({ status, partial }) => events.push(`${status} ${partial?.method}`),
  });
  for (const piece of pieces) framer.push(piece);
  return { events };
}

/** Pieces of the sizes in `sizes`, repeatedly. */
function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length] ?? 1;
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

const fixtures = [...sipFixtures(), encode(PUSH)];

const sipMessage = defineSurface<SipMessage>({
  name: 'sip-message',
  seeds: fixtures,
  words: WORDS,
  read: readMessage,
  write: writeMessage,
  plain: plainMessage,
  values: messages,
  // A view of the datagram.
  growth: 64,
});

const sipStream = defineSurface<{ events: (string | Uint8Array)[] }>({
  name: 'sip-stream',
  seeds: [...fixtures, encode(`\r\n\r\n${PUSH}\r\n${PUSH}`)],
  words: WORDS,
  measure: (bytes) => framed([bytes]),
  read(bytes) {
    const whole = framed([bytes]);
    // Errors name what has arrived, which depends on the pieces.
    const known = whole.events.some((event) => typeof event === 'string' && /^\d/.test(event));
    for (const sizes of [[1], [3, 50, 7]]) {
      const changed = known ? undefined : difference(whole, framed(cut(bytes, sizes)));
      if (changed !== undefined) throw new Error(`pieces of ${sizes} bytes differ at ${changed}`);
    }
    for (const event of whole.events) if (typeof event !== 'string') readMessageOrRefuse(event);
    return whole;
  },
});

function readMessageOrRefuse(bytes: Uint8Array): void {
  try {
    readMessage(bytes);
  } catch (error) {
    if (!(error instanceof MalformedSipError)) throw error;
  }
}

/** Text that a header can have: without line breaks, and with a form in UTF-8. */
function oneLine(text: string): string {
  return text.replace(/[\r\n\p{Cs}]/gu, ' ');
}

const parameters: fc.Arbitrary<Parameters> = fc
  .uniqueArray(fc.tuple(word, fc.option(anyText, { nil: undefined })), {
    selector: ([name]) => name,
    maxLength: 4,
  })
  .map((entries) => {
    const all = new Parameters();
    for (const [name, value] of entries) {
      all.set(name, value === undefined ? undefined : oneLine(value));
    }
    return all;
  });

const URIS = [
  'sip:bob@domain.test;user=phone?a=b',
  'sips:%62ob:pw@[2001:db8::1]:5061;lr;x=%3B',
  'tel:+1-555;ext=1',
];

const nameAddr = defineSurface<NameAddr>({
  name: 'sip-name-addr',
  seeds: textSeeds(
    '"A \\" B" <sip:a@b>;tag=1',
    'sip:a@b;tag=2',
    'Bob <sip:bob@domain.test;gr=urn:uuid:1>;+sip.instance="<urn:uuid:1>";q=0.1',
    '<tel:+15550100>',
  ),
  words: WORDS,
  read: ofHeader(parseNameAddr),
  write: (value) => encode(value.toString()),
  plain: ({ uri, displayName, parameters: all }) => [uri, displayName ?? '', [...all.entries()]],
  values: fc
    .tuple(fc.constantFrom(...URIS), parameters, anyText)
    .map(([uri, all, name]) => new NameAddr(uri, all, oneLine(name))),
});

const via = defineSurface<Via>({
  name: 'sip-via',
  seeds: textSeeds(
    'SIP/2.0/UDP host.test:5060;branch=z9hG4bK1;received=192.0.2.1;rport=5060',
    'SIP / 2.0 / tls [2001:db8::1] : 5061 ; branch="a"',
  ),
  words: WORDS,
  read: ofHeader((text) => Via.parse(text)),
  write: (value) => encode(value.toString()),
  plain: ({ transport, sentBy, protocol, parameters: all }) => [
    transport,
    sentBy,
    protocol,
    [...all.entries()],
  ],
});

const uri = defineSurface<SipUri | OtherUri>({
  name: 'sip-uri',
  seeds: textSeeds(...URIS, 'sip:a;b?c@d', 'msrp://a;tcp', 'sip:domain.test'),
  words: WORDS,
  read: ofHeader((text) => {
    isGruu(text);
    const parsed = parseUri(text);
    if (!(parsed instanceof SipUri)) return parsed;
    if (!parsed.equals(parsed)) throw new Error('the URI differs from itself');
    parsed.addressOfRecord();
    return parsed;
  }),
  write: (value) => encode(value instanceof SipUri ? value.toString() : value.text),
  plain: (value) => (value instanceof SipUri ? value.toString() : value),
});

const acceptContact = defineSurface<string>({
  name: 'sip-accept-contact',
  seeds: textSeeds(
    '*;+g.oma.pusheventapp="mms.ua,wml.ua";require;explicit',
    '*, +g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.push", +g.oma.pusheventapp="dcd.ua"',
    '*;audio;methods="!INVITE,MESSAGE";priority="#1:5";+sip.x="<a,b>"',
  ),
  words: WORDS,
  read: ofHeader((text) => {
    const accepts = parseAcceptContact([text, text]);
    const contact = parseFeatureParameters(
      parseParameters(';+g.oma.pusheventapp="mms.ua";audio', 0) ?? new Parameters(),
    );
    callerPreference(contact, accepts);
    return acceptContactParameters([text])
      .map((all) => `*${all}`)
      .join(', ');
  }),
  write: encode,
});

const feature = fc.stringMatching(/^[a-z0-9.:]{1,10}$/);
const acceptedFeatures = defineSurface<{ name: string; values: string[] }>({
  name: 'sip-feature-tags',
  seeds: textSeeds('*;+g.oma.pusheventapp="mms.ua,wml.ua";require'),
  words: WORDS,
  read: ofHeader((text) => {
    const [all] = acceptContactParameters([text]);
    const [[name, raw] = []] = all ? all.entries() : [];
    return name === undefined || raw === undefined
      ? undefined
      : { name, values: (all?.get(name) ?? '').split(',') };
  }),
  write: ({ name, values }) => encode(formatAcceptContact([[name, values]])),
  values: fc.record({
    name: feature.map((text) => `+${text}`),
    values: fc.array(feature, { minLength: 1, maxLength: 5 }),
  }),
});

const identities = defineSurface<string[]>({
  name: 'sip-identities',
  seeds: [encode(PUSH)],
  words: [...WORDS, 'P-Asserted-Identity:', 'P-Called-Party-ID:', 'tel:+1;phone-context=', '@*.domain.test'],
  read(bytes) {
    const message = parseMessage(bytes);
    if (!isRequest(message)) return undefined;
    new TrustList(['sip:*@*.domain.test', 'tel:+15550100', 'sip:psa@domain.test']).trusted(message);
    return [...assertedIdentities(message), calledIdentity(message)];
  },
});

const reason = defineSurface<Reason>({
  name: 'sip-reason',
  seeds: textSeeds('SIP;cause=486;text="Busy, here"', 'Q.850;cause=16', 'SIP ; cause=200'),
  words: WORDS,
  read: ofHeader((text) => parseReason([text])),
  write: (value) => encode(formatReason(value)),
  values: fc.record({ cause: fc.integer({ min: 100, max: 699 }), text: fc.stringMatching(/^[ -~]{1,30}$/) }),
});

const subscriptionState = defineSurface<NotifiedState>({
  name: 'sip-subscription-state',
  seeds: textSeeds('active;expires=3600', 'terminated;reason=giveup;retry-after=5', 'pending'),
  words: [...WORDS, 'active', 'terminated', ';expires=', ';reason=', ';retry-after='],
  read: ofHeader((text) => parseSubscriptionState(text)),
  write: (value) => encode(formatSubscriptionState(value)),
});

const numbers = defineSurface({
  name: 'sip-numbers',
  seeds: textSeeds('120', '3600 (an hour);duration=60', '1 MESSAGE', '4294967295 INVITE'),
  words: WORDS,
  read: ofHeader((text) => [parseDeltaSeconds(text), parseCSeq(text)]),
});

const CHALLENGES = [
  'Digest realm="domain.test", nonce="a\\"b", algorithm=SHA-256, qop="auth,auth-int", opaque="x"',
  'Digest realm="r", nonce=n, algorithm=MD5-sess, stale=true, qop=auth, Digest realm="q", nonce="m"',
  'Basic realm="x", Digest nonce="y"',
];
const AUTHORIZATION =
  'Digest username="bob", realm="domain.test", nonce="n", uri="sip:domain.test", response="0123", qop=auth, nc=00000001, cnonce="c", algorithm=SHA-256';

const digest = defineSurface({
  name: 'sip-digest',
  seeds: textSeeds(...CHALLENGES, AUTHORIZATION),
  words: [
    ...WORDS,
    'Digest ',
    'realm=',
    'nonce=',
    'qop=',
    'auth-int',
    'algorithm=',
    'AKAv1-MD5',
    '-sess',
    'stale=true',
  ],
  read: ofHeader((text) => {
    const request = { method: 'REGISTER', uri: 'sip:domain.test', body: new Uint8Array() };
    answerChallenge([text], { username: 'bob', password: 'p', nonces: new Map(), ...request });
    digestAnswers({ username: 'bob', password: 'p' }, 'AUTH')([text, text], 'msrps://r;tcp');
    new DigestChallenger({ realm: 'domain.test' }).verify(text, request, () => 'p');
    return parseAuthParameters(text);
  }),
});

export const sipSurfaces: readonly Surface[] = [
  ...[sipMessage, sipStream, nameAddr, via, uri, acceptContact, acceptedFeatures, identities, reason],
  ...[subscriptionState, numbers, digest],
];

/** Binary formats: WSP, MMS and device management. */

import fc from 'fast-check';
import { memoryContent } from '../../core/content/content.js';
import {
  type DmNotification,
  decodeDmNotification,
  encodeDmNotification,
  encodeDmTrigger,
} from '../../core/content/device-management.js';
import {
  decodeNotification,
  decodeNotifyResponse,
  encodeNotification,
  encodeNotifyResponse,
  type MmsNotification,
} from '../../core/content/mms/notification.js';
import {
  decodeDeliveryReport,
  decodeReadByRecipient,
  decodeReadForOriginator,
  encodeDeliveryReport,
  encodeReadByRecipient,
  encodeReadForOriginator,
} from '../../core/content/mms/reports.js';
import {
  decodeAcknowledge,
  decodeRetrieval,
  encodeAcknowledge,
  encodeRetrieval,
  readRetrieval,
} from '../../core/content/mms/retrieval.js';
import { decodeHeaders, encodeHeaders, type WspHeaders } from '../../core/content/wsp/headers.js';
import { decodePushPdu, encodePushPdu, type PushPdu } from '../../core/content/wsp/push-pdu.js';
import { wspTexts } from '../content/wsp/wsp-texts.js';
import { contentFixtures } from './fixture-bytes.js';
import { date, octets, word } from './inputs.js';
import { defineSurface, type Surface } from './surface.js';

const WORDS = [
  ...[
    '\x83\x01\x02\x03',
    '\x8c\x82',
    '\x8d\x92',
    '\x98a\0',
    '\x85\x04\x01\x02\x03\x04',
    '\x89\x01\x81',
    '\x96\x05\xeaab\0',
  ],
  ...[
    '\x88\x05\x81\x03\x01\x02\x03',
    '\x84\xa3',
    '\x03\xbe\x83\x85',
    '\x1f\x05',
    '\x7fabc\0',
    '"abc\0',
    '\x81\xea',
    '\x87',
  ],
  ...[
    '\xaf\x84',
    '\xae\x0f\x81\x86a\0',
    '\x11\x80',
    '\x8d\x80',
    '\x1e\x86\x61',
    '\x05\x07\xd0\0a\0\0',
    '\x04\x03\xe8ab',
  ],
  ...['X-Mms-', 'Content-ID\0', '\x1f\x8f\xff\xff\xff\x7f', '\x01\x80', '\x00', '\x96\x80', '\x07\xf7'],
];

/** Warnings are not written: what they report is left out. */
function withoutWarnings<Value extends object>(value: Value): unknown {
  return { ...value, warnings: undefined };
}

/** A codec of two functions. */
function pdu<Value extends object>(
  name: string,
  prefixes: readonly string[],
  read: (bytes: Uint8Array) => Value,
  write: (value: Value) => Uint8Array,
  values?: fc.Arbitrary<Value>,
): Surface {
  const seeds = prefixes.flatMap(contentFixtures);
  return defineSurface<Value>({ name, seeds, words: WORDS, read, write, plain: withoutWarnings, values });
}

const time = fc.oneof(fc.record({ seconds: fc.nat() }), fc.record({ at: date }));
const notifications: fc.Arbitrary<MmsNotification> = fc.record(
  {
    transactionId: wspTexts,
    version: fc.constantFrom('1.0', '1.2', '1'),
    from: wspTexts,
    subject: wspTexts,
    messageClass: fc.constantFrom('personal', 'auto', 'premium'),
    messageSize: fc.maxSafeNat(),
    expiry: time,
    replyChargingDeadline: time,
    elementDescriptor: fc.record({
      contentReference: wspTexts,
      parameters: fc.dictionary(word, wspTexts, { maxKeys: 3 }),
    }),
    contentLocation: wspTexts,
  },
  { requiredKeys: ['transactionId', 'version', 'messageClass', 'messageSize', 'expiry', 'contentLocation'] },
);

const mms = [
  pdu(
    'mms-notification',
    ['4.1-notification', '4.1-expiry', '4.1-from'],
    decodeNotification,
    encodeNotification,
    notifications,
  ),
  pdu(
    'mms-notify-response',
    ['4.1-notifyresp', '4.2-notifyresp'],
    decodeNotifyResponse,
    encodeNotifyResponse,
  ),
  pdu('mms-delivery-report', ['4.1-delivery'], decodeDeliveryReport, encodeDeliveryReport),
  pdu('mms-read-by-recipient', ['4.1-read-rec'], decodeReadByRecipient, encodeReadByRecipient),
  pdu('mms-read-for-originator', ['4.1-read-orig'], decodeReadForOriginator, encodeReadForOriginator),
  pdu('mms-acknowledge', ['4.1-acknowledge', '4.2-acknowledge'], decodeAcknowledge, encodeAcknowledge),
  pdu('mms-retrieval', ['4.1-retrieve'], decodeRetrieval, encodeRetrieval),
];

/** The parts of a retrieved message, as they arrive. */
const streamed = defineSurface<number[]>({
  name: 'mms-retrieval-stream',
  seeds: contentFixtures('4.1-retrieve'),
  words: WORDS,
  async read(bytes) {
    const stream = memoryContent({ type: 'a/b', parameters: {} }, bytes).open();
    const { content } = await readRetrieval(stream);
    const sizes: number[] = [];
    for await (const { body } of content?.parts ?? []) {
      let size = 0;
      for await (const chunk of body) size += chunk.length;
      sizes.push(size);
    }
    return sizes;
  },
});

const wspSeeds = [...contentFixtures('8.2-'), ...contentFixtures('3.5-'), ...contentFixtures('4.2-push')];

const pushPdu = defineSurface<PushPdu>({
  name: 'wsp-push',
  seeds: wspSeeds,
  words: WORDS,
  read: decodePushPdu,
  write: (push) => encodePushPdu(push, '1.4'),
  plain: ({ transactionId, confirmed, type, body }) => [transactionId, confirmed, type.type, body],
  values: fc.record({
    transactionId: fc.nat(255),
    type: fc.record({
      type: fc.constantFrom('text/plain', 'application/vnd.wap.sic', 'x/y'),
      parameters: fc.dictionary(word, wspTexts, { maxKeys: 3 }),
    }),
    headers: fc.constantFrom(
      [],
      [['X-Wap-Application-Id', 'x-wap-application:mms.ua']] as const,
      [['X-A', 'b']] as const,
    ),
    body: octets,
  }),
});

const headers = defineSurface<WspHeaders>({
  name: 'wsp-headers',
  seeds: wspSeeds.map((bytes) => bytes.subarray(3)),
  words: WORDS,
  read: decodeHeaders,
  write: (value) => encodeHeaders(value, '1.4'),
  // Values of known headers have several forms.
  plain: ({ headers: known, others }) => [known.map(([name]) => name.toLowerCase()), others],
});

const deviceManagement = defineSurface<DmNotification>({
  name: 'dm-notification',
  seeds: contentFixtures('5.'),
  words: WORDS,
  read: decodeDmNotification,
  write: (value) => encodeDmNotification(value.digest, encodeDmTrigger(value)),
  // Reserved bits are written as zero, and identifiers as UTF-8.
  plain: ({ trigger: _, ...fields }) => fields,
  values: fc.record({
    digest: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    trigger: fc.constant(new Uint8Array()),
    version: fc.constantFrom('1.1', '1.2', '102.3'),
    uiMode: fc.constantFrom('not-specified', 'background', 'informative', 'user-interaction'),
    initiator: fc.constantFrom('client', 'server'),
    sessionId: fc.nat(65_535),
    serverId: fc.string({ minLength: 1, maxLength: 40 }),
  }),
});

export const binarySurfaces: readonly Surface[] = [...mms, streamed, pushPdu, headers, deviceManagement];

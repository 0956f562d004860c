import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { MediaType } from '../../core/content/content.js';
import { encodeNotifyResponse, type MmsNotifyResponse } from '../../core/content/mms/notification.js';
import {
  encodeDeliveryReport,
  encodeReadByRecipient,
  encodeReadForOriginator,
  type MmsDeliveryReport,
  type MmsReadByRecipient,
  type MmsReadForOriginator,
} from '../../core/content/mms/reports.js';
import {
  encodeAcknowledge,
  encodeRetrieval,
  type MmsAcknowledge,
  type MmsRetrievalHeader,
} from '../../core/content/mms/retrieval.js';
import { encodeMultipart } from '../../core/content/multipart/multipart.js';
import type { Part } from '../../core/content/multipart/part.js';
import { fixture, fixtureNames, toHex } from '../content/fixture.js';
import { describePeer } from '../support/programs/peers.js';
import { dissect, pushPdu } from './wsp-capture.js';
import { enumerated, expectedFields, seenFields, yesOrNo } from './wsp-mms-fields.js';

/** application/vnd.wap.mms-message */
const MMS_MESSAGE = 0x3e;
const MESSAGES = 1000;
const REPORTS = 200;

/** The fields that tshark decodes in each PDU, by type. Types here have no other field in common. */
interface Expected {
  pdu: Uint8Array;
  fields: Record<string, string>;
}

// Printable ASCII, as in the notifications.
const text = fc.stringMatching(/^[A-Za-z0-9+][ -~]{0,40}$/);
const version = fc.constantFrom('1.0', '1.1', '1.2', '1.3');
const date = fc.nat(0x7fff_ffff).map((seconds) => new Date(seconds * 1000));
const statuses = [
  'expired',
  'retrieved',
  'rejected',
  'deferred',
  'unrecognised',
  'indeterminate',
  'forwarded',
  'unreachable',
] as const;
const readStatuses = ['read', 'deleted-without-being-read'] as const;
const priorities = ['low', 'normal', 'high'] as const;
// Without unrecognised (84): as the last octet, tshark 4.0 decodes it as the field Content-Type.
const status = fc.constantFrom(...statuses.filter((name) => name !== 'unrecognised'));

const responses: fc.Arbitrary<MmsNotifyResponse> = fc.record(
  { transactionId: text, version, status, reportAllowed: fc.boolean() },
  { requiredKeys: ['transactionId', 'version', 'status'] },
);
const acknowledgements: fc.Arbitrary<MmsAcknowledge> = fc.record(
  { transactionId: text, version, reportAllowed: fc.boolean() },
  { requiredKeys: ['transactionId', 'version'] },
);
const deliveries: fc.Arbitrary<MmsDeliveryReport> = fc.record({
  version,
  messageId: text,
  to: text,
  date,
  status,
});
const report = { version, messageId: text, to: text, readStatus: fc.constantFrom(...readStatuses) };
const byRecipients: fc.Arbitrary<MmsReadByRecipient> = fc.record(
  { ...report, from: fc.oneof(text, fc.constant('insert-address')), date },
  { requiredKeys: ['version', 'messageId', 'to', 'readStatus', 'from'] },
);
const forOriginators: fc.Arbitrary<MmsReadForOriginator> = fc.record({ ...report, from: text, date });

const reports: Expected[] = [
  ...sample(responses).map((original) => expected('0x83', encodeNotifyResponse(original), original)),
  ...sample(acknowledgements).map((original) => expected('0x85', encodeAcknowledge(original), original)),
  ...sample(deliveries).map((original) => expected('0x86', encodeDeliveryReport(original), original)),
  ...sample(byRecipients).map((original) => expected('0x87', encodeReadByRecipient(original), original)),
  ...sample(forOriginators).map((original) => expected('0x88', encodeReadForOriginator(original), original)),
];

const headers: fc.Arbitrary<MmsRetrievalHeader> = fc.record(
  {
    transactionId: text,
    version,
    messageId: text,
    date,
    from: text,
    to: fc.array(text, { minLength: 1, maxLength: 3 }),
    cc: fc.array(text, { minLength: 1, maxLength: 3 }),
    subject: text,
    priority: fc.constantFrom(...priorities),
    deliveryReport: fc.boolean(),
    readReport: fc.boolean(),
    retrieveText: text,
  },
  { requiredKeys: ['version', 'date'] },
);
const name = fc.stringMatching(/^[a-z0-9]{1,12}$/);
// Types that tshark does not decode further, so that the content of the parts is ours.
const partTypes = fc.constantFrom(
  'application/x-demo',
  'application/java-vm',
  'application/vnd.oma.drm.message',
);
const parts: fc.Arbitrary<Part[]> = fc.array(
  fc.record({
    type: fc.record({
      type: partTypes,
      parameters: fc.record({ name, charset: fc.constant('utf-8') }, { requiredKeys: [] }),
    }),
    headers: fc
      .tuple(name, name)
      .map(([id, location]) => [['Content-ID', `<${id}>`] as const, ['Content-Location', location] as const]),
    // tshark 4.0 marks an empty part as malformed, and decodes one that starts with 8C as an MMS PDU.
    body: fc.uint8Array({ minLength: 1, maxLength: 300 }).filter(([first]) => first !== 0x8c),
  }),
  { minLength: 1, maxLength: 5 },
);
const related = {
  type: 'application/vnd.wap.multipart.related',
  parameters: { start: '<smil>', type: 'application/smil' },
} satisfies MediaType;

describePeer('tshark', 'tshark reads our MMS PDUs', () => {
  it('decodes 1,000 responses and reports with the values that we wrote', () => {
    expect(reports).toHaveLength(1000);
    const packets = dissect(reports.map(({ pdu }) => pushPdu(1, MMS_MESSAGE, pdu)));
    for (const [index, packet] of packets.entries()) {
      expect(packet.malformed).toEqual([]);
      expect(seenFields(packet, reportFields)).toEqual(reports[index]?.fields);
    }
  });

  it('decodes 1,000 messages with their recipients and parts', () => {
    const messages = fc.sample(fc.tuple(headers, parts), { numRuns: MESSAGES, seed: 1 });
    const pdus = messages.map(([header, original]) =>
      encodeRetrieval({ ...header, content: { type: related, body: encodeMultipart(related, original) } }),
    );
    const packets = dissect(pdus.map((pdu) => pushPdu(1, MMS_MESSAGE, pdu)));
    expect(packets).toHaveLength(MESSAGES);
    for (const [index, packet] of packets.entries()) {
      const [header, original] = messages[index] ?? [];
      expect(packet.malformed).toEqual([]);
      expect(seenFields(packet, messageFields)).toEqual(header && asTshark(header));
      expect(packet.values('mmse.to')).toEqual(header?.to ?? []);
      expect(packet.values('mmse.cc')).toEqual(header?.cc ?? []);
      const [pduType, ...types] = packet
        .values('wsp.header.content_type')
        .map((value) => value.split(';')[0]);
      expect([pduType, ...types]).toEqual([
        'application/vnd.wap.mms-message',
        related.type,
        ...(original?.map(({ type }) => type.type) ?? []),
      ]);
      const headerOf = (at: number) => original?.map((part) => part.headers[at]?.[1]);
      expect(packet.values('wsp.header.content_id')).toEqual(headerOf(0)?.map((id) => `"${id}"`));
      expect(packet.values('wsp.header.content_location')).toEqual(headerOf(1));
      const bodies = packet.values('media.type').map((octets) => octets.replaceAll(':', ''));
      expect(bodies).toEqual(original?.map(({ body }) => toHex(body)));
    }
  });

  it('decodes every vector, and marks none as malformed', () => {
    const names = ['notifyresp', 'acknowledge', 'delivery', 'read', 'retrieve'].flatMap((kind) => [
      ...fixtureNames('valid', `4.1-${kind}`),
      ...fixtureNames('valid', `4.2-${kind}`),
    ]);
    expect(names).toHaveLength(12);
    const packets = dissect(
      names.map((fixtureName) => pushPdu(1, MMS_MESSAGE, fixture('valid', fixtureName))),
    );
    for (const [index, packet] of packets.entries()) expect(packet.malformed, names[index]).toEqual([]);
  });
});

const reportFields = [
  'mmse.message_type',
  'mmse.transaction_id',
  'mmse.mms_version',
  'mmse.message_id',
  'mmse.to',
  'mmse.from',
  'mmse.date',
  'mmse.status',
  'mmse.read_status',
  'mmse.report_allowed',
];
const messageFields = [
  'mmse.message_type',
  'mmse.transaction_id',
  'mmse.mms_version',
  'mmse.message_id',
  'mmse.date',
  'mmse.from',
  'mmse.subject',
  'mmse.priority',
  'mmse.delivery_report',
  'mmse.read_report',
  'mmse.retrieve_text',
];

function sample<T>(arbitrary: fc.Arbitrary<T>): T[] {
  return fc.sample(arbitrary, { numRuns: REPORTS, seed: 1 });
}

type Report = Partial<Omit<MmsNotifyResponse & MmsDeliveryReport & MmsReadByRecipient, 'others'>>;

function expected(type: string, pdu: Uint8Array, original: Report): Expected {
  return {
    pdu,
    fields: expectedFields({
      'mmse.message_type': type,
      'mmse.transaction_id': original.transactionId,
      'mmse.mms_version': original.version,
      'mmse.message_id': original.messageId,
      'mmse.to': original.to,
      'mmse.from': original.from === 'insert-address' ? '<insert address>' : original.from,
      'mmse.date': original.date?.toISOString(),
      'mmse.status': enumerated(statuses, original.status),
      'mmse.read_status': enumerated(readStatuses, original.readStatus),
      'mmse.report_allowed': yesOrNo(original.reportAllowed),
    }),
  };
}

function asTshark(header: MmsRetrievalHeader): Record<string, string> {
  return expectedFields({
    'mmse.message_type': '0x84',
    'mmse.transaction_id': header.transactionId,
    'mmse.mms_version': header.version,
    'mmse.message_id': header.messageId,
    'mmse.date': header.date.toISOString(),
    'mmse.from': header.from,
    'mmse.subject': header.subject,
    'mmse.priority': enumerated(priorities, header.priority),
    'mmse.delivery_report': yesOrNo(header.deliveryReport),
    'mmse.read_report': yesOrNo(header.readReport),
    'mmse.retrieve_text': header.retrieveText,
  });
}

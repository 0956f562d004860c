import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeNotification, type MmsNotification } from '../../core/content/mms/notification.js';
import { fixture, fixtureNames } from '../content/fixture.js';
import { describePeer } from '../support/programs/peers.js';
import { dissect, pushPdu } from './wsp-capture.js';
import { enumerated, expectedFields, moment, seenFields, yesOrNo } from './wsp-mms-fields.js';

/** application/vnd.wap.mms-message */
const MMS_MESSAGE = 0x3e;
const DOCUMENTS = 1000;

describePeer('tshark', 'tshark reads our M-Notification.ind', () => {
  it('decodes the values that we wrote', () => {
    const notifications = fc.sample(arbitrary, { numRuns: DOCUMENTS, seed: 1 });
    const packets = dissect(
      notifications.map((notification) => pushPdu(1, MMS_MESSAGE, encodeNotification(notification))),
    );
    expect(packets).toHaveLength(DOCUMENTS);
    for (const [index, packet] of packets.entries()) {
      const notification = notifications[index];
      expect(packet.malformed).toEqual([]);
      expect(seenFields(packet, fields)).toEqual(notification && asTshark(notification));
    }
  });

  it('marks nothing as malformed if it does not know our fields or charsets', () => {
    const names = fixtureNames('valid', '4.1-notification');
    const subject = encodeNotification({ ...minimal, from: 'Zoë <zoe@mail.example>', subject: 'Été 日本' });
    const pdus = [...names.map((name) => fixture('valid', name)), subject];
    for (const packet of dissect(pdus.map((pdu) => pushPdu(1, MMS_MESSAGE, pdu)))) {
      expect(packet.malformed).toEqual([]);
      // The fields after those were decoded as well.
      expect(packet.values('mmse.content_location')).toEqual(['http://mmsc.example/T1']);
    }
  });

  it('marks broken PDUs', () => {
    const cut = encodeNotification(minimal).subarray(0, -4);
    expect(dissect([pushPdu(1, MMS_MESSAGE, cut)])[0]?.malformed).toContain('_ws.malformed');
  });
});

const minimal: MmsNotification = {
  transactionId: 'T1',
  version: '1.2',
  messageClass: 'personal',
  messageSize: 1024,
  expiry: { seconds: 86_400 },
  contentLocation: 'http://mmsc.example/T1',
};

// Printable ASCII: tshark 4.0 shows the octets of other texts, whatever their charset. It trims nothing, and
// interprets a first quotation mark as a quoted-string.
const text = fc.stringMatching(/^[A-Za-z0-9+][ -~]{0,40}$/);
// The fields of tshark have 32 bits.
const number = fc.nat(0xffff_ffff);
const time = fc.oneof(
  fc.nat(0x7fff_ffff).map((seconds) => ({ seconds })),
  fc.nat(0x7fff_ffff).map((seconds) => ({ at: new Date(seconds * 1000) })),
);
const priorities = ['low', 'normal', 'high'] as const;
const charging = ['requested', 'requested-text-only', 'accepted', 'accepted-text-only'] as const;
const classes = ['personal', 'advertisement', 'informational', 'auto'];

const arbitrary: fc.Arbitrary<MmsNotification> = fc.record(
  {
    transactionId: text,
    version: fc.constantFrom('1.0', '1.1', '1.2', '1.3'),
    from: text,
    subject: text,
    deliveryReport: fc.boolean(),
    messageClass: fc.constantFrom(...classes, 'premium'),
    priority: fc.constantFrom(...priorities),
    messageSize: number,
    expiry: time,
    replyCharging: fc.constantFrom(...charging),
    replyChargingDeadline: time,
    replyChargingSize: number,
    replyChargingId: text,
    contentLocation: text,
  },
  { requiredKeys: ['transactionId', 'version', 'messageClass', 'messageSize', 'expiry', 'contentLocation'] },
);

const fields = [
  'mmse.message_type',
  'mmse.transaction_id',
  'mmse.mms_version',
  'mmse.from',
  'mmse.subject',
  'mmse.delivery_report',
  'mmse.message_class.id',
  'mmse.message_class.str',
  'mmse.priority',
  'mmse.message_size',
  'mmse.expiry.abs',
  'mmse.expiry.rel',
  'mmse.reply_charging',
  'mmse.reply_charging_deadline.abs',
  'mmse.reply_charging_deadline.rel',
  'mmse.reply_charging_size',
  'mmse.reply_charging_id',
  'mmse.content_location',
];

function asTshark(notification: MmsNotification): Record<string, string> {
  const values = {
    'mmse.message_type': '0x82',
    'mmse.transaction_id': notification.transactionId,
    'mmse.mms_version': notification.version,
    'mmse.from': notification.from,
    'mmse.subject': notification.subject,
    'mmse.delivery_report': yesOrNo(notification.deliveryReport),
    'mmse.message_class.id': enumerated(classes, notification.messageClass),
    'mmse.message_class.str': classes.includes(notification.messageClass)
      ? undefined
      : notification.messageClass,
    'mmse.priority': enumerated(priorities, notification.priority),
    'mmse.message_size': String(notification.messageSize),
    ...moment('mmse.expiry', notification.expiry),
    'mmse.reply_charging': enumerated(charging, notification.replyCharging),
    ...moment('mmse.reply_charging_deadline', notification.replyChargingDeadline),
    'mmse.reply_charging_size': notification.replyChargingSize?.toString(),
    'mmse.reply_charging_id': notification.replyChargingId,
    'mmse.content_location': notification.contentLocation,
  };
  return expectedFields(values);
}

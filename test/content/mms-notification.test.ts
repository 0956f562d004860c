import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mmsMessageType } from '../../core/content/mms/codes.js';
import {
  decodeNotification,
  encodeNotification,
  type MmsNotification,
} from '../../core/content/mms/notification.js';
import { absoluteTime, displayAddress } from '../../core/content/mms/values.js';
import { ConfigurationError, MalformedError } from '../../core/errors.js';
import { fixture, fixtureNames, pushBody, toHex } from './fixture.js';
import { wspTexts } from './wsp/wsp-texts.js';

const own: MmsNotification = {
  transactionId: 'T1',
  version: '1.2',
  from: '+15550100/TYPE=PLMN',
  messageClass: 'personal',
  messageSize: 1024,
  expiry: { seconds: 86_400 },
  contentLocation: 'http://mmsc.example/T1',
};

const operator: MmsNotification = {
  transactionId: 'NOK5CiKcoTMYSG4MBSwAAsKv14FUHAAAAAAAA',
  version: '1.0',
  from: '+447785342749/TYPE=PLMN',
  messageClass: 'personal',
  messageSize: 29_696,
  expiry: { seconds: 72_000 },
  contentLocation: 'http://promms/servlets/NOK5CiKcoTMYSG4MBSwAAsKv14FUHAAAAAAAA',
};

const { from: _from, ...base } = own;

describe('decoding M-Notification.ind', () => {
  it.each([
    ['4.2-push-notification', own],
    ['4.2-push-notification-operator', operator],
  ])('decodes and encodes %s', (name, expected) => {
    const pdu = pushBody(fixture('valid', name));
    expect(mmsMessageType(pdu)).toBe('M-Notification.ind');
    expect(decodeNotification(pdu)).toEqual(expected);
    expect(toHex(encodeNotification(expected))).toBe(toHex(pdu));
  });

  it('reads every field of a notification', () => {
    const pdu = fixture('valid', '4.1-notification-every-field');
    const notification: MmsNotification = {
      transactionId: 'T1',
      version: '1.2',
      from: '+15550100/TYPE=PLMN',
      subject: 'Éte',
      deliveryReport: true,
      stored: false,
      messageClass: 'informational',
      priority: 'high',
      messageSize: 1024,
      expiry: { at: new Date('2024-01-24T09:48:48Z') },
      replyCharging: 'requested',
      replyChargingDeadline: { seconds: 86_400 },
      replyChargingSize: 16_384,
      replyChargingId: 'rc-1',
      distributionIndicator: false,
      elementDescriptor: {
        contentReference: 'cid:part1',
        parameters: { type: 'image/jpeg', name: 'a.jpg' },
      },
      recommendedRetrievalMode: 'manual',
      recommendedRetrievalModeText: 'too large',
      applicId: 'game',
      replyApplicId: 'lobby',
      auxApplicInfo: 'room 7',
      contentClass: 'image-rich',
      drmContent: true,
      replaceId: 'm-0@mmsc.example',
      contentLocation: 'http://mmsc.example/T1',
    };
    expect(decodeNotification(pdu)).toEqual(notification);
    expect(toHex(encodeNotification(notification))).toBe(toHex(pdu));
  });

  it('keeps unknown and repeated fields raw, and writes them back', () => {
    const notification = decodeNotification(fixture('valid', '4.1-notification-unknown-fields'));
    expect(notification).toEqual({
      ...base,
      replaceId: 'first',
      others: [
        { field: 0x40, value: Uint8Array.of(2, 1, 2) },
        { field: 0x41, value: new TextEncoder().encode('text\0') },
        { field: 0x42, value: Uint8Array.of(0x85) },
        { field: 'X-Operator', value: new TextEncoder().encode('value\0') },
        // An unassigned priority.
        { field: 0x0f, value: Uint8Array.of(0x8f) },
        { field: 0x3d, value: new TextEncoder().encode('second\0') },
        // From with the insert-address token, which contains no address.
        { field: 0x09, value: Uint8Array.of(1, 0x81) },
      ],
    });
    expect(decodeNotification(encodeNotification(notification))).toEqual(notification);
  });

  it.each([
    ['4.1-notification-own-class', { ...base, messageClass: 'premium' }],
    ['4.1-notification-long-lengths', own],
    ['4.1-notification-utf16-subject', { ...base, subject: 'Hi' }],
    ['4.1-notification-latin1-subject', { ...base, subject: 'Été' }],
  ])('reads %s', (name, expected) => {
    expect(decodeNotification(fixture('valid', name))).toEqual(expected);
  });
});

describe('a malformed M-Notification.ind', () => {
  it.each([
    ['4.2-notifyresp', 'M-NotifyResp.ind'],
    ['4.2-acknowledge', 'M-Acknowledge.ind'],
  ])('%s is another PDU', (name, type) => {
    const pdu = fixture('valid', name);
    expect(mmsMessageType(pdu)).toBe(type);
    expect(() => decodeNotification(pdu)).toThrow(
      `X-Mms-Message-Type at offset 1: expected M-Notification.ind, not ${type}`,
    );
  });

  it('names an unknown type by its octet', () => {
    expect(mmsMessageType(Uint8Array.of(0x8c, 0x99))).toBe('unknown type 99');
  });

  it.each(fixtureNames('broken', '4.1'))('%s is malformed', (name) => {
    expect(() => decodeNotification(fixture('broken', name))).toThrow(MalformedError);
  });

  it.each([
    [
      '4.1-no-content-location',
      'M-Notification.ind: X-Mms-Content-Location at offset 21: expected this mandatory field',
    ],
    ['4.1-message-class-84', 'X-Mms-Message-Class at offset 9: expected a known value, found octet 84'],
    [
      '4.1-message-type-not-first',
      'X-Mms-Message-Type at offset 0: expected 8C, the first field of every MMS PDU',
    ],
    ['4.1-fields-without-number', 'header at offset 289: expected at most 128 fields'],
  ])('%s: the error contains the offset and what was expected', (name, message) => {
    expect(() => decodeNotification(fixture('broken', name))).toThrow(message);
  });

  it.each(fixtureNames('valid', '4.'))(
    '%s is malformed when truncated before its last mandatory field',
    (name) => {
      const whole = fixture('valid', name);
      const pdu = name.includes('push') ? pushBody(whole) : whole;
      const location = 'http://mmsc.example/T1\0';
      const end = Buffer.from(pdu).indexOf(location) + location.length;
      for (let length = 0; length < (name.endsWith('unknown-fields') ? end : pdu.length); length += 1) {
        expect(() => decodeNotification(pdu.subarray(0, length)), `truncated to ${length}`).toThrow(
          MalformedError,
        );
      }
    },
  );

  it('reads any octets as a notification, or throws MalformedError', () => {
    const start = fc.constantFrom(Uint8Array.of(), fixture('valid', '4.1-notification-every-field'));
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 200 }), fc.nat(200), (octets, noise, at) => {
        const pdu = Uint8Array.of(...octets);
        pdu.set(noise.subarray(0, Math.max(0, pdu.length - at)), Math.min(at, pdu.length));
        try {
          decodeNotification(pdu.length > 0 ? pdu : noise);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('an M-Notification.ind with a malformed optional field', () => {
  it.each([
    ['4.1-from-token-82', 'From at offset 10: expected 80 (address) or 81 (insert address), found octet 82'],
    ['4.1-subject-without-charset', 'Subject at offset 10: expected a long-integer of 1 to 30 octets'],
    ['4.1-from-longer-than-pdu', 'From at offset 47: expected 21 octets'],
    ['4.1-from-length-without-end', 'From at offset 47: expected a uintvar of at most 32 bits'],
  ])('%s: is read without the field, with a warning', (name, warning) => {
    const { warnings, ...notification } = decodeNotification(fixture('lenient', name));
    expect(notification).toEqual(base);
    expect(warnings).toEqual([expect.stringContaining(`M-Notification.ind: ${warning}`)]);
  });

  const [head = [], tail = []] = [
    encodeNotification(base).subarray(0, 8),
    encodeNotification(base).subarray(8),
  ];
  const address = [...Buffer.from('+15550100/TYPE=PLMN\0')];
  const withFrom = (length: number) => Uint8Array.of(...head, 0x89, length, 0x80, ...address, ...tail);

  it('reads a value whose length is too large up to the end of its text', () => {
    expect(decodeNotification(withFrom(21))).toEqual(own);
    for (const length of [22, 23, 24, 26, 30]) {
      const { warnings, ...notification } = decodeNotification(withFrom(length));
      expect(notification).toEqual(own);
      expect(warnings).toEqual([
        expect.stringContaining('From at offset 9: expected a value-length of 21, found octet'),
      ]);
    }
  });

  it('reads the fields after a value whose length is too small', () => {
    for (let length = 1; length < 21; length += 1) {
      const { warnings = [], from: _, ...notification } = decodeNotification(withFrom(length));
      expect(notification, `length ${length}`).toMatchObject(base);
      expect(warnings.length).toBeGreaterThan(0);
    }
  });

  it('does not write what it left out', () => {
    const read = decodeNotification(fixture('lenient', '4.1-from-token-82'));
    expect(toHex(encodeNotification(read))).toBe(toHex(encodeNotification(base)));
  });

  it('ignores zero octets after the last field, and reports others', () => {
    const pdu = encodeNotification(own);
    expect(decodeNotification(Uint8Array.of(...pdu, 0, 0, 0))).toEqual(own);
    const { warnings, ...notification } = decodeNotification(Uint8Array.of(...pdu, 0x01, 0x02));
    expect(notification).toEqual(own);
    expect(warnings).toEqual([expect.stringContaining('header at offset')]);
  });

  it.each([
    ['4.1-expiry-empty', 'X-Mms-Expiry'],
    ['4.1-expiry-token-82', 'X-Mms-Expiry'],
    ['4.1-message-size-of-31-octets', 'X-Mms-Message-Size'],
    ['4.1-location-without-end', 'X-Mms-Content-Location'],
  ])('%s: is refused, because the device decides by %s', (name, field) => {
    expect(() => decodeNotification(fixture('broken', name))).toThrow(field);
  });
});

describe('encoding M-Notification.ind', () => {
  const size = fc.maxSafeNat();
  const time = fc.oneof(
    fc.record({ seconds: fc.nat(0xffff_ffff) }),
    fc.nat(0xffff_ffff).map((seconds) => ({ at: new Date(seconds * 1000) })),
  );
  const notifications: fc.Arbitrary<MmsNotification> = fc.record(
    {
      transactionId: wspTexts,
      version: fc.constantFrom('1.0', '1.2', '1', '2.3'),
      from: wspTexts,
      subject: wspTexts,
      deliveryReport: fc.boolean(),
      stored: fc.boolean(),
      messageClass: fc.constantFrom('personal', 'auto', 'premium'),
      priority: fc.constantFrom('low', 'normal', 'high'),
      messageSize: size,
      expiry: time,
      replyCharging: fc.constantFrom('requested', 'requested-text-only', 'accepted', 'accepted-text-only'),
      replyChargingDeadline: time,
      replyChargingSize: size,
      replyChargingId: wspTexts,
      distributionIndicator: fc.boolean(),
      elementDescriptor: fc.record({
        contentReference: wspTexts,
        parameters: fc.record(
          { type: fc.constantFrom('image/jpeg', 'x/y'), other: wspTexts },
          { requiredKeys: [] },
        ),
      }),
      recommendedRetrievalMode: fc.constant('manual' as const),
      recommendedRetrievalModeText: wspTexts,
      applicId: wspTexts,
      replyApplicId: wspTexts,
      auxApplicInfo: wspTexts,
      contentClass: fc.constantFrom('text', 'megapixel', 'content-rich'),
      drmContent: fc.boolean(),
      replaceId: wspTexts,
      contentLocation: wspTexts,
      others: fc.array(
        fc.record({
          field: fc.oneof(fc.integer({ min: 0x40, max: 0x7f }), fc.constant('X-Operator')),
          value: fc.constantFrom(Uint8Array.of(0x80), Uint8Array.of(0x41, 0), Uint8Array.of(2, 0, 1)),
        }),
        { minLength: 1, maxLength: 8 },
      ),
    },
    {
      requiredKeys: ['transactionId', 'version', 'messageClass', 'messageSize', 'expiry', 'contentLocation'],
    },
  );

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(notifications, (notification) => {
        expect(decodeNotification(encodeNotification(notification))).toEqual(notification);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['a text with a zero octet', { ...own, transactionId: 'a\0b' }],
    ['an invalid version', { ...own, version: '1.16' }],
    ['a class that is not a token', { ...own, messageClass: 'very special' }],
    ['a negative size', { ...own, messageSize: -1 }],
    ['a date before 1970', { ...own, expiry: { at: new Date(-1000) } }],
    ['an invalid date', { ...own, expiry: { at: new Date(Number.NaN) } }],
  ])('refuses to write %s', (_name, notification) => {
    expect(() => encodeNotification(notification)).toThrow(ConfigurationError);
  });
});

describe('display values', () => {
  it.each([
    ['+15550100/TYPE=PLMN', '+15550100'],
    ['10.0.0.1/TYPE=IPv4', '10.0.0.1'],
    ['Joe <joe@mail.example>', 'Joe <joe@mail.example>'],
  ])('the address %s is %s', (address, display) => {
    expect(displayAddress(address)).toBe(display);
  });

  it('a relative time starts at the receipt of the PDU, up to the last date', () => {
    const receivedAt = new Date('2026-01-01T00:00:00Z');
    expect(absoluteTime({ seconds: 3600 }, receivedAt).toISOString()).toBe('2026-01-01T01:00:00.000Z');
    expect(absoluteTime({ at: new Date(0) }, receivedAt).getTime()).toBe(0);
    expect(absoluteTime({ seconds: 8.64e12 }, receivedAt).toISOString()).toBe('+275760-09-13T00:00:00.000Z');
  });
});

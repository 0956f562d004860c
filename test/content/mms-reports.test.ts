import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeNotifyResponse, encodeNotifyResponse } from '../../core/content/mms/notification.js';
import {
  decodeDeliveryReport,
  decodeReadByRecipient,
  decodeReadForOriginator,
  encodeDeliveryReport,
  encodeReadByRecipient,
  encodeReadForOriginator,
} from '../../core/content/mms/reports.js';
import { decodeAcknowledge, encodeAcknowledge } from '../../core/content/mms/retrieval.js';
import { ConfigurationError, MalformedError } from '../../core/errors.js';
import { fixture, fixtureNames, toHex } from './fixture.js';
import { wspTexts } from './wsp/wsp-texts.js';

const date = new Date('2024-01-24T09:48:48Z');
const to = '+15550100/TYPE=PLMN';
const from = '+15550101/TYPE=PLMN';
const about = { version: '1.2', messageId: 'm-1@mmsc.example', to };
const applications = { applicId: 'game', replyApplicId: 'lobby', auxApplicInfo: 'room 7' };

const dates = fc.nat(0xffff_ffff).map((seconds) => new Date(seconds * 1000));
const versions = fc.constantFrom('1.0', '1.2', '1', '2.3');
const statuses = fc.constantFrom(
  'expired',
  'retrieved',
  'rejected',
  'deferred',
  'unrecognised',
  'indeterminate',
  'forwarded',
  'unreachable',
);
const applicationTexts = { applicId: wspTexts, replyApplicId: wspTexts, auxApplicInfo: wspTexts };
const abouts = {
  version: versions,
  messageId: wspTexts,
  to: wspTexts,
  readStatus: fc.constantFrom('read', 'deleted-without-being-read'),
  ...applicationTexts,
};

pdu('M-NotifyResp.ind', 'notifyresp', decodeNotifyResponse, encodeNotifyResponse, {
  vectors: {
    '4.2-notifyresp': { transactionId: 'T1', version: '1.2', status: 'retrieved' },
    '4.1-notifyresp-no-report': {
      transactionId: 'T1',
      version: '1.2',
      status: 'deferred',
      reportAllowed: false,
    },
  },
  arbitrary: fc.record(
    { transactionId: wspTexts, version: versions, status: statuses, reportAllowed: fc.boolean() },
    { requiredKeys: ['transactionId', 'version', 'status'] },
  ),
});

pdu('M-Acknowledge.ind', 'acknowledge', decodeAcknowledge, encodeAcknowledge, {
  vectors: {
    '4.2-acknowledge': { transactionId: 'T1', version: '1.2' },
    '4.1-acknowledge-report': { transactionId: 'T1', version: '1.2', reportAllowed: true },
  },
  arbitrary: fc.record(
    { transactionId: wspTexts, version: versions, reportAllowed: fc.boolean() },
    { requiredKeys: ['transactionId', 'version'] },
  ),
});

pdu('M-Delivery.ind', 'delivery', decodeDeliveryReport, encodeDeliveryReport, {
  vectors: {
    '4.1-delivery': { ...about, date, status: 'retrieved' },
    '4.1-delivery-every-field': { ...about, date, status: 'retrieved', statusText: 'done', ...applications },
  },
  arbitrary: fc.record(
    {
      version: versions,
      messageId: wspTexts,
      to: wspTexts,
      date: dates,
      status: statuses,
      statusText: wspTexts,
      ...applicationTexts,
    },
    { requiredKeys: ['version', 'messageId', 'to', 'date', 'status'] },
  ),
});

pdu('M-Read-Rec.ind', 'read-rec', decodeReadByRecipient, encodeReadByRecipient, {
  vectors: {
    '4.1-read-rec': { ...about, from: 'insert-address', readStatus: 'read' },
    '4.1-read-rec-dated': { ...about, from, date, readStatus: 'deleted-without-being-read' },
  },
  arbitrary: fc.record(
    { ...abouts, from: fc.oneof(wspTexts, fc.constant('insert-address')), date: dates },
    { requiredKeys: ['version', 'messageId', 'to', 'from', 'readStatus'] },
  ),
});

pdu('M-Read-Orig.ind', 'read-orig', decodeReadForOriginator, encodeReadForOriginator, {
  vectors: { '4.1-read-orig': { ...about, from, date, readStatus: 'read' } },
  arbitrary: fc.record(
    { ...abouts, from: wspTexts, date: dates },
    { requiredKeys: ['version', 'messageId', 'to', 'from', 'date', 'readStatus'] },
  ),
});

it('refuses to write a report with an invalid date', () => {
  expect(() => encodeDeliveryReport({ ...about, date: new Date(Number.NaN), status: 'expired' })).toThrow(
    ConfigurationError,
  );
});

/** @param name of the PDU in the names of its fixtures */
function pdu<T>(
  title: string,
  name: string,
  decode: (octets: Uint8Array) => T,
  encode: (document: T) => Uint8Array,
  { vectors, arbitrary }: { vectors: Record<string, T>; arbitrary: fc.Arbitrary<T> },
): void {
  describe(title, () => {
    const entries = Object.entries(vectors);

    it.each(entries)('decodes and encodes %s', (vector, document) => {
      const octets = fixture('valid', vector);
      expect(decode(octets)).toEqual(document);
      expect(toHex(encode(document))).toBe(toHex(octets));
    });

    it('has an expected value for each vector', () => {
      const all = fixtureNames('valid', '4.').filter((fixtureName) => fixtureName.includes(`-${name}`));
      expect(all.sort()).toEqual(Object.keys(vectors).sort());
    });

    it('is malformed when truncated', () => {
      const [[shortest] = ['']] = entries;
      const octets = fixture('valid', shortest);
      for (let length = 0; length < octets.length; length += 1) {
        expect(() => decode(octets.subarray(0, length)), `truncated to ${length}`).toThrow(MalformedError);
      }
    });

    it.each(fixtureNames('broken', `4.1-${name}`))('%s is malformed', (broken) => {
      expect(() => decode(fixture('broken', broken))).toThrow(MalformedError);
    });

    it('is malformed if it is another PDU', () => {
      expect(() => decode(fixture('valid', '4.1-notification-own-class'))).toThrow(
        `expected ${title}, not M-Notification.ind`,
      );
    });

    it('reads back what it writes', () => {
      fc.assert(
        fc.property(arbitrary, (document) => {
          expect(decode(encode(document))).toEqual(document);
        }),
        { numRuns: 300 },
      );
    });

    it('reads any octets as the PDU, or throws MalformedError', () => {
      const octets = fixture('valid', entries[0]?.[0] ?? '');
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(octets.length), (noise, at) => {
          try {
            decode(Uint8Array.of(...octets.subarray(0, at), ...noise));
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedError);
          }
        }),
        { numRuns: 500 },
      );
    });
  });
}

/** Delivery and read reports of messages that this device sent. */

import mms from 'sip-push/apps/mms.ua';
import {
  decodeDeliveryReport,
  encodeDeliveryReport,
  encodeReadForOriginator,
  type MmsDeliveryReport,
  type MmsReadForOriginator,
} from 'sip-push/formats';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { AppHost } from '../app-host.js';
import { TYPE } from './device.js';

const delivery: MmsDeliveryReport = {
  version: '1.2',
  messageId: 'sent-1@mmsc.example',
  to: '+15550199/TYPE=PLMN',
  date: new Date('2026-01-01T08:30:00Z'),
  status: 'retrieved',
};
const reading: MmsReadForOriginator = {
  version: '1.2',
  messageId: 'sent-1@mmsc.example',
  to: '+15550100/TYPE=PLMN',
  from: '+15550199/TYPE=PLMN',
  date: new Date('2026-01-01T09:00:00Z'),
  readStatus: 'read',
};

let host: AppHost;
beforeEach(async () => {
  host = await AppHost.start(mms);
});
afterEach(() => host.stop());

const push = (body: Uint8Array) => host.push({ type: TYPE, body });
const described = (body: Uint8Array) => host.described({ type: TYPE, body });

describe('mms.ua', () => {
  it('emits an event for a delivery report', async () => {
    expect(await push(encodeDeliveryReport(delivery))).toMatchObject({ accepted: true });
    expect(host.events).toEqual([
      {
        id: expect.any(String),
        app: 'mms.ua',
        kind: 'delivery-report',
        messageId: 'sent-1@mmsc.example',
        to: '+15550199/TYPE=PLMN',
        date: '2026-01-01T08:30:00.000Z',
        status: 'retrieved',
      },
    ]);
  });

  it('emits an event for a read report', async () => {
    expect(await push(encodeReadForOriginator(reading))).toMatchObject({ accepted: true });
    expect(host.events).toEqual([
      {
        id: expect.any(String),
        app: 'mms.ua',
        kind: 'read-report',
        messageId: 'sent-1@mmsc.example',
        from: '+15550199/TYPE=PLMN',
        to: '+15550100/TYPE=PLMN',
        date: '2026-01-01T09:00:00.000Z',
        status: 'read',
      },
    ]);
  });

  it('emits one event for a repeated report, even after a restart, and one for each different report', async () => {
    const pdu = encodeDeliveryReport({ ...delivery, status: 'deferred' });
    await Promise.all([push(pdu), push(pdu)]);
    await host.restart();
    expect(await push(pdu)).toMatchObject({ accepted: true });
    await push(encodeDeliveryReport(delivery));
    await push(encodeDeliveryReport({ ...delivery, to: '+15550198/TYPE=PLMN' }));
    expect(host.events.map(({ status, to }) => `${status} ${to}`)).toEqual([
      'deferred +15550199/TYPE=PLMN',
      'retrieved +15550199/TYPE=PLMN',
      'retrieved +15550198/TYPE=PLMN',
    ]);
    expect(host.logged).toContain('M-Delivery.ind of sent-1@mmsc.example is a duplicate: ignored');
  });

  it('refuses a report of another major version', async () => {
    const pdu = encodeDeliveryReport({ ...delivery, version: '2.0' });
    expect(decodeDeliveryReport(pdu).version).toBe('2.0');
    expect(await push(pdu)).toMatchObject({ kind: 'type', reason: 'invalid MMS version 2.0: expected 1.x' });
  });

  it('refuses a truncated report', async () => {
    const whole = encodeDeliveryReport(delivery);
    expect(await push(whole.subarray(0, 4))).toMatchObject({ accepted: false, kind: 'type' });
    expect(host.events).toEqual([]);
  });

  it('describes reports', async () => {
    expect(
      await described(
        encodeDeliveryReport({ ...delivery, status: 'rejected', statusText: 'No\u001b[2J thanks' }),
      ),
    ).toEqual({
      title: 'Delivery report',
      text: 'The message to +15550199 was rejected',
      fields: { reason: 'No [2J thanks', date: '2026-01-01 08:30 UTC', message: 'sent-1@mmsc.example' },
    });
    expect(
      await described(encodeReadForOriginator({ ...reading, readStatus: 'deleted-without-being-read' })),
    ).toEqual({
      title: 'Read report',
      text: '+15550199 deleted the message unread',
      fields: { date: '2026-01-01 09:00 UTC', message: 'sent-1@mmsc.example' },
    });
  });
});

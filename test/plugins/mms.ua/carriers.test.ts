/** Carriers: a location to complete, a proxy, headers, and MMSCs whose PDUs deviate. */

import { readFileSync } from 'node:fs';
import { encodeRetrieval } from 'sip-push/formats';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeMultipart } from '../../../core/content/multipart/multipart.js';
import { carriers } from '../../../plugins/mms.ua/carriers.js';
import { pictureAndText, retrievalOf } from '../../support/agents/mmsc.js';
import { MmsDevice } from './device.js';

const PDU = retrievalOf(pictureAndText(100));

function input(name: string): Uint8Array {
  const url = new URL(`../../content/fixtures/cases/${name}/input.bin`, import.meta.url);
  return new Uint8Array(readFileSync(url));
}

let device: MmsDevice;
afterEach(() => device.stop());

describe('mms.ua and its carrier', () => {
  it('retrieves from a location that ends with = and the Transaction-Id, through a proxy', async () => {
    const fetch = { allow: ['http://127.0.0.1:*', 'http://mmsc.example'] };
    const options = { retrieve: 'manual', completeLocation: true };
    device = await MmsDevice.start(options, fetch);
    device.host.options = { ...options, proxy: device.mmsc.url('/') };
    await device.host.restart();
    await device.push(input('36-notification-location-to-be-completed'));
    const { key } = await device.item();
    await device.query('retrieve', { key });
    await device.until(() => device.events('retrieval-failed').length === 1);
    // The proxy does not have the message, and answers 404.
    expect(device.mmsc.retrievals).toEqual([
      'http://mmsc.example/servlets/mms?message-id=110A10EC4B2D0000E290000101',
    ]);
    expect(device.mmsc.headers[0]).toMatchObject({ host: 'mmsc.example' });
    expect(device.events('retrieval-failed')).toMatchObject([{ why: 'gone' }]);
  });

  it('does not complete a location that is complete', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate', completeLocation: true });
    await device.push(device.mmsc.store('T1', PDU));
    await device.posted(1);
    expect(device.mmsc.retrievals).toEqual(['/T1']);
  });

  it('uses the settings of a network, and its own headers in every request', async () => {
    device = await MmsDevice.start({
      retrieve: 'immediate',
      carrier: '311480',
      number: '+12025550100',
      userAgent: 'Phone/1.0',
      profile: 'http://profiles.example/phone.xml',
      headers: { 'X-Device': 'a' },
    });
    const notification = device.mmsc.store('id?m=T1', PDU, {
      transactionId: 'T1',
      contentLocation: device.mmsc.url('/id?m='),
    });
    await device.push(notification);
    await device.posted(1);
    expect(device.mmsc.retrievals).toEqual(['/id?m=T1']);
    expect(device.mmsc.posted).toMatchObject([{ path: '/id?m=T1', pdu: 'M-NotifyResp.ind' }]);
    for (const headers of device.mmsc.headers) {
      expect(headers).toMatchObject({
        'user-agent': 'Phone/1.0',
        profile: 'http://profiles.example/phone.xml',
        'x-device': 'a',
        'x-vzw-mdn': '12025550100',
      });
    }
    expect(device.mmsc.headers[0]).toMatchObject({ accept: 'application/vnd.wap.mms-message' });
  });

  it.each([
    [{ carrier: '99999' }, 'carrier: expected a known network'],
    [{ carrier: '311480' }, 'number: missing: the carrier expects the number of the device'],
    [{ proxy: 'https://proxy.example' }, 'proxy: expected the URL of an HTTP proxy'],
    [{ headers: { Host: 'a' } }, 'expected names and texts of headers'],
    [{ headers: { 'X-A': 'a\r\nX-B: c' } }, 'expected one line of text'],
    [{ number: '0123' }, 'number: expected an international number'],
  ])('refuses the options %o', async (options, message) => {
    device = await MmsDevice.start();
    device.host.options = options;
    await expect(device.host.restart()).rejects.toThrow(message);
  });

  it('has settings for networks by their codes', () => {
    expect(carriers.size).toBeGreaterThan(30);
    for (const code of carriers.keys()) expect(code).toMatch(/^\d{5,6}$/);
  });

  it('accepts a notification with an octet after its last field', async () => {
    device = await MmsDevice.start();
    await device.push(input('04-notification-octet-behind-last-field'));
    expect(device.events('notification')).toMatchObject([
      { transactionId: 'AaamMbG2tpp5lj4Ra', from: '+15550103/TYPE=PLMN', messageSize: 66070 },
    ]);
    expect(device.host.logged).toEqual([]);
  });

  it('decodes encoded words of a subject, and logs what it left out', async () => {
    device = await MmsDevice.start();
    const pdu = device.mmsc.store('T1', PDU, { subject: '=?utf-8?Q?Caf=C3=A9?=' });
    await device.push(Uint8Array.of(...pdu, 0x89, 0x01, 0x82));
    expect(device.events('notification')).toMatchObject([{ subject: 'Café' }]);
    expect(device.host.logged).toEqual([expect.stringMatching(/^left out: .*From at offset/)]);
  });

  it('stores the parts of a nested multipart, with their charsets', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    const inner = { type: 'multipart/alternative', parameters: { boundary: 'i' } };
    const text = (charset: string) => ({
      type: { type: 'text/plain', parameters: { charset } },
      headers: [],
      body: Buffer.from('hello'),
    });
    const nested = {
      type: inner,
      headers: [],
      body: encodeMultipart(inner, [text('utf-8'), text('koi8-r')]),
    };
    const type = { type: 'application/vnd.wap.multipart.mixed', parameters: {} };
    const body = encodeMultipart(type, [nested, text('big5')]);
    const pdu = encodeRetrieval({ version: '1.2', date: new Date(0), content: { type, body } });
    await device.push(device.mmsc.store('T1', pdu));
    await device.posted(1);
    expect(device.events('message')).toMatchObject([
      {
        parts: [
          { charset: 'utf-8', size: 5 },
          { charset: 'koi8-r', size: 5 },
          { charset: 'big5', size: 5 },
        ],
      },
    ]);
  });
});

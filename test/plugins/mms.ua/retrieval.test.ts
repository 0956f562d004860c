/** Retrieval from a working MMSC: immediate, deferred and manual; the answers and the queries. */

import { readFile } from 'node:fs/promises';
import { encodeRetrieval } from 'sip-push/formats';
import { afterEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { halfUntil, inPieces, partInEvent, pictureAndText, retrievalOf } from '../../support/agents/mmsc.js';
import { type Item, MmsDevice } from './device.js';

const [PICTURE, TEXT] = pictureAndText(100_000);
if (!PICTURE || !TEXT) throw new Error('no parts');
const EVENT_PARTS = [
  partInEvent(PICTURE, 'beach.jpg'),
  { ...partInEvent(TEXT, 'greeting'), charset: 'utf-8' },
];
const PDU = retrievalOf([PICTURE, TEXT]);

let device: MmsDevice;
afterEach(() => device.stop());

const notifyResponse = (status: string, more: object = {}) => ({
  path: '/T1',
  contentType: 'application/vnd.wap.mms-message',
  pdu: 'M-NotifyResp.ind',
  fields: { transactionId: 'T1', version: '1.2', status, ...more },
});
const acknowledge = (transactionId: string) => ({
  path: '/T1',
  contentType: 'application/vnd.wap.mms-message',
  pdu: 'M-Acknowledge.ind',
  fields: { transactionId, version: '1.2' },
});

describe('mms.ua with retrieve: immediate', () => {
  it('retrieves the message, emits an event, and answers the notification', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    await device.push(device.mmsc.store('T1', PDU));
    await device.posted(1);
    expect(device.host.events.map(({ kind }) => kind)).toEqual(['notification', 'message']);
    expect(device.events('message')).toEqual([
      {
        id: expect.any(String),
        app: 'mms.ua',
        kind: 'message',
        transactionId: 'T1',
        subject: 'Greetings',
        // The event contains the paths, which other programs use.
        parts: EVENT_PARTS.map((part) => ({ ...part, path: expect.any(String) })),
      },
    ]);
    const [event] = device.events('message') as { parts?: Item['parts'] }[];
    expect(event?.parts?.map(({ path }) => path)).toEqual(
      (await device.item()).parts?.map(({ path }) => path),
    );
    expect(device.mmsc.retrievals).toEqual(['/T1']);
    expect(device.mmsc.posted).toEqual([notifyResponse('retrieved')]);
    expect(device.host.logged).toEqual([]);
  });

  it('keeps the parts in files for other programs, even after a restart', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    await device.push(device.mmsc.store('T1', PDU));
    await device.posted(1);
    await device.host.restart();
    const item = await device.item();
    expect(item).toMatchObject({
      state: 'retrieved',
      transactionId: 'T1',
      from: '+15550100/TYPE=PLMN',
      subject: 'Greetings',
      messageSize: PDU.length,
      messageId: 'message-1@mmsc.example',
      date: '2025-12-31T12:00:00.000Z',
      receivedAt: '2026-01-01T00:00:00.000Z',
      parts: EVENT_PARTS,
    });
    const contents = await Promise.all((item.parts ?? []).map(({ path }) => readFile(path ?? '')));
    expect(contents.map((content) => platform.hash('sha-256', content))).toEqual(
      EVENT_PARTS.map(({ sha256 }) => sha256),
    );
    expect(device.events('message')).toHaveLength(1);
    expect(device.mmsc.retrievals).toEqual(['/T1']);
  });

  it('accepts a slow message', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    device.mmsc.answers = [inPieces];
    await device.push(device.mmsc.store('T1', PDU));
    await device.posted(1);
    expect(device.events('message')).toMatchObject([{ parts: EVENT_PARTS }]);
  });

  it('accepts content that is not multipart as one part', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    const type = { type: 'text/plain', parameters: {} };
    const pdu = encodeRetrieval({
      version: '1.0',
      date: new Date(0),
      content: { type, body: Buffer.from('hello') },
    });
    await device.push(device.mmsc.store('T1', pdu, { subject: 'as notified' }));
    await device.posted(1);
    expect(device.events('message')).toMatchObject([
      { subject: 'as notified', parts: [{ contentType: 'text/plain', name: 'part-1', size: 5 }] },
    ]);
  });

  it('retrieves a repeated notification once', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    const notification = device.mmsc.store('T1', PDU);
    await Promise.all([device.push(notification), device.push(notification)]);
    await device.posted(1);
    await device.push(notification);
    await device.host.restart();
    expect(device.mmsc.retrievals).toEqual(['/T1']);
    expect(await device.files()).toHaveLength(2);
  });

  it('retrieves it again after a month, and replaces the message', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    await device.push(device.mmsc.store('T1', PDU));
    await device.posted(1);
    device.host.now += 31 * 86_400_000;
    await device.push(device.mmsc.store('T2', PDU));
    await device.push(device.mmsc.store('T1', PDU));
    await device.posted(3);
    await device.until(async () => (await device.files()).length === 4);
    expect((await device.items()).map(({ transactionId }) => transactionId)).toEqual(['T1', 'T2']);
    expect(device.events('message')).toHaveLength(3);
  });

  it('retrieves four messages at a time', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    device.mmsc.answers = Array(4).fill(halfUntil(gate));
    for (let number = 1; number <= 6; number += 1) await device.push(device.mmsc.store(`T${number}`, PDU));
    await device.until(() => device.mmsc.retrievals.length === 4);
    expect(device.events('message')).toEqual([]);
    open();
    await device.posted(6);
    expect(device.mmsc.retrievals).toEqual(['/T1', '/T2', '/T3', '/T4', '/T5', '/T6']);
    expect(device.events('message')).toHaveLength(6);
  });

  it('posts to the configured MMSC, and disallows delivery reports', async () => {
    device = await MmsDevice.start();
    device.host.options = { retrieve: 'immediate', mmsc: device.mmsc.url('/mms'), reportAllowed: false };
    await device.host.restart();
    await device.push(device.mmsc.store('T1', PDU));
    await device.posted(1);
    expect(device.mmsc.posted).toEqual([
      { ...notifyResponse('retrieved', { reportAllowed: false }), path: '/mms' },
    ]);
  });

  it('waits for a query if the MMSC recommends manual retrieval', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    await device.push(device.mmsc.store('T1', PDU, { recommendedRetrievalMode: 'manual' }));
    await device.posted(1);
    expect(device.mmsc.posted).toEqual([notifyResponse('deferred')]);
    expect(await device.item()).toMatchObject({ state: 'waiting' });
    expect(device.mmsc.retrievals).toEqual([]);
  });

  it('answers Expired to an expired notification', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    await device.push(device.mmsc.store('T1', PDU, { expiry: { at: new Date('2025-12-31T00:00:00Z') } }));
    await device.until(async () => (await device.storedText()) === '');
    expect(device.mmsc.posted).toEqual([notifyResponse('expired')]);
    expect(device.host.events).toEqual([]);
    expect(await device.items()).toEqual([]);
  });
});

describe('mms.ua with retrieve: deferred', () => {
  const WITH_TRANSACTION = retrievalOf([TEXT], { transactionId: 'R7' });

  it('answers Deferred, retrieves on query, and acknowledges', async () => {
    device = await MmsDevice.start({ retrieve: 'deferred' });
    await device.push(device.mmsc.store('T1', WITH_TRANSACTION));
    await device.posted(1);
    expect(device.mmsc.posted).toEqual([notifyResponse('deferred')]);
    expect(device.mmsc.retrievals).toEqual([]);
    await device.host.restart();
    const { key } = await device.item();
    expect(await device.query('retrieve', { key })).toMatchObject({ state: 'retrieving' });
    await device.posted(2);
    expect(device.mmsc.posted.slice(1)).toEqual([acknowledge('R7')]);
    expect(device.events('message')).toMatchObject([{ parts: [EVENT_PARTS[1]] }]);
    expect(await device.query('retrieve', { key })).toMatchObject({ state: 'retrieved' });
    expect(device.mmsc.retrievals).toEqual(['/T1']);
  });

  it('does not acknowledge a message without Transaction-Id', async () => {
    device = await MmsDevice.start({ retrieve: 'deferred' });
    await device.push(device.mmsc.store('T1', PDU));
    await device.posted(1);
    await device.query('retrieve', { key: (await device.item()).key });
    await device.until(() => device.events('message').length === 1);
    await device.host.restart();
    expect(device.mmsc.posted).toEqual([notifyResponse('deferred')]);
  });

  it('retrieves without a query after the configured time, even after a restart', async () => {
    device = await MmsDevice.start({ retrieve: 'deferred', after: 3600 });
    await device.push(device.mmsc.store('T1', WITH_TRANSACTION));
    await device.posted(1);
    expect(await device.item()).toMatchObject({ state: 'waiting', dueAt: '2026-01-01T01:00:00.000Z' });
    await device.wait(1_800_000);
    await device.host.restart();
    await device.wait(1_799_999);
    expect(await device.item()).toMatchObject({ state: 'waiting' });
    await device.wait(1);
    await device.posted(2);
    expect(device.mmsc.posted[1]).toEqual(acknowledge('R7'));
  });
});

describe('mms.ua without options', () => {
  it('sends no request before a query, and answers then', async () => {
    device = await MmsDevice.start();
    await device.push(device.mmsc.store('T1', PDU));
    await device.host.restart();
    const { key, state } = await device.item();
    expect(state).toBe('waiting');
    expect(device.mmsc.retrievals).toEqual([]);
    await device.query('retrieve', { key });
    await device.posted(1);
    expect(device.mmsc.posted).toEqual([notifyResponse('retrieved')]);
    expect(device.events('message')).toHaveLength(1);
  });

  it('does not list or retrieve expired messages', async () => {
    device = await MmsDevice.start();
    await device.push(device.mmsc.store('T1', PDU));
    const { key } = await device.item();
    device.host.now += 86_400_000;
    expect(await device.items()).toEqual([]);
    expect(await device.query('retrieve', { key })).toBeNull();
    await device.push(device.mmsc.store('T2', PDU));
    expect(await device.host.stored('message/')).toBe(1);
  });
});

describe('stored messages', () => {
  it('are removed with their files', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    await device.push(device.mmsc.store('T1', PDU));
    await device.posted(1);
    const { key } = await device.item();
    expect(await device.query('remove', { key })).toBe(true);
    expect(await device.query('remove', { key })).toBe(false);
    expect(await device.items()).toEqual([]);
    await device.until(async () => (await device.files()).length === 0);
    expect(await device.host.stored('message/')).toBe(0);
  });

  it('can be removed during their retrieval', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    device.mmsc.answers = [halfUntil(gate)];
    await device.push(device.mmsc.store('T1', PDU));
    await device.until(() => device.mmsc.retrievals.length === 1);
    await device.query('remove', { key: (await device.item()).key });
    open();
    await device.push(device.mmsc.store('T2', PDU));
    await device.posted(1);
    await device.until(async () => (await device.files()).length === 2);
    expect(device.events('message')).toMatchObject([{ transactionId: 'T2' }]);
  });

  it('are reported as read once, if the sender asked for it', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    await device.push(device.mmsc.store('T1', retrievalOf([TEXT], { readReport: true })));
    await device.push(device.mmsc.store('T2', PDU));
    await device.posted(2);
    device.host.now += 60_000;
    for (const { key } of await device.items()) {
      expect(await device.query('read', { key })).toMatchObject({ read: true });
      await device.query('read', { key });
    }
    await device.posted(3);
    await device.host.restart();
    expect(device.mmsc.posted.slice(2)).toEqual([
      {
        path: '/T1',
        contentType: 'application/vnd.wap.mms-message',
        pdu: 'M-Read-Rec.ind',
        fields: {
          version: '1.2',
          messageId: 'message-1@mmsc.example',
          to: '+15550100/TYPE=PLMN',
          from: 'insert-address',
          date: new Date('2026-01-01T00:01:00Z'),
          readStatus: 'read',
        },
      },
    ]);
  });

  it('are at most the last 500', async () => {
    device = await MmsDevice.start();
    for (let number = 0; number < 505; number += 1) await device.push(device.mmsc.store(`T${number}`, PDU));
    expect(await device.host.stored('message/')).toBe(500);
    await device.host.restart();
    const kept = (await device.items()).map(({ transactionId }) => transactionId);
    expect(kept).toHaveLength(500);
    expect(kept).not.toContain('T4');
  });

  it('are selected by key, and unknown queries are rejected', async () => {
    device = await MmsDevice.start();
    await expect(device.query('retrieve')).rejects.toThrow(
      'expected { key } or { transactionId } of a message',
    );
    await expect(device.query('message')).rejects.toThrow(
      'unknown query "message": expected one of messages, retrieve, read, remove',
    );
    for (const name of ['retrieve', 'read']) expect(await device.query(name, { key: 'none' })).toBeNull();
  });
});

describe('options of mms.ua', () => {
  it.each([
    [[], 'options: expected an object with retrieve, after, mmsc, reportAllowed'],
    [
      { retreive: 'manual' },
      'options: unknown option retreive: expected retrieve, after, mmsc, reportAllowed',
    ],
    [{ retrieve: true }, 'options.retrieve: expected one of manual, deferred, immediate'],
    [{ retrieve: 'deferred', after: 0 }, 'options.after: expected seconds, a whole number from 1 to 604800'],
    [{ after: 60 }, 'options.after: valid only with "retrieve": "deferred"'],
    [{ mmsc: 'mmsc.example' }, 'options.mmsc: expected the URL for answers to the MMSC'],
    [{ reportAllowed: 'no' }, 'options.reportAllowed: expected true or false'],
  ])('that are invalid are named: %j', async (options, message) => {
    device = await MmsDevice.start();
    device.host.options = options;
    await expect(device.host.restart()).rejects.toThrow(`mms.ua: ${message}`);
  });
});

/** An MMSC that fails or answers incorrectly, and devices that stop during a retrieval. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import mms from 'sip-push/apps/mms.ua';
import { encodeRetrieval, type MmsRetrieveStatus } from 'sip-push/formats';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import { PushRuntime } from '../../../core/app/runtime.js';
import {
  broken,
  half,
  halfUntil,
  type MmscAnswer,
  otherBody,
  partInEvent,
  pictureAndText,
  retrievalOf,
  silent,
  status,
  whole,
} from '../../support/agents/mmsc.js';
import { failNextWrite } from '../failing-write.js';
import { MmsDevice, TYPE } from './device.js';

// The text comes first, so that it is complete when the transfer of the picture stops.
const PARTS = pictureAndText(300_000).reverse();
const PDU = retrievalOf(PARTS);
const EVENT_PARTS = PARTS.map((part, index) => partInEvent(part, ['greeting', 'beach.jpg'][index] ?? ''));
const NEVER = new Promise<never>(() => {});

let device: MmsDevice;
afterEach(() => device.stop());

async function notified(answers: MmscAnswer[], options: object = {}, pdu = PDU): Promise<void> {
  device = await MmsDevice.start({ retrieve: 'immediate', ...options });
  device.mmsc.answers = answers;
  await device.push(device.mmsc.store('T1', pdu));
}

const failing = (retrieveStatus: MmsRetrieveStatus) =>
  encodeRetrieval({ version: '1.2', date: new Date(0), retrieveStatus, retrieveText: 'later,\u001b maybe' });
const posted = () => device.mmsc.posted.map(({ pdu, fields }) => ({ pdu, ...fields }));
const RETRIEVED = {
  pdu: 'M-NotifyResp.ind',
  transactionId: 'T1',
  version: '1.2',
  status: 'retrieved',
};

describe('retries a retrieval after', () => {
  it.each<[string, MmscAnswer, string]>([
    ['503', status(503), 'the server answered 503'],
    ['500', status(500), 'the server answered 500'],
    ['429', status(429), 'the server answered 429'],
    ['an interrupted transfer', broken, 'unreachable: '],
    ['a truncated message', half, 'expected '],
    ['an HTML page', otherBody('<html>Log in</html>', 'text/html'), 'X-Mms-Message-Type at offset 0'],
    ['no octets', otherBody(''), 'X-Mms-Message-Type at offset 0'],
    ['204', status(204), 'the server answered 204'],
    ['another PDU', otherBody(Uint8Array.of(0x8c, 0x82)), 'M-Retrieve.conf, not M-Notification.ind'],
    [
      'another major version',
      otherBody(retrievalOf(PARTS, { version: '2.0' })),
      'MMS version 2.0: expected 1.x',
    ],
    [
      'a transient status',
      otherBody(failing('transient-network-problem')),
      'transient-network-problem: later,  maybe',
    ],
    [
      'a transient status, with content',
      otherBody(retrievalOf(PARTS, { retrieveStatus: 'transient-failure' })),
      'transient-failure',
    ],
    [
      'too many parts',
      otherBody(retrievalOf(Array(101).fill(PARTS[0]))),
      'the message has more than 100 parts',
    ],
  ])('%s', async (_name, answer, reason) => {
    await notified([answer]);
    await device.logged(1);
    expect(device.host.logged[0]).toMatch(/^message T1 was not retrieved, retry in 5 s: /);
    expect(device.host.logged[0]).toContain(reason);
    // The attempt leaves no files.
    expect(await device.files()).toEqual([]);
    await device.wait(5_000);
    await device.posted(1);
    expect(posted()).toEqual([RETRIEVED]);
    expect(device.events('message')).toMatchObject([{ parts: EVENT_PARTS }]);
    expect(device.events('retrieval-failed')).toEqual([]);
    expect(await device.files()).toHaveLength(2);
  });

  it.each<[string, MmscAnswer]>([
    ['an MMSC that does not answer', silent],
    ['an MMSC that stops during its answer', halfUntil(NEVER)],
  ])('%s', async (_name, answer) => {
    await notified([answer]);
    await device.until(() => device.mmsc.retrievals.length === 1);
    // Short steps: the retrieval ends by the timeout of `fetch`, and not by the deadline of the alarm.
    await device.until(async () => {
      await vi.advanceTimersByTimeAsync(20);
      return device.host.logged.length === 1;
    });
    expect(device.host.logged[0]).toContain('retry in 5 s: timeout: 127.0.0.1');
    await device.wait(5_000);
    await device.posted(1);
    expect(device.events('message')).toHaveLength(1);
    expect(await device.files()).toHaveLength(2);
  });

  it('an MMSC that was unreachable', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    const notification = device.mmsc.store('T1', PDU);
    const restartMmsc = await device.mmsc.kill();
    await device.push(notification);
    await device.logged(1);
    await device.wait(5_000);
    await device.logged(2);
    expect(device.host.logged[1]).toMatch(/^message T1 was not retrieved, retry in 10 s: unreachable: /);
    await restartMmsc();
    await device.wait(10_000);
    await device.posted(1);
    expect(device.events('message')).toHaveLength(1);
  });

  it('the Retry-After of the MMSC', async () => {
    await notified([status(503, { 'retry-after': '120' })]);
    await device.logged(1);
    expect(device.host.logged[0]).toContain('retry in 120 s');
    await device.wait(119_999);
    expect(device.mmsc.retrievals).toHaveLength(1);
    await device.wait(1);
    await device.posted(1);
  });

  it('delays that double up to half an hour, twenty times; then the message stays at the MMSC', async () => {
    await notified(Array(20).fill(status(500)));
    const seconds = [5, 10, 20, 40, 80, 160, 320, 640, 1280, ...Array(10).fill(1800)];
    for (const [index, wait] of seconds.entries()) {
      await device.logged(index + 1);
      expect(device.host.logged[index]).toContain(`retry in ${wait} s: status: the server answered 500`);
      await device.wait(wait * 1000);
    }
    await device.posted(1);
    expect(device.mmsc.retrievals).toHaveLength(20);
    expect(device.events('retrieval-failed')).toMatchObject([
      { why: 'failed', reason: 'status: the server answered 500' },
    ]);
    expect(posted()).toMatchObject([{ status: 'deferred' }]);
    expect(await device.item()).toMatchObject({ state: 'failed', reason: 'status: the server answered 500' });
    // The user can still retrieve it.
    await device.query('retrieve', { key: (await device.item()).key });
    await device.until(() => device.events('message').length === 1);
    expect(posted()).toHaveLength(1);
    expect(await device.item()).toMatchObject({ state: 'retrieved' });
  });

  it('every failure until the message expires, and then answers Expired', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    device.mmsc.answers = Array(9).fill(status(500));
    await device.push(device.mmsc.store('T1', PDU, { expiry: { seconds: 12 } }));
    await device.logged(1);
    await device.wait(5_000);
    await device.logged(2);
    await device.wait(7_000);
    await device.until(async () => (await device.storedText()) === '');
    expect(device.mmsc.retrievals).toHaveLength(2);
    expect(device.events('retrieval-failed')).toEqual([
      {
        id: expect.any(String),
        app: 'mms.ua',
        kind: 'retrieval-failed',
        transactionId: 'T1',
        contentLocation: device.mmsc.url('/T1'),
        why: 'expired',
        reason: 'expired at 2026-01-01T00:00:12.000Z',
      },
    ]);
    expect(posted()).toMatchObject([{ status: 'expired' }]);
  });
});

describe('does not retry', () => {
  it.each<[string, MmscAnswer]>([
    ['404', status(404)],
    ['410', status(410)],
    ['a permanent status', otherBody(failing('permanent-message-not-found'))],
  ])('a message that the MMSC no longer has: %s', async (_name, answer) => {
    await notified([answer]);
    await device.until(async () => (await device.storedText()) === '');
    expect(device.events('retrieval-failed')).toMatchObject([{ transactionId: 'T1', why: 'gone' }]);
    expect(device.host.logged).toEqual([
      expect.stringMatching(
        /^message T1 was not retrieved, gave up: (status: the server answered|permanent)/,
      ),
    ]);
    expect(await device.items()).toEqual([]);
    await device.host.restart();
    expect(device.mmsc.posted).toEqual([]);
    expect(device.mmsc.retrievals).toHaveLength(1);
  });

  it.each<[string, MmscAnswer, string]>([
    ['403', status(403), 'the server answered 403'],
    ['a permanent status', otherBody(failing('permanent-service-denied')), 'permanent-service-denied: later'],
    ['a redirect to a forbidden address', status(302, { location: 'http://10.0.0.1/' }), 'not-allowed: '],
  ])('a permanent failure; the message stays at the MMSC: %s', async (_name, answer, reason) => {
    await notified([answer]);
    await device.posted(1);
    expect(posted()).toMatchObject([{ transactionId: 'T1', status: 'deferred' }]);
    expect(await device.item()).toMatchObject({ state: 'failed', reason: expect.stringContaining(reason) });
    expect(device.events('retrieval-failed')).toMatchObject([{ why: 'failed' }]);
  });

  it('a message that is too large for the host', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' }, { maxSize: 250_000 });
    await device.push(device.mmsc.store('T1', PDU));
    await device.posted(1);
    expect(await device.item()).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('too-large'),
    });
    expect(await device.files()).toEqual([]);
    expect(posted()).toMatchObject([{ status: 'deferred' }]);
  });

  it('a response that was malformed three times', async () => {
    await notified(Array(3).fill(half));
    for (const [index, wait] of [5_000, 10_000].entries()) {
      await device.logged(index + 1);
      await device.wait(wait);
    }
    await device.posted(1);
    expect(posted()).toMatchObject([{ status: 'unrecognised' }]);
    expect(await device.item()).toMatchObject({ state: 'failed' });
    expect(device.mmsc.retrievals).toHaveLength(3);
    expect(await device.files()).toEqual([]);
  });

  it('an origin that the host does not allow, and sends no request', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' }, { allow: ['https://operator.example'] });
    await device.push(device.mmsc.store('T1', PDU));
    await device.push(device.mmsc.store('T2', PDU, { contentLocation: 'file:///etc/passwd' }));
    await device.until(async () => (await device.items()).every(({ state }) => state === 'failed'));
    await device.until(async () => !(await device.storedText()).includes('"pdu":'));
    expect(device.mmsc.retrievals).toEqual([]);
    expect(device.mmsc.posted).toEqual([]);
  });
});

it('mms.ua does not report a failed retrieval of a message that was removed during the attempt', async () => {
  device = await MmsDevice.start({ retrieve: 'deferred' });
  // The pending answer keeps a part of the message.
  device.mmsc.postStatuses = [503];
  let disconnect = () => {};
  const ended = new Promise<void>((resolve) => {
    device.mmsc.answers = [
      (response, pdu) => {
        response.writeHead(200).write(pdu.subarray(0, 200_000));
        disconnect = () => void response.destroy();
        resolve();
      },
    ];
  });
  await device.push(device.mmsc.store('T1', PDU));
  await device.logged(1);
  const { key } = await device.item();
  await device.query('retrieve', { key });
  await ended;
  await device.until(async () => (await device.files()).length > 0);
  await device.query('remove', { key });
  disconnect();
  await device.until(async () => (await device.files()).length === 0);
  await device.wait(5_000);
  await device.until(async () => (await device.storedText()) === '');
  expect(device.events('retrieval-failed')).toEqual([]);
  expect(device.host.logged).toHaveLength(1);
});

describe('answers that the MMSC does not accept', () => {
  it('are retried, even after a restart; the message is available', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    device.mmsc.postStatuses = [503, 500];
    await device.push(device.mmsc.store('T1', PDU));
    await device.logged(1);
    expect(device.host.logged[0]).toBe(
      'M-NotifyResp.ind for message T1 was not posted, retry in 5 s: status: the server answered 503',
    );
    expect(device.events('message')).toHaveLength(1);
    await device.host.restart();
    await device.wait(5_000);
    await device.logged(2);
    await device.wait(10_000);
    await device.posted(3);
    expect(posted()).toEqual([RETRIEVED, RETRIEVED, RETRIEVED]);
    expect(device.events('message')).toHaveLength(1);
    expect(device.mmsc.retrievals).toHaveLength(1);
  });

  it('are dropped after a permanent failure', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    device.mmsc.postStatuses = [403];
    await device.push(device.mmsc.store('T1', PDU));
    await device.posted(1);
    expect(device.host.logged).toEqual([
      'M-NotifyResp.ind for message T1 was not posted, gave up: status: the server answered 403',
    ]);
    expect(await device.item()).toMatchObject({ state: 'retrieved' });
  });

  it('are posted in order', async () => {
    device = await MmsDevice.start({ retrieve: 'deferred' });
    device.mmsc.postStatuses = [503];
    await device.push(device.mmsc.store('T1', retrievalOf(PARTS, { transactionId: 'R7' })));
    await device.logged(1);
    await device.query('retrieve', { key: (await device.item()).key });
    await device.until(() => device.events('message').length === 1);
    await device.wait(5_000);
    await device.posted(3);
    expect(posted()).toMatchObject([
      { pdu: 'M-NotifyResp.ind', status: 'deferred' },
      { pdu: 'M-NotifyResp.ind', status: 'deferred' },
      { pdu: 'M-Acknowledge.ind', transactionId: 'R7' },
    ]);
  });

  it('are posted after the message was removed', async () => {
    device = await MmsDevice.start({ retrieve: 'immediate' });
    device.mmsc.postStatuses = [503];
    await device.push(device.mmsc.store('T1', PDU));
    await device.logged(1);
    await device.query('remove', { key: (await device.item()).key });
    expect(await device.items()).toEqual([]);
    await device.until(async () => (await device.files()).length === 0);
    await device.wait(5_000);
    await device.until(async () => (await device.storedText()) === '');
    expect(posted()).toEqual([RETRIEVED, RETRIEVED]);
  });
});

describe('a device that stops during a retrieval', () => {
  it('retrieves the message from the beginning after its next start', async () => {
    await notified([halfUntil(NEVER)]);
    await device.until(async () => (await device.files()).length > 0);
    await device.host.restart();
    await device.posted(1);
    expect(device.events('message')).toMatchObject([{ parts: EVENT_PARTS }]);
    expect(device.mmsc.retrievals).toHaveLength(2);
    expect(await device.files()).toHaveLength(2);
    expect(device.host.logged).toEqual([]);
  });

  it('continues to count its attempts', async () => {
    await notified([status(500), status(500)]);
    await device.logged(1);
    await device.host.restart();
    await device.wait(5_000);
    await device.logged(2);
    expect(device.host.logged[1]).toContain('retry in 10 s: status: the server answered 500');
    await device.wait(10_000);
    await device.posted(1);
  });

  it('stops retrying an attempt that crashes it repeatedly', async () => {
    await notified(Array(25).fill(halfUntil(NEVER)));
    for (let life = 1; life <= 20; life += 1) {
      await device.until(() => device.mmsc.retrievals.length === life);
      await device.host.restart();
    }
    await device.posted(1);
    expect(device.mmsc.retrievals).toHaveLength(20);
    expect(await device.item()).toMatchObject({ state: 'failed', reason: 'too many attempts' });
  });

  it('retrieves the whole message, whichever write was the last before the crash', async () => {
    let undisturbed = false;
    for (let last = 1; last <= 30 && !undisturbed; last += 1) {
      if (last > 1) await device.stop();
      // The clock is advanced in large steps below, which must not cause timeouts.
      device = await MmsDevice.start({ retrieve: 'deferred', after: 1 }, { timeout: 3600 });
      const notification = device.mmsc.store('T1', retrievalOf(PARTS, { transactionId: 'R7' }));
      const repair = breakAfter(last);
      // The sender repeats the push if it was refused.
      const first = await device.host.push({ type: TYPE, body: notification });
      await device.until(async () => {
        device.host.now += 100;
        await vi.advanceTimersByTimeAsync(100);
        return repair.broken() || (device.events('message').length > 0 && (await isAnswered()));
      });
      undisturbed = !repair.broken();
      await device.host.runtime.stop();
      repair();
      await device.host.restart();
      if (!first.accepted) await device.push(notification);
      await device.until(async () => {
        device.host.now += 100;
        await vi.advanceTimersByTimeAsync(100);
        return device.events('message').length > 0 && (await isAnswered());
      });
      expect(await device.item()).toMatchObject({ state: 'retrieved', parts: EVENT_PARTS });
      await device.until(async () => (await device.files()).length === 2);
      expect(device.mmsc.posted.map(({ pdu }) => pdu)).toContain('M-Acknowledge.ind');
    }
    expect(undisturbed).toBe(true);
  });

  it('removes files that belong to no message', async () => {
    await notified([whole]);
    await device.posted(1);
    const [{ path = '' } = {}] = (await device.item()).parts ?? [];
    await writeFile(join(path, '..', '0123456789abcdef0123456789abcdef'), 'left by a crash');
    expect(await device.files()).toHaveLength(3);
    await device.host.restart();
    expect(await device.files()).toHaveLength(2);
    expect((await device.item()).parts).toMatchObject(EVENT_PARTS);
  });
});

it('mms.ua emits one event for a notification whose commit fails', async () => {
  device = await MmsDevice.start();
  failNextWrite(device.host.store, 'seen/');
  await device.push(device.mmsc.store('T1', PDU));
  expect(device.events('notification')).toEqual([]);
  await device.until(async () => {
    device.host.now += 1_000;
    await vi.advanceTimersByTimeAsync(1_000);
    return device.events('notification').length > 0;
  });
  expect(device.events('notification')).toHaveLength(1);
  expect(await device.item()).toMatchObject({ state: 'waiting' });
});

it('mms.ua starts although its folder of files cannot be created', async () => {
  device = await MmsDevice.start();
  const store = await platform.openStore();
  const logged: string[] = [];
  const log = ({ message }: { message: string }) => logged.push(message);
  const runtime = await PushRuntime.open({ store, log, files: '/dev/null/files' });
  await runtime.load(mms);
  expect(runtime.eventAppIds).toEqual(['mms.ua']);
  expect(logged).toContainEqual(expect.stringMatching(/^files: /));
  await runtime.stop();
  await store.close();
});

async function isAnswered(): Promise<boolean> {
  return !(await device.storedText()).includes('"pdu":');
}

/** The disk fails after the write `last`, until it is repaired. */
function breakAfter(last: number): (() => void) & { broken(): boolean } {
  const { store } = device.host;
  const batch = store.batch.bind(store);
  let writes = 0;
  const failing = (...operations: unknown[]) => {
    writes += 1;
    if (writes > last) return Promise.reject(new Error('the disk failed'));
    return Reflect.apply(batch, undefined, operations);
  };
  Object.defineProperty(store, 'batch', { value: failing, configurable: true });
  const repair = () => void Reflect.deleteProperty(store, 'batch');
  return Object.assign(repair, { broken: () => writes > last });
}

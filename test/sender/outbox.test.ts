/** Accepted pushes of a sender: none is lost, none is sent twice, and the outbox is bounded. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import type { Content } from '../../core/content/content.js';
import { ConfigurationError } from '../../core/errors.js';
import type { LevelStore } from '../../core/platform/level.js';
import { SenderContents } from '../../core/sender/outbox/contents.js';
import {
  IdempotencyKeyReusedError,
  Outbox,
  OutboxFullError,
  type OutboxLimits,
} from '../../core/sender/outbox/outbox.js';
import type { OutboxRecord } from '../../core/sender/outbox/record.js';
import type { PushSubmission } from '../../core/sender/outbox/submission.js';
import type { OutgoingPushOptions } from '../../core/sender/outgoing-push.js';
import type { PushRequest, Receipt } from '../../core/sender/push-request.js';
import { Records, StoreError } from '../../core/store/records.js';
import { systemClock } from '../../core/time/clock.js';
import { until } from '../support/wait.js';

const BOB = 'sip:bob@domain.test';
const ORDER: PushSubmission = {
  to: BOB,
  app: 'test.ua',
  mode: 'auto',
  contents: [{ url: 'https://example.com/a', type: 'text/plain' }],
};

interface Sending {
  push: PushRequest;
  options: OutgoingPushOptions;
  /** Reports the receipt of an address. */
  settle(uri: string, receipt?: Partial<Receipt>): void;
  done(): void;
  fail(error: Error): void;
}

let folder: string;
let store: LevelStore;
let changes: OutboxRecord[];
let sending: Sending[];
let outbox: Outbox;
let time: number;
let elapsed: number;
const opened: Outbox[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-outbox-'));
  store = await platform.openStore();
  changes = [];
  sending = [];
  time = 1_700_000_000_000;
  elapsed = 0;
  outbox = await open();
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.stop();
  await rm(folder, { recursive: true });
});

async function open(limits: Partial<OutboxLimits> = {}): Promise<Outbox> {
  const clock = { ...systemClock, now: () => time, elapsed: () => elapsed };
  const onError = (error: Error) => {
    throw error;
  };
  const contents = await SenderContents.open({ path: folder, limits, clock, onError });
  const next = await Outbox.open({
    sender: { send },
    records: new Records(store, clock, () => {}),
    ...{ contents, clock, limits, onError },
    onChange: (push) => changes.push(push),
  });
  opened.push(next);
  return next;
}

/** Another process continues after this one was stopped. */
async function restarted(): Promise<Outbox> {
  await outbox.stop();
  sending = [];
  return await open();
}

function send(push: PushRequest, options: OutgoingPushOptions): Promise<Receipt[]> {
  return new Promise((resolve, reject) => {
    const receipts: Receipt[] = [];
    sending.push({
      push,
      options,
      settle(uri, changes = {}) {
        const receipt: Receipt = { ...RECEIPT, ...changes };
        receipts.push(receipt);
        options.onReceipts?.([receipt], uri);
      },
      done: () => resolve(receipts),
      fail: reject,
    });
    options.signal?.addEventListener('abort', () => {
      // Earlier microtasks of the abort run first.
      queueMicrotask(() => reject(options.signal?.reason));
    });
  });
}

const RECEIPT: Receipt = {
  to: BOB,
  mode: 'pager',
  outcome: 'delivered',
  status: 200,
  reason: 'OK',
  retryable: false,
  bytes: 1,
  milliseconds: 1,
};

const sendingAt = (index = 0) =>
  until(() => {
    const found = sending[index];
    if (!found) throw new Error('nothing is being sent');
    return found;
  });
const ended = (id: string) => until(() => expect(outbox.get(id)?.state).toBe('ended'));
const text = (content: string) => new Blob([content]).stream();

describe('a push', () => {
  it('is sent, and its receipts are stored', async () => {
    const { push, known } = await outbox.submit(ORDER);
    expect(known).toBe(false);
    const sent = await sendingAt();
    expect(sent.push).toMatchObject({
      id: push.id,
      to: BOB,
      app: 'test.ua',
      content: { url: 'https://example.com/a' },
    });
    sent.settle(BOB);
    expect(outbox.get(push.id)).toMatchObject({ state: 'waiting', receipts: [{ outcome: 'delivered' }] });
    sent.done();
    await ended(push.id);
    expect(changes.map(({ state, receipts }) => `${state} ${receipts.length}`)).toEqual([
      'waiting 1',
      'ended 1',
    ]);
  });

  it('that cannot be sent ends with a receipt with the reason', async () => {
    const { push } = await outbox.submit(ORDER);
    (await sendingAt()).fail(new ConfigurationError('"publish" does not say where'));
    await ended(push.id);
    expect(outbox.get(push.id)?.receipts).toMatchObject([
      { outcome: 'failed', retryable: false, reason: '"publish" does not say where' },
    ]);
  });

  it('that is cancelled is not sent', async () => {
    const { push } = await outbox.submit(ORDER);
    const sent = await sendingAt();
    expect(await outbox.cancel(push.id)).toMatchObject({ state: 'cancelled' });
    expect(sent.options.signal?.aborted).toBe(true);
    const next = await restarted();
    expect(next.get(push.id)).toMatchObject({ state: 'cancelled' });
    expect(sending).toEqual([]);
  });

  it('that has ended cannot be cancelled, and an unknown one is undefined', async () => {
    const { push } = await outbox.submit(ORDER);
    (await sendingAt()).done();
    await ended(push.id);
    expect(await outbox.cancel(push.id)).toMatchObject({ state: 'ended' });
    expect(await outbox.cancel('other')).toBeUndefined();
  });

  it('under a key is accepted once, even after a restart', async () => {
    const one = await outbox.submit(ORDER, 'key');
    const same = await Promise.all([outbox.submit(ORDER, 'key'), outbox.submit(ORDER, 'key')]);
    expect(same.map(({ push, known }) => [push.id, known])).toEqual(Array(2).fill([one.push.id, true]));
    await expect(outbox.submit({ ...ORDER, app: 'other.ua' }, 'key')).rejects.toThrow(
      IdempotencyKeyReusedError,
    );
    const next = await restarted();
    expect(await next.submit(ORDER, 'key')).toMatchObject({ push: { id: one.push.id }, known: true });
  });

  it('under a key has the same id after the outbox has forgotten it, so that receivers recognize it', async () => {
    const { push } = await outbox.submit(ORDER, 'key');
    (await sendingAt()).done();
    await ended(push.id);
    elapsed += 25 * 3_600_000;
    expect(outbox.get(push.id)).toBeUndefined();
    expect(await outbox.submit(ORDER, 'key')).toMatchObject({ push: { id: push.id }, known: false });
    expect((await outbox.submit(ORDER, 'other')).push.id).not.toBe(push.id);
  });
});

describe('content', () => {
  const submission = (content: string): PushSubmission => ({
    ...ORDER,
    contents: [{ content, type: 'text/plain', name: 'a' }],
  });

  it('is kept for its push, and removed when the push ends', async () => {
    const { id, size } = await outbox.addContent(text('hello'));
    expect(size).toBe(5);
    const { push } = await outbox.submit(submission(id));
    const sent = await sendingAt();
    const [file] = 'files' in sent.push ? sent.push.files : [];
    const content: Content | undefined = file?.content;
    expect(new TextDecoder().decode(await content?.bytes(10))).toBe('hello');
    sent.done();
    await ended(push.id);
    await until(async () => expect(await readdir(folder)).toEqual([]));
  });

  it('is stored once, however often it is uploaded or submitted', async () => {
    const bytes = new TextEncoder().encode('hello');
    const uploads = [await outbox.addContent(text('hello')), await outbox.addContent(text('hello'))];
    expect(uploads[1]).toEqual(uploads[0]);
    const inline = { ...ORDER, contents: [{ bytes, type: 'text/plain' }] };
    for (let count = 0; count < 100; count++) await outbox.submit(inline, 'key');
    expect(await readdir(folder)).toHaveLength(1);
    expect(await readdir(folder)).toEqual([uploads[0]?.id]);
    // The uploads of another client remain after the end of the push.
    const { done } = await sendingAt();
    done();
    await until(() => expect(outbox.waiting).toBe(0));
    const second = await outbox.submit(submission(uploads[0]?.id ?? ''), 'other');
    expect(second.known).toBe(false);
    await sendingAt(1);
  });

  it('under a key is compared by its bytes, even after a restart', async () => {
    const { id } = await outbox.addContent(text('hello'));
    const { push } = await outbox.submit(submission(id), 'key');
    await sendingAt();
    outbox = await restarted();
    await sendingAt();
    const same = await outbox.addContent(text('hello'));
    expect(await outbox.submit(submission(same.id), 'key')).toMatchObject({
      push: { id: push.id },
      known: true,
    });
    expect(await outbox.submit(submission(id), 'key')).toMatchObject({ push: { id: push.id }, known: true });
    const other = await outbox.addContent(text('other'));
    await expect(outbox.submit(submission(other.id), 'key')).rejects.toThrow(IdempotencyKeyReusedError);
    const bytes = new TextEncoder().encode('another');
    const inline = { ...ORDER, contents: [{ bytes, type: 'text/plain' }] };
    await expect(outbox.submit(inline, 'key')).rejects.toThrow(IdempotencyKeyReusedError);
  });

  it('that is unknown, or has an invalid media type, is rejected', async () => {
    await expect(outbox.submit(submission('other'))).rejects.toThrow(ConfigurationError);
    const { id } = await outbox.addContent(text('hello'));
    const { push } = await outbox.submit({ ...ORDER, contents: [{ content: id, type: 'nonsense' }] });
    await ended(push.id);
    expect(outbox.get(push.id)?.receipts).toMatchObject([{ reason: expect.stringContaining('media type') }]);
  });

  it('survives a restart with its push', async () => {
    const { id } = await outbox.addContent(text('hello'));
    await outbox.submit(submission(id));
    await sendingAt();
    outbox = await restarted();
    const sent = await sendingAt();
    const [file] = 'files' in sent.push ? sent.push.files : [];
    expect(new TextDecoder().decode(await file?.content.bytes(10))).toBe('hello');
  });

  it('of an interrupted upload is removed', async () => {
    const breaking = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(10));
        controller.error(new Error('gone'));
      },
    });
    await expect(outbox.addContent(breaking)).rejects.toThrow('gone');
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('the disk', () => {
  /** Blocks all later writes. @returns a function that completes or fails them */
  function blockWrites(): (error?: Error) => void {
    const batch = store.batch.bind(store);
    let release: (error?: Error) => void = () => {};
    const released = new Promise<void>((resolve, reject) => {
      release = (error) => (error ? reject(error) : resolve());
    });
    Object.defineProperty(store, 'batch', {
      configurable: true,
      value: async (...parameters: unknown[]) => {
        await released;
        return Reflect.apply(batch, undefined, parameters);
      },
    });
    return release;
  }

  it('has a push before its submissions are confirmed', async () => {
    const release = blockWrites();
    let confirmed = 0;
    const submitted = [1, 2].map(() => outbox.submit(ORDER, 'key').then(() => confirmed++));
    await setImmediate();
    expect(confirmed).toBe(0);
    release();
    await Promise.all(submitted);
  });

  it('rejects every submission if the write fails', async () => {
    const release = blockWrites();
    const submitted = [1, 2].map(() => expect(outbox.submit(ORDER, 'key')).rejects.toThrow(StoreError));
    release(new Error('full'));
    await Promise.all(submitted);
    expect(sending).toEqual([]);
  });

  it('has a cancellation before it is confirmed', async () => {
    const { push } = await outbox.submit(ORDER);
    await sendingAt();
    const release = blockWrites();
    let cancelled = false;
    const cancelling = outbox.cancel(push.id).then(() => {
      cancelled = true;
    });
    await setImmediate();
    expect(cancelled).toBe(false);
    release();
    await cancelling;
  });

  it('has the end of a push before its content is removed', async () => {
    const { id } = await outbox.addContent(text('hello'));
    const { push } = await outbox.submit({ ...ORDER, contents: [{ content: id, type: 'text/plain' }] });
    const sent = await sendingAt();
    const release = blockWrites();
    sent.done();
    await ended(push.id);
    expect(await readdir(folder)).toHaveLength(1);
    release();
    await until(async () => expect(await readdir(folder)).toEqual([]));
  });

  it('keeps a push that was being written when the sender stopped, for the next process', async () => {
    const release = blockWrites();
    const submitting = outbox.submit(ORDER);
    // The write has begun.
    await until(() => expect(outbox.waiting).toBe(1));
    const stopping = outbox.stop();
    release();
    const { push } = await submitting;
    await stopping;
    expect(sending).toEqual([]);
    outbox = await open();
    expect((await sendingAt()).push).toMatchObject({ id: push.id });
  });
});

describe('after a restart', () => {
  it('the outbox continues pushes that the stop interrupted', async () => {
    await outbox.submit(ORDER);
    const { options, fail } = await sendingAt();
    options.signal?.addEventListener('abort', () => fail(new Error('the connection was closed')));
    outbox = await restarted();
    await sendingAt();
  });

  it('the outbox continues with the rest of the ttl, except at settled addresses', async () => {
    const { push } = await outbox.submit({ ...ORDER, ttl: 100 });
    (await sendingAt()).settle(`${BOB};gr=1`);
    time += 40_000;
    outbox = await restarted();
    const sent = await sendingAt();
    expect(sent.push).toMatchObject({ id: push.id, ttl: 60 });
    expect(sent.options.settled).toEqual(new Set([`${BOB};gr=1`]));
    sent.settle(`${BOB};gr=2`);
    sent.done();
    await ended(push.id);
    expect(outbox.get(push.id)?.receipts).toHaveLength(2);
  });

  it('the outbox reports invalid records, and continues with the others', async () => {
    await outbox.submit(ORDER);
    await outbox.stop();
    await store.put<string, Uint8Array>('push/out/broken', new TextEncoder().encode('{"id":1}'), {
      valueEncoding: 'view',
    });
    const errors: Error[] = [];
    sending = [];
    opened.push(
      await Outbox.open({
        sender: { send },
        records: new Records(store, systemClock, () => {}),
        contents: await SenderContents.open({ path: folder, onError: () => {} }),
        onError: (error) => errors.push(error),
      }),
    );
    await sendingAt();
    expect(errors).toMatchObject([{ message: expect.stringContaining('invalid push in the store') }]);
  });
});

describe('limits', () => {
  it('apply to waiting pushes', async () => {
    await outbox.stop();
    outbox = await open({ waiting: 2 });
    await Promise.all([outbox.submit(ORDER), outbox.submit(ORDER)]);
    await expect(outbox.submit(ORDER)).rejects.toThrow(OutboxFullError);
    (await sendingAt()).done();
    await until(() => expect(outbox.waiting).toBe(1));
    await outbox.submit(ORDER);
  });

  it('apply to ended pushes, by number and age', async () => {
    await outbox.stop();
    outbox = await open({ ended: 2, endedFor: 1000 });
    const ids: string[] = [];
    for (let index = 0; index < 3; index++) {
      ids.push((await outbox.submit(ORDER)).push.id);
      (await sendingAt(index)).done();
      await until(() => expect(outbox.waiting).toBe(0));
      elapsed += 10;
    }
    expect(ids.map((id) => outbox.get(id)?.state)).toEqual([undefined, 'ended', 'ended']);
    // A change of the date ends none early.
    time += 1_000_000;
    expect(outbox.get(ids[2] ?? '')?.state).toBe('ended');
    elapsed += 1000;
    expect(ids.map((id) => outbox.get(id))).toEqual([undefined, undefined, undefined]);
    expect(await (await restarted()).get(ids[2] ?? '')).toBeUndefined();
  });
});

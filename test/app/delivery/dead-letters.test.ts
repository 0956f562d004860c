/** Redelivering and dropping dead letters. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Push } from '../../../core/app/contract/push.js';
import { LimitError, PushRefused } from '../../../core/errors.js';
import { type Bench, openBench, settled, stopBench, stored, testApp, UNFINISHED } from '../support.js';

let bench: Bench;
let accepting: boolean;
let received: Push[];

beforeEach(async () => {
  vi.useFakeTimers();
  accepting = false;
  received = [];
  bench = await openBench();
  await bench.runtime.load(app());
  await bench.runtime.start();
});
afterEach(() => stopBench(bench));

const app = () =>
  testApp(
    (push) => {
      received.push(push);
      if (accepting) return;
      throw push.attempt === 1 ? new Error('not yet') : new PushRefused('declined', 'not wanted');
    },
    { delivery: 'durable' },
  );

async function reopen(limits = {}): Promise<void> {
  await settled(bench.runtime.stop());
  bench = await openBench({ store: bench.store, limits });
  await bench.runtime.load(app());
  await bench.runtime.start();
}

/** @returns the id of the push. */
async function makeDeadLetter(key: string): Promise<string> {
  const { pushId = '' } = await bench.push({ key, text: key });
  await vi.advanceTimersByTimeAsync(5_000);
  const ids = bench.runtime.deadLetters().map(({ id }) => id);
  expect(ids).toContain(pushId);
  return pushId;
}

/** The records of pushes that are not finished. */
const onDisk = () => stored(bench.store, ...UNFINISHED);

describe.each([false, true])('a dead letter, after a restart: %s', (restarted) => {
  it('is redelivered like a new push', async () => {
    const id = await makeDeadLetter('k');
    if (restarted) await reopen();
    accepting = true;
    received = [];
    expect(await bench.runtime.redeliver(id)).toBe(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(received).toMatchObject([{ id, attempt: 1, from: 'sip:psa@domain.test' }]);
    expect(Buffer.from((await received[0]?.content.bytes(10)) ?? []).toString()).toBe('k');
    expect(await bench.runtime.deadLetters()).toEqual([]);
    expect(await onDisk()).toEqual([]);
    expect(await bench.push({ key: 'k' })).toEqual({ accepted: true, pushId: id });
  });

  it('becomes a dead letter again after failed redeliveries', async () => {
    const id = await makeDeadLetter('k');
    if (restarted) await reopen();
    await bench.runtime.redeliver(id);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await bench.runtime.deadLetters()).toMatchObject([{ id, attempts: 2 }]);
  });

  it('when dropped, remains known only as a finished push', async () => {
    const id = await makeDeadLetter('k');
    if (restarted) await reopen();
    expect(await bench.runtime.dropDeadLetter(id)).toBe(true);
    expect(await bench.runtime.deadLetters()).toEqual([]);
    expect(await onDisk()).toEqual([]);
    expect(await bench.push({ key: 'k' })).toEqual({ accepted: true, pushId: id });
  });
});

it('a dead letter is redelivered once for concurrent requests', async () => {
  const id = await makeDeadLetter('k');
  accepting = true;
  received = [];
  const calls = [bench.runtime.redeliver(id), bench.runtime.redeliver(id), bench.runtime.dropDeadLetter(id)];
  expect(await Promise.all(calls)).toEqual([true, false, false]);
  await vi.advanceTimersByTimeAsync(0);
  expect(received).toHaveLength(1);
});

it('a redelivered dead letter waits in the inbox for an application that is not loaded', async () => {
  const id = await makeDeadLetter('k');
  await bench.runtime.unload('test.ua');
  accepting = true;
  received = [];
  expect(await bench.runtime.redeliver(id)).toBe(true);
  expect(received).toEqual([]);
  await bench.runtime.load(app());
  await vi.advanceTimersByTimeAsync(0);
  expect(received).toMatchObject([{ id }]);
});

it('a dead letter is kept when the inbox is full', async () => {
  const id = await makeDeadLetter('k');
  await reopen({ inboxCount: 0 });
  await expect(bench.runtime.redeliver(id)).rejects.toThrow(LimitError);
  expect(await bench.runtime.deadLetters()).toMatchObject([{ id }]);
  expect(await bench.runtime.dropDeadLetter(id)).toBe(true);
});

it('redeliver and dropDeadLetter return false for an unknown push id', async () => {
  expect(await bench.runtime.redeliver('none')).toBe(false);
  expect(await bench.runtime.dropDeadLetter('none')).toBe(false);
});

it('a late commit of an aborted attempt ends a dead letter, even after it was redelivered', async () => {
  let late = (): Promise<void> => Promise.reject(new Error('nothing was received'));
  await bench.runtime.unload('test.ua');
  await bench.runtime.load(
    testApp(
      async (push) => {
        received.push(push);
        if (push.attempt !== 1 || received.length > 1) throw new PushRefused('declined', 'not wanted');
        late = () => push.commit();
        throw new Error('too slow');
      },
      { delivery: 'durable' },
    ),
  );
  const id = await makeDeadLetter('k');
  expect(await bench.runtime.redeliver(id)).toBe(true);
  await late();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await bench.runtime.deadLetters()).toEqual([]);
  expect(await onDisk()).toEqual([]);
});

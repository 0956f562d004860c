/** Events of transactions: on disk with the transaction, until the listener of the host has returned. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import type { ApplicationEvent, Order } from '../../../core/app/contract/push-app.js';
import type { AppStorage } from '../../../core/app/contract/services.js';
import { type LogRecord, PushRuntime } from '../../../core/app/index.js';
import { LimitError } from '../../../core/errors.js';
import type { LevelStore } from '../../../core/platform/level.js';
import { definePushApp } from '../../../sdk/index.js';
import { newGate, settled, stored, testClock } from '../support.js';

let store: LevelStore;
let runtime: PushRuntime;
let logs: LogRecord[];
/** The events that the listener received. */
let heard: ApplicationEvent[];
let listener: (event: ApplicationEvent) => unknown;

beforeEach(async () => {
  vi.useFakeTimers();
  store = await platform.openStore();
  listener = () => {};
  await open();
  await runtime.start();
});

afterEach(async () => {
  await settled(runtime.stop());
  await store.close();
  vi.useRealTimers();
});

async function open(): Promise<void> {
  logs = [];
  heard = [];
  runtime = await PushRuntime.open({
    store,
    clock: testClock(1),
    log: (record) => logs.push(record),
    emit: (event) => {
      heard.push(event);
      return listener(event);
    },
  });
}

async function restart(): Promise<void> {
  await settled(runtime.stop());
  await open();
  await runtime.start();
}

type Counting = AppStorage<{ counted: true }>;

async function load(id = 'test.ua', order: Order = 'serial'): Promise<Counting> {
  const started: Counting[] = [];
  await runtime.load(
    definePushApp({
      id,
      accepts: ['text/plain'],
      order,
      needs: ['storage'],
      events: { counted: true },
      start({ storage }) {
        started.push(storage);
        return { receive() {} };
      },
    }),
  );
  const [storage] = started;
  if (!storage) throw new Error('the application has not started');
  return storage;
}

const count = (storage: Counting, ...numbers: number[]) =>
  storage.transaction((tx) => {
    for (const number of numbers) tx.emit('counted', { number });
  });
const numbers = () => heard.map(({ number }) => number);
const onDisk = async () => (await stored(store, 'event')).length;
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

describe('an event of a transaction', () => {
  it('is on disk with it, and is removed after the listener has returned', async () => {
    const gate = newGate();
    listener = () => gate.passed;
    const storage = await load();
    const batches = vi.spyOn(store, 'batch');
    await storage.transaction((tx) => {
      tx.put('n', 1);
      tx.emit('counted', { number: 1 });
    });
    expect(batches).toHaveBeenCalledOnce();
    expect(batches.mock.lastCall).toMatchObject([
      [{ key: 'push/data/1/n' }, { key: expect.stringMatching(/^push\/event\//) }],
      { sync: true },
    ]);
    await pass(0);
    expect([numbers(), await onDisk()]).toEqual([[1], 1]);
    gate.open();
    await pass(0);
    expect(await onDisk()).toBe(0);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no network');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no network'))],
  ])('is delivered again with the same id when the listener %s', async (_, fail) => {
    let failures = 2;
    listener = () => (failures-- > 0 ? fail() : undefined);
    await count(await load(), 1);
    await pass(0);
    expect(numbers()).toEqual([1]);
    expect(logs.at(-1)).toEqual({
      level: 'warn',
      app: 'test.ua',
      message: `event "counted" ${heard[0]?.id}: will be delivered again in 5 s: no network`,
    });
    await pass(4_999);
    expect(numbers()).toEqual([1]);
    await pass(1);
    expect(numbers()).toEqual([1, 1]);
    await pass(10_000);
    expect(numbers()).toEqual([1, 1, 1]);
    expect(new Set(heard.map(({ id }) => id)).size).toBe(1);
    expect(await onDisk()).toBe(0);
    await pass(3_600_000);
    expect(heard).toHaveLength(3);
  });

  it('is delivered in order, after the previous one has been accepted', async () => {
    const gates = [newGate(), newGate()];
    listener = ({ number }) => gates[Number(number) - 1]?.passed;
    const storage = await load();
    await count(storage, 1, 2);
    await count(storage, 3);
    await pass(20_000);
    expect(numbers()).toEqual([1]);
    gates[0]?.open();
    await pass(0);
    expect(numbers()).toEqual([1, 2]);
    gates[1]?.open();
    await pass(0);
    expect(numbers()).toEqual([1, 2, 3]);
  });

  it('waits behind a failed event; a later event does not shorten the wait', async () => {
    let fails = true;
    listener = () => {
      if (fails) throw new Error('no network');
    };
    const storage = await load();
    for (const number of [1, 2, 3]) await count(storage, number);
    await pass(0);
    expect(numbers()).toEqual([1]);
    expect(logs).toHaveLength(1);
    fails = false;
    await pass(5_000);
    expect(numbers()).toEqual([1, 1, 2, 3]);
    await pass(3_600_000);
    expect(heard).toHaveLength(4);
  });

  it('does not wait for events of other applications', async () => {
    listener = ({ app }) => (app === 'slow.ua' ? new Promise(() => {}) : undefined);
    const slow = await load('slow.ua');
    const quick = await load('quick.ua');
    await count(slow, 1, 2);
    await count(quick, 3, 4);
    await pass(0);
    expect(numbers()).toEqual([1, 3, 4]);
  });

  it('is delivered again when the listener does not return within 30 seconds', async () => {
    let hangs = true;
    listener = ({ app }) => (hangs && app === 'test.ua' ? new Promise(() => {}) : undefined);
    const storage = await load();
    const other = await load('other.ua');
    await count(storage, 1, 2);
    await pass(29_999);
    expect([numbers(), logs]).toEqual([[1], []]);
    await pass(1);
    const again = `event "counted" ${heard[0]?.id}: will be delivered again in 5 s: the host's listener did not return within 30 s`;
    expect(logs).toEqual([{ level: 'warn', app: 'test.ua', message: again }]);
    await count(other, 7);
    await pass(5_000);
    expect(numbers()).toEqual([1, 7, 1]);
    hangs = false;
    // The second wait is twice as long.
    await pass(30_000 + 9_999);
    expect(numbers()).toEqual([1, 7, 1]);
    await pass(1);
    expect(numbers()).toEqual([1, 7, 1, 1, 2]);
    expect(await onDisk()).toBe(0);
  });

  it.each([
    ['before its next delivery', 31_000, [1, 2]],
    ['during its next delivery', 36_000, [1, 1, 2]],
  ])('is delivered when the listener returns late, %s', async (_, late, expected) => {
    const gates = [newGate(), newGate()];
    listener = () => gates[heard.length - 1]?.passed;
    await count(await load(), 1, 2);
    await pass(late);
    gates[0]?.open();
    await pass(0);
    expect(await onDisk()).toBe(1);
    gates[1]?.open();
    await pass(0);
    expect([numbers(), await onDisk()]).toEqual([expected, 0]);
    await pass(3_600_000);
    expect(numbers()).toEqual(expected);
  });

  it('whose listener does not return is not delivered again after a stop', async () => {
    listener = () => new Promise(() => {});
    await count(await load(), 1);
    await pass(0);
    await settled(runtime.stop());
    await pass(3_600_000);
    expect(numbers()).toEqual([1]);
  });

  it('is delivered after a restart with the same id, in order, even if its application is not loaded', async () => {
    listener = () => new Promise(() => {});
    const storage = await load();
    for (const number of [1, 2, 3]) await count(storage, number);
    await pass(0);
    const [first] = heard;
    expect(numbers()).toEqual([1]);
    listener = () => {};
    await restart();
    await pass(0);
    expect(numbers()).toEqual([1, 2, 3]);
    expect(heard[0]).toEqual(first);
    await count(await load(), 4);
    await pass(0);
    expect(numbers()).toEqual([1, 2, 3, 4]);
    await restart();
    await pass(60_000);
    expect(heard).toEqual([]);
  });

  it('keeps its place behind events of an earlier start', async () => {
    await settled(runtime.stop());
    await open();
    await count(await load(), 1);
    await pass(0);
    // The runtime is not started.
    expect([numbers(), await onDisk()]).toEqual([[], 1]);
    await settled(runtime.stop());
    await open();
    await count(await load(), 2);
    await runtime.start();
    await pass(0);
    expect(numbers()).toEqual([1, 2]);
  });

  it('is redelivered after a stop during the wait, once', async () => {
    listener = () => {
      throw new Error('no network');
    };
    await count(await load(), 1);
    await pass(0);
    listener = () => {};
    await restart();
    await pass(3_600_000);
    expect(numbers()).toEqual([1]);
  });

  it('delays a stop until its listener has returned, including during a redelivery', async () => {
    const gate = newGate();
    let failures = 1;
    listener = () => {
      if (failures-- > 0) throw new Error('no network');
      return gate.passed;
    };
    await count(await load(), 1);
    await pass(5_000);
    expect(numbers()).toEqual([1, 1]);
    const stopped = runtime.stop();
    await pass(1_000);
    gate.open();
    await stopped;
    expect(await onDisk()).toBe(0);
  });

  it('that cannot be read is skipped with a warning', async () => {
    await count(await load(), 1);
    await settled(runtime.stop());
    await store.put('push/event/0000000000', 'no JSON');
    await open();
    await runtime.start();
    await pass(0);
    expect(heard).toEqual([]);
    expect(logs).toMatchObject([{ level: expect.stringMatching(/warn|error/) }]);
  });

  it('has an eventId if it already has a field id', async () => {
    const storage = await load();
    await storage.transaction((tx) => tx.emit('counted', { id: 'mine' }));
    await pass(0);
    expect(heard).toEqual([
      { id: 'mine', eventId: expect.stringMatching(/^[0-9a-f]{32}$/), app: 'test.ua', kind: 'counted' },
    ]);
  });
});

describe('events that wait for the listener', () => {
  it('are at most 1000; a transaction with more is rejected, others are not', async () => {
    const gate = newGate();
    listener = () => gate.passed;
    const storage = await load();
    await count(storage, ...Array.from({ length: 999 }, (_, index) => index));
    const full = count(storage, 1, 2);
    await expect(full).rejects.toThrow(LimitError);
    await expect(full).rejects.toThrow(
      /^test\.ua: 1001 events of \d+ bytes would wait for the host's listener: expected at most 1000 events and 4194304 bytes$/,
    );
    await storage.transaction((tx) => tx.put('a', 1));
    await count(storage, 1);
    expect(await onDisk()).toBe(1000);
    gate.open();
    await pass(0);
    expect(heard).toHaveLength(1000);
    await count(storage, 1, 2);
    await pass(0);
    expect(heard).toHaveLength(1002);
  });

  it('are at most 1000 when many transactions run at the same time', async () => {
    listener = () => new Promise(() => {});
    const storage = await load('test.ua', 'parallel');
    const results = await Promise.allSettled(
      Array.from({ length: 1_200 }, (_, index) => count(storage, index)),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1000);
    expect(await onDisk()).toBe(1000);
  });

  it('free their capacity when the transaction is not written', async () => {
    const storage = await load('test.ua', 'parallel');
    const all = Array.from({ length: 1000 }, (_, index) => index);
    vi.spyOn(store, 'batch').mockRejectedValueOnce(new Error('no space left'));
    await expect(count(storage, ...all)).rejects.toThrow('no space left');
    await pass(1_000);
    await count(storage, ...all);
    await pass(0);
    expect(heard).toHaveLength(1000);
  });
});

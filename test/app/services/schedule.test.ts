/** Alarms: durable, delivered when they are due, and retried until they are accepted. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import type { AppSchedule, AppStorage, DueAlarm } from '../../../core/app/contract/services.js';
import type { Transaction } from '../../../core/app/contract/transaction.js';
import { AppUnavailableError } from '../../../core/app/contract/unavailable.js';
import { StoreError } from '../../../core/store/records.js';
import { definePushApp, refuse } from '../../../sdk/index.js';
import { type Bench, newGate, openBench, settled, startBench, stopBench } from '../support.js';

const MINUTE = 60_000;
const START = new Date('2030-01-01T00:00:00Z');

let bench: Bench;
let delivered: { key: string; at: string; data: unknown }[];

beforeEach(async () => {
  delivered = [];
  bench = await startBench({ now: START, random: 1 });
});

afterEach(() => stopBench(bench));

interface AlarmServices {
  schedule: AppSchedule;
  storage: AppStorage;
}

type OnAlarm = (alarm: DueAlarm) => void | Promise<void>;

/** Loads an application that records its alarms. @returns its services. */
async function load(onAlarm: OnAlarm = () => {}, on = bench): Promise<AlarmServices> {
  const started: AlarmServices[] = [];
  const app = definePushApp({
    id: 'test.ua',
    accepts: ['text/plain'],
    delivery: 'direct',
    order: 'parallel',
    needs: ['schedule', 'storage'],
    start({ schedule, storage }) {
      started.push({ schedule, storage });
      return {
        async receive(push) {
          const key = await push.text();
          await push.commit((tx) => tx.setAlarm(key, Date.now() + MINUTE));
        },
        alarm(alarm) {
          delivered.push({ key: alarm.key, at: alarm.at.toISOString().slice(11, 19), data: alarm.data });
          return onAlarm(alarm);
        },
      };
    },
  });
  await on.runtime.load(app);
  const [first] = started;
  if (!first) throw new Error('the application has not started');
  return first;
}

const keys = () => delivered.map(({ key }) => key);
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

describe('an alarm', () => {
  it('is delivered once when it is due', async () => {
    const { schedule } = await load();
    await schedule.at('later', new Date(Date.now() + 2 * MINUTE), { city: 'Ghent' });
    await schedule.at('sooner', Date.now() + MINUTE);
    await pass(MINUTE - 1);
    expect(delivered).toEqual([]);
    await pass(1);
    expect(delivered).toEqual([{ key: 'sooner', at: '00:01:00', data: undefined }]);
    await pass(10 * MINUTE);
    expect(delivered).toEqual([
      { key: 'sooner', at: '00:01:00', data: undefined },
      { key: 'later', at: '00:02:00', data: { city: 'Ghent' } },
    ]);
    expect(await schedule.list()).toEqual([]);
  });

  it('in the past is delivered at once', async () => {
    const { schedule } = await load();
    await schedule.at('now', 0);
    await pass(0);
    expect(keys()).toEqual(['now']);
  });

  it('that is due in a year is delivered then', async () => {
    const { schedule } = await load();
    await schedule.at('far', Date.now() + 365 * 86_400_000);
    await pass(364 * 86_400_000);
    expect(delivered).toEqual([]);
    await pass(2 * 86_400_000);
    expect(keys()).toEqual(['far']);
  });

  it('is replaced when set again, and removed when cancelled', async () => {
    const { schedule } = await load();
    await schedule.at('a', Date.now() + MINUTE, 1);
    await schedule.at('a', Date.now() + 2 * MINUTE, 2);
    await schedule.at('b', Date.now() + MINUTE);
    await schedule.cancel('b');
    await schedule.cancel('never set');
    expect(await schedule.list()).toEqual([{ key: 'a', at: new Date(Date.now() + 2 * MINUTE), data: 2 }]);
    await pass(MINUTE);
    expect(delivered).toEqual([]);
    await pass(MINUTE);
    expect(delivered).toEqual([{ key: 'a', at: '00:02:00', data: 2 }]);
  });

  it('survives the host, and is delivered after the restart if it is overdue', async () => {
    const { schedule } = await load();
    await schedule.at('missed', Date.now() + MINUTE, 'x');
    await schedule.at('to come', Date.now() + 60 * MINUTE);
    await settled(bench.runtime.stop());
    await pass(10 * MINUTE);
    expect(delivered).toEqual([]);
    bench = await bench.restart();
    await load();
    await pass(0);
    expect(delivered).toEqual([]);
    await bench.runtime.start();
    await pass(0);
    expect(delivered).toEqual([{ key: 'missed', at: '00:01:00', data: 'x' }]);
    await pass(60 * MINUTE);
    expect(keys()).toEqual(['missed', 'to come']);
  });

  it('waits for its application, and is delivered to no other', async () => {
    const { schedule } = await load();
    await schedule.at('a', Date.now() + MINUTE);
    await settled(bench.runtime.unload('test.ua'));
    await pass(2 * MINUTE);
    await bench.runtime.load({
      ...definePushApp({
        id: 'other.ua',
        accepts: ['text/plain'],
        needs: ['schedule'],
        start: () => ({ receive() {}, alarm: () => void delivered.push({ key: 'other', at: '', data: 0 }) }),
      }),
    });
    await pass(MINUTE);
    expect(delivered).toEqual([]);
    await load();
    await pass(0);
    expect(keys()).toEqual(['a']);
  });
});

describe('an alarm that is not accepted', () => {
  it('is retried at growing intervals until it is accepted', async () => {
    let failures = 3;
    const { schedule } = await load(() => {
      if (failures-- > 0) throw new Error('no network');
    });
    await schedule.at('a', 0);
    await pass(0);
    expect(delivered).toHaveLength(1);
    expect(bench.logs.at(-1)).toMatchObject({
      level: 'warn',
      app: 'test.ua',
      message: 'alarm "a" will be redelivered in 5 s: no network',
    });
    await pass(5_000);
    expect(delivered).toHaveLength(2);
    await pass(10_000);
    expect(delivered).toHaveLength(3);
    await pass(20_000);
    expect(delivered).toHaveLength(4);
    await pass(3_600_000);
    expect(delivered).toHaveLength(4);
  });

  it('after its commit is logged, and not retried', async () => {
    const { schedule } = await load(async ({ commit }) => {
      await commit();
      throw new Error('a mistake');
    });
    await schedule.at('a', 0);
    await pass(3_600_000);
    expect(delivered).toHaveLength(1);
    expect(bench.logs).toMatchObject([
      {
        level: 'warn',
        app: 'test.ua',
        message: 'alarm "a" was committed, and alarm() threw afterwards: a mistake',
      },
    ]);
  });

  it('waits for the retryAfter of its application', async () => {
    const { schedule } = await load(() => {
      throw refuse('busy', 'the server is busy', { retryAfter: 100 });
    });
    await schedule.at('a', 0);
    await pass(99_000);
    expect(delivered).toHaveLength(1);
    await pass(1_000);
    expect(delivered).toHaveLength(2);
  });

  it('does not count an attempt while the worker is unavailable', async () => {
    const { schedule } = await load(() => {
      if (delivered.length < 4) throw new AppUnavailableError('test.ua', 'it ended', 1);
    });
    await schedule.at('a', 0);
    await pass(15_000);
    expect(delivered).toHaveLength(4);
  });

  it('is aborted at the deadline, and retried', async () => {
    const signals: AbortSignal[] = [];
    const { schedule } = await load((push) => {
      signals.push(push.signal);
      return new Promise(() => {});
    });
    await schedule.at('a', 0);
    await pass(10_000);
    expect(signals[0]?.aborted).toBe(true);
    expect(bench.logs.at(-1)?.message).toContain('alarm() did not end within 10 s (timeout)');
    await pass(5_000);
    expect(signals).toHaveLength(2);
  });

  it('can be cancelled', async () => {
    const { schedule } = await load(() => Promise.reject(new Error('no')));
    await schedule.at('a', 0);
    await pass(0);
    await schedule.cancel('a');
    await pass(3_600_000);
    expect(delivered).toHaveLength(1);
  });

  it('does not delay others, up to four at once', async () => {
    const gate = newGate();
    const { schedule } = await load(({ key }) => (key.startsWith('slow') ? gate.passed : undefined));
    const inOrder = ['slow 1', 'slow 2', 'slow 3', 'quick', 'slow 4', 'waiting'];
    for (const [index, key] of inOrder.entries()) await schedule.at(key, Date.now() + 10 * index + 10);
    await pass(100);
    expect(keys()).toEqual(['slow 1', 'slow 2', 'slow 3', 'quick', 'slow 4']);
    gate.open();
    await pass(0);
    expect(keys()).toEqual(['slow 1', 'slow 2', 'slow 3', 'quick', 'slow 4', 'waiting']);
  });

  it('is aborted with its application, and delivered when that is loaded again', async () => {
    const aborted = vi.fn();
    const { schedule } = await load(
      (push) =>
        new Promise((_resolve, reject) =>
          push.signal.addEventListener('abort', () => {
            aborted();
            reject(push.signal.reason);
          }),
        ),
    );
    await schedule.at('a', 0);
    await pass(0);
    await settled(bench.runtime.unload('test.ua'));
    expect(aborted).toHaveBeenCalledOnce();
    await pass(3_600_000);
    expect(delivered).toHaveLength(1);
    await load();
    await pass(0);
    expect(delivered).toHaveLength(2);
  });
});

describe('an alarm that its application sets again during delivery', () => {
  it('is delivered again at its new time', async () => {
    const { schedule } = await load(({ key }) => schedule.at(key, Date.now() + MINUTE));
    await schedule.at('tick', Date.now() + MINUTE);
    await pass(3 * MINUTE);
    expect(delivered.map(({ at }) => at)).toEqual(['00:01:00', '00:02:00', '00:03:00']);
  });

  it('is delivered again even if the application does not await the write', async () => {
    const { schedule } = await load(({ key }) => {
      if (delivered.length === 1) void schedule.at(key, Date.now() + MINUTE);
    });
    await schedule.at('tick', 0);
    await pass(2 * MINUTE);
    expect(delivered.map(({ at }) => at)).toEqual(['00:00:00', '00:01:00']);
    expect(await schedule.list()).toEqual([]);
  });

  it('is not delivered while the earlier call still runs', async () => {
    const gate = newGate();
    const { schedule } = await load(() => gate.passed);
    await schedule.at('a', 0, 'first');
    await pass(0);
    await schedule.at('a', 0, 'second');
    await pass(0);
    expect(delivered.map(({ data }) => data)).toEqual(['first']);
    gate.open();
    await pass(0);
    expect(delivered.map(({ data }) => data)).toEqual(['first', 'second']);
  });
});

describe('commit', () => {
  it('of a push sets an alarm with it', async () => {
    const { schedule } = await load();
    expect(await bench.push({ text: 'from a push' })).toMatchObject({ accepted: true });
    expect(await schedule.list()).toMatchObject([{ key: 'from a push' }]);
    await pass(MINUTE);
    expect(keys()).toEqual(['from a push']);
  });

  it('of an alarm ends it with its writes, even if the hook throws afterwards', async () => {
    const { schedule, storage } = await load(async (push) => {
      await push.commit((tx) => {
        tx.put('n', 1);
        tx.setAlarm('next', Date.now() + MINUTE);
      });
      throw new Error('too late');
    });
    await schedule.at('a', 0);
    await pass(0);
    expect(await storage.get('n')).toBe(1);
    expect(await schedule.list()).toMatchObject([{ key: 'next' }]);
    await pass(30_000);
    expect(keys()).toEqual(['a']);
  });

  it('of an alarm can set it again', async () => {
    const { schedule } = await load(({ key, commit }) =>
      commit((tx) => tx.setAlarm(key, Date.now() + MINUTE)),
    );
    await schedule.at('tick', 0);
    await pass(2 * MINUTE);
    expect(delivered).toHaveLength(3);
    await settled(bench.runtime.stop());
    bench = await bench.restart();
    expect(await (await load()).schedule.list()).toMatchObject([{ key: 'tick' }]);
  });

  it('ends an alarm once, and only if it was not replaced', async () => {
    const outcomes: string[] = [];
    const again = async (commit: DueAlarm['commit'], write?: (tx: Transaction) => void) =>
      commit(write).then(
        () => outcomes.push('done'),
        (error: Error) => outcomes.push(error.message),
      );
    const { schedule, storage } = await load(async ({ key, commit }) => {
      if (key === 'cancelled') await schedule.cancel(key);
      await Promise.all([again(commit), again(commit, (tx) => tx.put('twice', 1))]);
    });
    await schedule.at('once', 0);
    await pass(0);
    await schedule.at('cancelled', 0);
    await pass(0);
    const ended = (key: string) =>
      `test.ua: alarm "${key}" cannot be committed: it has ended, was cancelled, or was replaced`;
    expect(outcomes).toEqual([ended('once'), 'done', ended('cancelled'), ended('cancelled')]);
    expect(await storage.get('twice')).toBeUndefined();
  });

  it('of a stopped application rejects', async () => {
    const commits: DueAlarm['commit'][] = [];
    const { schedule } = await load((push) => {
      commits.push(push.commit);
      return new Promise(() => {});
    });
    await schedule.at('a', 0);
    await pass(0);
    await settled(bench.runtime.unload('test.ua'));
    await expect(commits[0]?.()).rejects.toThrow(
      'test.ua: alarm "a" cannot be committed: the application was stopped',
    );
    await expect(schedule.list()).rejects.toThrow(
      'test.ua: cannot use the schedule: the application was stopped',
    );
  });

  it('with alarms requires the service schedule', async () => {
    await bench.runtime.load({
      id: 'plain.ua',
      accepts: ['text/plain'],
      delivery: 'direct',
      order: 'parallel',
      start: () => ({ receive: (push) => push.commit((tx) => tx.cancelAlarm('a')) }),
    });
    expect(await bench.push({ id: 'plain.ua' })).toMatchObject({
      reason: expect.stringContaining('plain.ua: add "schedule" to needs to use alarms'),
    });
  });
});

describe('an invalid call', () => {
  it.each<[string, (schedule: AppSchedule) => Promise<void>, string]>([
    ['no key', (schedule) => schedule.at(5 as never, 0), 'alarm key of type number: expected a string'],
    [
      'a long key',
      (schedule) => schedule.at('x'.repeat(513), 0),
      'alarm key of 513 characters: expected at most 512',
    ],
    ['half a character', (schedule) => schedule.cancel('\ud800'), 'alarm key is not well-formed Unicode'],
    [
      'NaN as the time',
      (schedule) => schedule.at('a', Number.NaN),
      'alarm "a": invalid time NaN: expected a Date, or milliseconds since 1970',
    ],
    [
      'an invalid Date',
      (schedule) => schedule.at('a', new Date('someday')),
      'alarm "a": invalid time Invalid Date: expected a Date, or milliseconds since 1970',
    ],
    [
      'data that is not JSON',
      (schedule) => schedule.at('a', 0, () => {}),
      'data of alarm "a", at data, is a function: JSON cannot hold it',
    ],
    [
      'a big integer',
      (schedule) => schedule.at('a', 0, 5n),
      'data of alarm "a", at data, is a bigint: JSON cannot hold it',
    ],
    [
      'too much data',
      (schedule) => schedule.at('a', 0, 'x'.repeat(20_000)),
      'bytes of data: expected at most 16384; put it in storage',
    ],
  ])('is reported with a helpful message: %s', async (_, act, words) => {
    const { schedule } = await load();
    await expect(act(schedule)).rejects.toThrow(words);
    expect(await schedule.list()).toEqual([]);
  });

  it('rejects too many alarms', async () => {
    const small = await openBench({ limits: { alarms: 2 } });
    const { schedule } = await load(() => {}, small);
    const third = Promise.all(['a', 'b', 'c'].map((key) => schedule.at(key, Date.now() + MINUTE)));
    await expect(third).rejects.toThrow('3 alarms: expected at most 2; cancel some first');
    await schedule.at('a', Date.now() + 2 * MINUTE);
    await schedule.cancel('b');
    await schedule.at('c', Date.now() + MINUTE);
    await settled(small.runtime.stop());
  });

  it('rejects an application without the hook alarm', async () => {
    const app: PushAppDefinition = {
      id: 'test.ua',
      accepts: ['text/plain'],
      needs: ['schedule'],
      start: () => ({ receive() {} }),
    };
    await expect(bench.runtime.load(app)).rejects.toThrow(
      'test.ua: needs "schedule", but start() returned no alarm function: expected return { alarm({ key, at, data }) { … }, … }',
    );
  });
});

it('ignores a damaged alarm, and keeps the others', async () => {
  const { schedule } = await load();
  await schedule.at('good', Date.now() + MINUTE);
  await settled(bench.runtime.stop());
  await bench.store.put('push/alarm/1/bad', 'no JSON');
  bench = await bench.restart();
  await load();
  await bench.runtime.start();
  await pass(MINUTE);
  expect(keys()).toEqual(['good']);
  expect(bench.logs).toContainEqual(
    expect.objectContaining({ message: expect.stringContaining('alarm "bad" cannot be read') }),
  );
});

it('an alarm that is damaged while the application runs is a failure of the store', async () => {
  const { schedule } = await load();
  await schedule.at('bad', Date.now() + MINUTE);
  await bench.store.put('push/alarm/1/bad', 'no JSON');
  await expect(schedule.list()).rejects.toBeInstanceOf(StoreError);
});

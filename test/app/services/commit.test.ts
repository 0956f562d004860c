/** `commit`: the end of a push and the application's storage in one write. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ReceivedPush } from '../../../core/app/contract/push.js';
import type { AppStorage } from '../../../core/app/contract/services.js';
import { AppError, ConfigurationError } from '../../../core/errors.js';
import { definePushApp } from '../../../sdk/index.js';
import {
  type Bench,
  newGate,
  openBench,
  type StoreWrite,
  settled,
  startBench,
  stopBench,
  stored,
  testApp,
  UNFINISHED,
} from '../support.js';

const NEVER = new Promise<never>(() => {});

let bench: Bench;

beforeEach(async () => {
  bench = await startBench();
});

afterEach(() => stopBench(bench));

describe.each(['direct', 'durable'] as const)('commit by a %s application', (delivery) => {
  it('writes storage, the done marker and the end of the push in one batch', async () => {
    const batches = vi.spyOn(bench.store, 'batch');
    let storage: AppStorage | undefined;
    await bench.runtime.load(
      definePushApp({
        id: 'test.ua',
        accepts: ['text/plain'],
        needs: ['storage'],
        delivery,
        start(services) {
          storage = services.storage;
          return {
            async receive(push) {
              const bytes = await push.bytes();
              await push.commit((tx) => {
                tx.put('count', 1);
                tx.put('bytes', bytes);
                tx.delete('old');
              });
            },
          };
        },
      }),
    );
    // The first push also writes the state of finished pushes.
    const first = await bench.push();
    batches.mockClear();
    const { pushId } = await bench.push();
    const [operations, options]: unknown[] = batches.mock.lastCall ?? [];
    expect(options).toMatchObject({ sync: true });
    expect(operations).toMatchObject([
      { type: 'put', key: 'push/data/1/count' },
      { type: 'put', key: 'push/data/1/bytes' },
      { type: 'del', key: 'push/data/1/old' },
      { type: 'put', key: `push/finished/000001/${pushId}` },
      ...['entry', 'content'].flatMap((kind) =>
        delivery === 'durable' ? [{ type: 'del', key: `push/${kind}/${pushId}` }] : [],
      ),
    ]);
    expect(await stored(bench.store, ...UNFINISHED, 'finished')).toEqual(
      [first.pushId, pushId].map((id) => `finished/${id}`).sort(),
    );
    // One sync write to accept a durable push, one to end any.
    expect(batches).toHaveBeenCalledTimes(delivery === 'durable' ? 2 : 1);
    expect(await storage?.get('count')).toBe(1);
    expect(await storage?.get('bytes')).toEqual(new TextEncoder().encode('hello'));
  });

  it.each([
    ['throws', () => Promise.reject(new Error('after'))],
    ['never ends', () => NEVER],
  ])('decides, even if receive then %s', async (_, then) => {
    let received = 0;
    await bench.runtime.load(
      testApp(
        async (push) => {
          received++;
          await push.commit();
          await then();
        },
        { delivery },
      ),
    );
    expect(await bench.push({ key: 'once' })).toMatchObject({ accepted: true });
    await vi.advanceTimersByTimeAsync(3_000_000);
    expect(await bench.push({ key: 'once' })).toMatchObject({ accepted: true });
    expect(received).toBe(1);
  });

  it('works once: a second call rejects, concurrent or not', async () => {
    const errors: unknown[] = [];
    await bench.runtime.load(
      testApp(
        async (push) => {
          const first = push.commit();
          await push.commit().catch((error: unknown) => errors.push(error));
          await first;
          await push.commit().catch((error: unknown) => errors.push(error));
        },
        { delivery },
      ),
    );
    expect(await bench.push()).toMatchObject({ accepted: true });
    await vi.advanceTimersByTimeAsync(0);
    expect(errors).toHaveLength(2);
    for (const error of errors) expect(error).toBeInstanceOf(AppError);
    expect(String(errors[1])).toContain('was accepted before: commit finishes a push once');
  });

  it('can be retried after invalid operations', async () => {
    const errors: unknown[] = [];
    await bench.runtime.load(
      testApp(
        async (push) => {
          await push.commit((tx) => tx.put('x', () => {})).catch((error) => errors.push(error));
          await push.commit((tx) => tx.put('x', 1n)).catch((error) => errors.push(error));
          await push.commit((tx) => tx.put('x'.repeat(513), 1)).catch((error) => errors.push(error));
          await push.commit((tx) => tx.put('\ud800', 1)).catch((error) => errors.push(error));
          await push.commit();
        },
        { delivery },
      ),
    );
    expect(await bench.push()).toMatchObject({ accepted: true });
    expect(errors.map(String)).toEqual([
      expect.stringContaining('storage value for "x" is a function: expected JSON or a Uint8Array'),
      expect.stringContaining('storage value for "x" is a bigint: JSON cannot hold it'),
      expect.stringContaining('storage key of 513 characters: expected at most 512'),
      expect.stringContaining('not well-formed Unicode'),
    ]);
    expect(errors[0]).toBeInstanceOf(ConfigurationError);
  });

  it('takes effect even if the application does not await it, and so does its failure', async () => {
    let fails = false;
    await bench.runtime.load(testApp((push) => void push.commit(), { delivery }));
    expect(await bench.push()).toMatchObject({ accepted: true });
    const batch = bench.store.batch.bind(bench.store);
    vi.spyOn(bench.store, 'batch').mockImplementation((...args: unknown[]) => {
      const [operations] = args as [StoreWrite[]];
      if (fails && operations.some(({ key }) => key.startsWith('push/finished/'))) {
        return Promise.reject(new Error('disk full'));
      }
      return Reflect.apply(batch, undefined, args);
    });
    fails = true;
    const outcome = await bench.push();
    if (delivery === 'direct') {
      expect(outcome).toMatchObject({ accepted: false, kind: 'resources', retryAfter: 60 });
      expect(outcome).toHaveProperty('reason', expect.stringContaining('disk full'));
    } else {
      expect(outcome).toMatchObject({ accepted: true });
      fails = false;
      await vi.advanceTimersByTimeAsync(60_000);
      expect(await stored(bench.store, 'received')).toEqual([]);
    }
  });
});

it('the callbacks of afterCommit run before an alarm of the same transaction that is due at once', async () => {
  const steps: string[] = [];
  await bench.runtime.load(
    testApp(() => {}, {
      delivery: 'durable',
      needs: ['schedule'],
      start: () => ({
        receive: (push) =>
          push.commit((tx) => {
            tx.setAlarm('now', 0);
            tx.afterCommit(() => void steps.push('afterCommit'));
          }),
        alarm: () => void steps.push('alarm'),
      }),
    }),
  );
  await settled(bench.push());
  await vi.waitFor(() => expect(steps).toEqual(['afterCommit', 'alarm']));
});

describe('a late commit', () => {
  it('of a direct application rejects, because the sender already received the failure', async () => {
    let late: Promise<unknown> | undefined;
    const gate = newGate();
    await bench.runtime.load(
      testApp(async (push) => {
        await gate.passed;
        late = push.commit().catch((error: unknown) => error);
        await late;
      }),
    );
    const outcome = bench.push();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await outcome).toMatchObject({ accepted: false, kind: 'failed' });
    gate.open();
    await vi.advanceTimersByTimeAsync(0);
    const error = await late;
    expect(error).toBeInstanceOf(AppError);
    expect(String(error)).toContain('its sender was answered that it is refused');
    expect(await stored(bench.store, 'finished')).toEqual([]);
  });

  it('of a direct application that has thrown rejects', async () => {
    let received: ReceivedPush | undefined;
    await bench.runtime.load(
      testApp((push) => {
        received = push;
        throw new Error('no');
      }),
    );
    await bench.push();
    await expect(received?.commit()).rejects.toThrow(AppError);
  });

  it('of a durable application takes effect: the push is not redelivered', async () => {
    const gate = newGate();
    let received = 0;
    await bench.runtime.load(
      testApp(
        async (push) => {
          received++;
          await gate.passed;
          await push.commit((tx) => tx.put('n', received));
        },
        { delivery: 'durable' },
      ),
    );
    const outcome = bench.push();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await outcome).toMatchObject({ accepted: true });
    gate.open();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(received).toBe(1);
    expect(await stored(bench.store, 'received')).toEqual([]);
  });

  it('takes effect for one of two concurrent deliveries, and rejects for the other', async () => {
    const gate = newGate();
    const results: unknown[] = [];
    await bench.runtime.load(
      testApp(
        async (push) => {
          if (push.attempt === 1) await gate.passed;
          await push
            .commit((tx) => tx.put('by', push.attempt))
            .then(
              () => results.push(push.attempt),
              (error: unknown) => results.push(error),
            );
        },
        { delivery: 'durable' },
      ),
    );
    const outcome = bench.push();
    await vi.advanceTimersByTimeAsync(15_000);
    await outcome;
    expect(results).toEqual([2]);
    gate.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(results[1]).toBeInstanceOf(AppError);
    expect(await bench.store.get('push/data/1/by')).toBe('{2');
  });

  it('ends a push that has become a dead letter', async () => {
    await settled(bench.runtime.stop());
    bench = await openBench({ limits: { attempts: 1 } });
    await bench.runtime.start();
    const gate = newGate();
    await bench.runtime.load(
      testApp(
        async (push) => {
          await gate.passed;
          await push.commit();
        },
        { delivery: 'durable' },
      ),
    );
    const outcome = bench.push();
    await vi.advanceTimersByTimeAsync(10_000);
    const { pushId } = await outcome;
    expect(await bench.runtime.deadLetters()).toMatchObject([{ id: pushId }]);
    gate.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(await bench.runtime.deadLetters()).toEqual([]);
    expect(await stored(bench.store, 'content')).toEqual([]);
  });

  it('of a stopped application rejects', async () => {
    let received: ReceivedPush | undefined;
    await bench.runtime.load(
      testApp(
        (push) => {
          received = push;
          return NEVER;
        },
        { delivery: 'durable' },
      ),
    );
    const outcome = bench.push();
    await vi.advanceTimersByTimeAsync(0);
    await settled(bench.runtime.unload('test.ua'));
    expect(await outcome).toMatchObject({ accepted: true });
    await expect(received?.commit()).rejects.toThrow('the application was stopped');
  });
});

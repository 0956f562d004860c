/** Transactions: what they collect, their order, and their limits. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ReceivedPush } from '../../../core/app/contract/push.js';
import type { Order } from '../../../core/app/contract/push-app.js';
import type { AppStorage } from '../../../core/app/contract/services.js';
import type { Transaction } from '../../../core/app/contract/transaction.js';
import { AppError, ConfigurationError, LimitError } from '../../../core/errors.js';
import { definePushApp } from '../../../sdk/index.js';
import { type Bench, newGate, settled, startBench, stopBench, stored } from '../support.js';

let bench: Bench;

beforeEach(async () => {
  bench = await startBench();
});

afterEach(async () => {
  await stopBench(bench);
  await bench.store.close();
});

type Receive = (push: ReceivedPush<{ counted: true }>, storage: AppStorage) => void | Promise<void>;

/** Loads an application that emits `counted`. @returns its storage. */
async function load(receive: Receive = () => {}, order: Order = 'serial'): Promise<AppStorage> {
  const started: AppStorage[] = [];
  await bench.runtime.load(
    definePushApp({
      id: 'test.ua',
      accepts: ['text/plain'],
      needs: ['storage', 'log'],
      order,
      events: { counted: true },
      start({ storage }) {
        started.push(storage as AppStorage);
        return { receive: (push) => receive(push, storage as AppStorage) };
      },
    }),
  );
  const [storage] = started;
  if (!storage) throw new Error('the application has not started');
  return storage;
}

const keys = () => stored(bench.store, 'data', 'event');
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

describe('a transaction', () => {
  it('writes what a synchronous or an asynchronous callback adds, and returns its result', async () => {
    const storage = await load();
    const first = storage.transaction((tx) => {
      tx.put('a', 1);
      return 'sync';
    });
    expect(await first).toBe('sync');
    const result = storage.transaction(async (tx) => {
      tx.delete('a');
      tx.put('b', await storage.get('a'));
      return 'async';
    });
    expect(await result).toBe('async');
    expect([await storage.get('a'), await storage.get('b')]).toEqual([undefined, 1]);
    expect(await storage.transaction(() => {})).toBeUndefined();
  });

  it('copies values and fields at once', async () => {
    const storage = await load();
    const value = { list: [1] };
    const bytes = new Uint8Array([1]);
    await storage.transaction((tx) => {
      tx.put('value', value);
      tx.put('bytes', bytes);
      tx.emit('counted', value);
      value.list.push(2);
      bytes[0] = 2;
    });
    expect(await storage.get('value')).toEqual({ list: [1] });
    expect(await storage.get('bytes')).toEqual(new Uint8Array([1]));
    expect(bench.events).toMatchObject([{ list: [1] }]);
  });

  it.each(['serial', 'parallel'] as const)(
    'with order %s, counts 50 pushes at once when its callback reads and writes',
    async (order) => {
      const storage = await load(
        (push, own) =>
          push.commit(async (tx) => {
            const count = Number((await own.get('count')) ?? 0) + 1;
            tx.put('count', count);
            tx.emit('counted', { count });
          }),
        order,
      );
      const outcomes = await settled(Promise.all(Array.from({ length: 50 }, () => bench.push())));
      expect(outcomes.every(({ accepted }) => accepted)).toBe(true);
      expect(await storage.get('count')).toBe(50);
      await pass(0);
      expect(bench.events.map(({ count }) => count)).toEqual(
        Array.from({ length: 50 }, (_, index) => index + 1),
      );
    },
  );

  it('with order serial, runs alone even if its callback is synchronous', async () => {
    const storage = await load();
    let count = 0;
    const increment = () =>
      storage.transaction((tx) => {
        const next = count + 1;
        tx.put('count', next);
        tx.afterCommit(() => {
          count = next;
        });
      });
    await Promise.all(Array.from({ length: 20 }, increment));
    expect([count, await storage.get('count')]).toEqual([20, 20]);
  });

  it('with order parallel, is written at the same time as others if its callback is synchronous', async () => {
    const storage = await load(() => {}, 'parallel');
    const batches = vi.spyOn(bench.store, 'batch');
    await Promise.all([1, 2, 3].map((index) => storage.transaction((tx) => tx.put(`k${index}`, index))));
    expect(batches).toHaveBeenCalledOnce();
  });

  it('with order parallel, sees the synchronous transactions before it', async () => {
    const storage = await load(() => {}, 'parallel');
    const gate = newGate();
    const batch = bench.store.batch.bind(bench.store);
    const slow = async (...args: unknown[]) => {
      await gate.passed;
      await Reflect.apply(batch, undefined, args);
    };
    vi.spyOn(bench.store, 'batch').mockImplementationOnce(slow as never);
    const first = storage.transaction((tx) => tx.put('count', 10));
    const second = storage.transaction(async (tx) => {
      tx.put('count', Number(await storage.get('count')) + 1);
    });
    const third = storage.transaction((tx) => tx.put('last', true));
    await pass(0);
    gate.open();
    await Promise.all([first, second, third]);
    expect(await storage.get('count')).toBe(11);
  });

  it('makes the next transaction wait until it is written', async () => {
    const storage = await load(() => {}, 'parallel');
    const gate = newGate();
    const order: string[] = [];
    const first = storage.transaction(async (tx) => {
      order.push('first begins');
      await gate.passed;
      tx.put('a', 1);
      tx.afterCommit(() => order.push('first is written'));
    });
    const second = storage.transaction((tx) => {
      order.push('second begins');
      tx.put('a', 2);
    });
    await pass(0);
    expect(order).toEqual(['first begins']);
    gate.open();
    await Promise.all([first, second]);
    expect(order).toEqual(['first begins', 'first is written', 'second begins']);
    expect(await storage.get('a')).toBe(2);
  });
});

describe('a transaction that starts in the callback of another transaction', () => {
  it.each(['serial', 'parallel'] as const)(
    'with order %s, begins after the outer transaction is written',
    async (order) => {
      const storage = await load(() => {}, order);
      const gate = newGate();
      const increment = async (tx: Pick<Transaction, 'put'>) =>
        tx.put('count', Number((await storage.get('count')) ?? 0) + 1);
      let inner: Promise<void> | undefined;
      const outer = storage.transaction(async (tx) => {
        inner = storage.transaction(increment);
        await gate.passed;
        await increment(tx);
      });
      const other = storage.transaction(increment);
      await pass(0);
      expect(await keys()).toEqual([]);
      gate.open();
      await Promise.all([outer, inner, other]);
      expect(await storage.get('count')).toBe(3);
    },
  );

  it('ends the outer transaction after 30 seconds if that waits for it', async () => {
    const storage = await load();
    const outer = storage.transaction(async (tx) => {
      tx.put('outer', 1);
      await storage.transaction((inner) => inner.put('inner', 1));
    });
    await pass(30_000);
    await expect(outer).rejects.toThrow('did not end within 30 s; other transactions wait for it');
    expect(await keys()).toEqual(['data/1/inner']);
  });
});

describe('a transaction whose callback fails', () => {
  it.each<[string, (tx: Transaction) => unknown]>([
    [
      'throws',
      () => {
        throw new RangeError('no');
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('no'))],
    [
      'throws in a nested function',
      (tx) => {
        const nested = () => {
          tx.emit('counted');
          throw new RangeError('no');
        };
        nested();
      },
    ],
  ])('that %s writes nothing, and does not block the next one', async (_, fail) => {
    const storage = await load();
    const after = vi.fn();
    const failing = storage.transaction((tx) => {
      tx.put('a', 1);
      tx.emit('counted');
      tx.afterCommit(after);
      return fail(tx as Transaction);
    });
    await expect(failing).rejects.toThrow(RangeError);
    expect(await keys()).toEqual([]);
    expect(after).not.toHaveBeenCalled();
    await storage.transaction((tx) => tx.put('b', 1));
    expect(await keys()).toEqual(['data/1/b']);
  });

  it('does not end its push, which the application can commit again', async () => {
    const problems: unknown[] = [];
    await load(async (push) => {
      await push
        .commit((tx) => {
          tx.put('a', 1);
          throw new Error('not so');
        })
        .catch((error: unknown) => problems.push(error));
      await push.commit((tx) => tx.put('b', 1));
    });
    expect(await bench.push()).toMatchObject({ accepted: true });
    expect(problems).toMatchObject([{ message: 'not so' }]);
    expect(await keys()).toEqual(['data/1/b']);
  });

  it('is rejected when its write fails', async () => {
    const storage = await load();
    const after = vi.fn();
    vi.spyOn(bench.store, 'batch').mockRejectedValueOnce(new Error('disk full'));
    const failing = storage.transaction((tx) => {
      tx.put('a', 1);
      tx.emit('counted');
      tx.afterCommit(after);
    });
    await expect(failing).rejects.toThrow('disk full');
    await pass(0);
    expect([await keys(), bench.events, after.mock.calls]).toEqual([[], [], []]);
  });

  it('is rejected after 30 seconds, and the next transaction runs', async () => {
    const storage = await load();
    let kept: Transaction | undefined;
    const late = storage.transaction((tx) => {
      kept = tx as Transaction;
      tx.put('a', 1);
      return new Promise<void>(() => {});
    });
    const next = storage.transaction((tx) => tx.put('b', 1));
    await pass(29_999);
    expect(await keys()).toEqual([]);
    await pass(1);
    await expect(late).rejects.toThrow(AppError);
    await expect(late).rejects.toThrow(
      'test.ua: the callback of a transaction did not end within 30 s; other transactions wait for it',
    );
    await next;
    expect(await keys()).toEqual(['data/1/b']);
    expect(() => kept?.put('c', 1)).toThrow('the transaction is closed');
  });
});

describe('afterCommit', () => {
  it('runs its callbacks in order after the write, before commit resolves', async () => {
    const order: string[] = [];
    await load(async (push) => {
      await push.commit((tx) => {
        tx.put('a', 1);
        tx.afterCommit(() => order.push('one'));
        tx.afterCommit(() => order.push('two'));
      });
      order.push('committed');
    });
    const batch = bench.store.batch.bind(bench.store);
    const writing = async (...args: unknown[]) => {
      await Reflect.apply(batch, undefined, args);
      order.push('written');
    };
    vi.spyOn(bench.store, 'batch').mockImplementation(writing as never);
    await bench.push();
    await pass(0);
    expect(order.slice(0, 5)).toEqual(['written', 'written', 'one', 'two', 'committed']);
  });

  it('logs a callback that throws; the commit takes effect', async () => {
    const storage = await load((push) =>
      push.commit((tx) => {
        tx.put('a', 1);
        tx.afterCommit(() => {
          throw new Error('no memory');
        });
        tx.afterCommit(() => tx.put('b', 1));
      }),
    );
    expect(await bench.push()).toMatchObject({ accepted: true });
    expect(await storage.get('a')).toBe(1);
    expect(bench.logs.map(({ app, message }) => [app, message])).toEqual([
      ['test.ua', 'a callback of afterCommit threw: no memory'],
      [
        'test.ua',
        expect.stringContaining('a callback of afterCommit threw: test.ua: the transaction is closed'),
      ],
    ]);
  });
});

it.each(['serial', 'parallel'] as const)(
  'with order %s, transactions run in the order of the calls',
  async (order) => {
    const storage = await load(() => {}, order);
    const ran: number[] = [];
    const run = (number: number) => storage.transaction(async () => void ran.push(number));
    const late: Promise<void>[] = [];
    const first = storage.transaction(async (tx) => {
      late.push(run(4));
      tx.afterCommit(() => late.push(run(5)));
      await undefined;
    });
    await Promise.all([first, run(1), storage.transaction(() => void ran.push(2)), run(3)]);
    await Promise.all(late);
    expect(ran).toEqual([4, 1, 2, 3, 5]);
  },
);

it.each(['serial', 'parallel'] as const)('with order %s, a callback can return a thenable', async (order) => {
  const storage = await load(() => {}, order);
  const result = storage.transaction((tx): Promise<string> => {
    // biome-ignore lint/suspicious/noThenProperty: query builders are thenables
    const thenable = { then: (resolve: (value: string) => void) => setTimeout(() => resolve(add()), 10) };
    const add = () => {
      tx.put('a', 1);
      return 'done';
    };
    return thenable as never;
  });
  await pass(10);
  expect(await result).toBe('done');
  expect(await keys()).toEqual(['data/1/a']);
});

describe('a closed transaction', () => {
  it('rejects every operation with advice', async () => {
    const storage = await load();
    let kept: Transaction | undefined;
    await storage.transaction((tx) => {
      kept = tx as Transaction;
    });
    const calls = [
      () => kept?.put('a', 1),
      () => kept?.delete('a'),
      () => kept?.emit('counted'),
      () => kept?.afterCommit(() => {}),
    ];
    for (const call of calls) {
      expect(call).toThrow(AppError);
      expect(call).toThrow('the transaction is closed: its callback has ended, so await what it does in it');
    }
    expect(await keys()).toEqual([]);
  });
});

describe('the limits of a transaction', () => {
  it('are 1000 operations', async () => {
    const storage = await load();
    const put = (count: number) =>
      storage.transaction((tx) => {
        for (let index = 0; index < count; index++) tx.put(`k${index}`, index);
      });
    await expect(put(1001)).rejects.toThrow(LimitError);
    await expect(put(1001)).rejects.toThrow('more than 1000 operations in one transaction: use several');
    expect(await keys()).toEqual([]);
    await put(1000);
    expect(await keys()).toHaveLength(1000);
  });

  it('are 16 MiB', async () => {
    const storage = await load();
    const bytes = new Uint8Array(4 * 1024 * 1024);
    const failing = storage.transaction((tx) => {
      for (let index = 0; index < 4; index++) tx.put(`k${index}`, bytes);
    });
    await expect(failing).rejects.toThrow(LimitError);
    await expect(failing).rejects.toThrow('bytes in one transaction: use several');
    expect(await keys()).toEqual([]);
  });

  it('are 4 MiB of events that wait for the listener of the host', async () => {
    const storage = await load();
    const text = 'x'.repeat(1024 * 1024);
    const failing = storage.transaction((tx) => {
      for (let index = 0; index < 5; index++) tx.emit('counted', { text });
    });
    await expect(failing).rejects.toThrow(LimitError);
    await expect(failing).rejects.toThrow('in one transaction: expected at most 1000 events');
    await pass(0);
    expect([await keys(), bench.events]).toEqual([[], []]);
  });
});

describe('commit', () => {
  it.each([[[{ type: 'put', key: 'a', value: 1 }]], ['text'], [null], [{}]])(
    'rejects %j, which is not a function, with an example',
    async (argument) => {
      const problems: unknown[] = [];
      await load(async (push) => {
        await push.commit(argument as never).catch((error: unknown) => problems.push(error));
      });
      await bench.push();
      expect(problems[0]).toBeInstanceOf(ConfigurationError);
      expect(String(problems[0])).toContain(
        "expected a function, as in commit((tx) => tx.put('key', value))",
      );
    },
  );

  it.each(['serial', 'parallel'] as const)(
    'with order %s, rejects a commit of the same push in its callback',
    async (order) => {
      const problems: unknown[] = [];
      const storage = await load(
        (push) =>
          push.commit((tx) => {
            push.commit((inner) => inner.put('inner', 1)).catch((error: unknown) => problems.push(error));
            tx.put('outer', 1);
          }),
        order,
      );
      expect(await settled(bench.push())).toMatchObject({ accepted: true });
      await pass(60_000);
      expect(problems).toMatchObject([{ message: expect.stringContaining('is being committed') }]);
      expect([await storage.get('outer'), await storage.get('inner')]).toEqual([1, undefined]);
    },
  );
});

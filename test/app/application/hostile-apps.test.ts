/** An application that misbehaves affects only its own pushes. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PushAppInstance } from '../../../core/app/contract/push-app.js';
import { MalformedError, PushRefused } from '../../../core/errors.js';
import { definePushApp } from '../../../sdk/index.js';
import { type Bench, startBench, stopBench, testApp } from '../support.js';

let bench: Bench;
const unhandled: unknown[] = [];
const record = (error: unknown) => void unhandled.push(error);

beforeEach(async () => {
  bench = await startBench();
  process.on('unhandledRejection', record);
});

afterEach(async () => {
  await stopBench(bench);
  // Unhandled rejections are reported after a turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', record);
  expect(unhandled.splice(0)).toEqual([]);
});

const trap = new Proxy(
  {},
  {
    get() {
      throw new Error('trap');
    },
    getPrototypeOf() {
      throw new Error('trap');
    },
    has() {
      throw new Error('trap');
    },
  },
);

const withoutMessage = Object.defineProperty(new PushRefused('forbidden', 'x'), 'message', {
  get() {
    throw new Error('no message');
  },
});

const THROWN: [string, unknown, string][] = [
  ['undefined', undefined, 'undefined'],
  ['null', null, 'null'],
  ['a string', 'text', 'text'],
  ['a symbol', Symbol('s'), 'Symbol(s)'],
  ['an object without a prototype', Object.create(null), 'a value without text was thrown'],
  ['a proxy that throws', trap, 'a value without text was thrown'],
  ['an error without a message', new TypeError(), 'TypeError'],
  ['a refusal of an unknown kind', new PushRefused('toString' as 'failed', 'x'), 'x'],
  ['a refusal whose message throws', withoutMessage, 'a value without text was thrown'],
  ['a very long message', new Error('x'.repeat(10_000)), `${'x'.repeat(500)}`],
];

it('logs the stack of what receive throws, but not of a refusal or malformed content, which the event reports', async () => {
  const traces = () => bench.logs.filter(({ level }) => level === 'debug');
  await bench.runtime.load(
    testApp(({ from }) => {
      if (from === 'sip:b@b') throw new MalformedError('line 1: expected <si>');
      throw from === 'sip:a@b' ? new PushRefused('type', 'x') : new Error('a mistake');
    }),
  );
  await bench.push({ from: 'sip:a@b' });
  await bench.push({ from: 'sip:b@b' });
  expect(traces()).toEqual([]);
  const { pushId } = await bench.push();
  expect(traces()).toEqual([
    {
      level: 'debug',
      app: 'test.ua',
      message: expect.stringMatching(
        new RegExp(`^push ${pushId}: receive threw: Error: a mistake\\n    at .*hostile-apps`),
      ),
      push: pushId,
      error: new Error('a mistake'),
    },
  ]);
});

describe.each(['throw', 'reject'] as const)('receive may %s', (way) => {
  it.each(THROWN)('%s', async (_, thrown, words) => {
    const receive = (): Promise<void> => {
      if (way === 'reject') return Promise.reject(thrown);
      throw thrown;
    };
    await bench.runtime.load(testApp(receive));
    await bench.runtime.load(testApp(receive, { id: 'durable.ua', delivery: 'durable' }));
    const outcome = await bench.push();
    expect(outcome).toMatchObject({ accepted: false, kind: expect.stringMatching(/^(failed|forbidden)$/) });
    expect(outcome).toHaveProperty('reason', expect.stringContaining(words));
    const isRefusal = thrown === withoutMessage;
    expect(await bench.push({ id: 'durable.ua' })).toMatchObject({ accepted: !isRefusal });
  });
});

it.each(THROWN)('alarm may throw %s, and is called again', async (_, thrown, words) => {
  let calls = 0;
  await bench.runtime.load(
    definePushApp({
      id: 'alarm.ua',
      accepts: ['text/plain'],
      needs: ['schedule'],
      async start({ schedule }) {
        await schedule.at('one', 0);
        return {
          receive() {},
          alarm() {
            if (calls++ === 0) throw thrown;
          },
        };
      },
    }),
  );
  await vi.advanceTimersByTimeAsync(60_000);
  expect(calls).toBe(2);
  expect(bench.logs).toMatchObject([{ level: 'warn', message: expect.stringContaining(words) }]);
});

/** A thenable whose `then`, or the reading of it, throws. */
const badThenable = (then: PropertyDescriptor) => Object.defineProperty({}, 'then', then) as Promise<void>;
const fails = () => {
  throw new Error('then');
};

describe('receive may be', () => {
  it.each<[string, () => PushAppInstance]>([
    ['a getter that throws later', instanceWithGetter],
    [
      'a function that returns a thenable that throws',
      () => ({ receive: () => badThenable({ value: fails }) }),
    ],
    [
      'a function that returns an object whose then throws',
      () => ({ receive: () => badThenable({ get: fails }) }),
    ],
  ])('%s', async (_, start) => {
    await bench.runtime.load(testApp(() => {}, { start }));
    expect(await bench.push()).toMatchObject({ accepted: false, kind: 'failed' });
  });
});

function instanceWithGetter(): PushAppInstance {
  let reads = 0;
  return {
    get receive(): PushAppInstance['receive'] {
      if (reads++ > 0) throw new Error('getter');
      return () => {
        throw new Error('receive');
      };
    },
  };
}

it('ignores an invalid retryAfter, and limits it to a day', async () => {
  let retryAfter: number | undefined;
  await bench.runtime.load(
    testApp(() => {
      throw new PushRefused('busy', 'x', { retryAfter });
    }),
  );
  for (const [thrown, expected] of [
    [Number.NaN, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    [-5, 0],
    [1e9, 86_400],
  ] as const) {
    retryAfter = thrown;
    const outcome = await bench.push();
    expect('retryAfter' in outcome ? outcome.retryAfter : undefined).toBe(expected);
  }
});

it('an unhandled rejection does not end the process', async () => {
  await bench.runtime.load(
    definePushApp({
      id: 'test.ua',
      accepts: ['text/plain'],
      needs: ['storage'],
      start: ({ storage }) => ({
        async receive(push) {
          await push.commit();
          void push.commit();
          void storage.put('x', undefined);
          void storage.delete('x'.repeat(600));
          void storage.get('\udc00');
        },
      }),
    }),
  );
  expect(await bench.push()).toMatchObject({ accepted: true });
  await vi.advanceTimersByTimeAsync(0);
});

it('a slow, a broken and a stopped application affect only their own pushes', async () => {
  const never = new Promise<never>(() => {});
  await bench.runtime.load(testApp(() => never, { id: 'dead.ua', delivery: 'durable' }));
  await bench.runtime.load(
    testApp(
      () => {
        throw new Error('broken');
      },
      { id: 'broken.ua' },
    ),
  );
  await bench.runtime.load(testApp(() => {}));
  const others = Array.from({ length: 200 }, (_, index) =>
    bench.push({ id: index % 2 ? 'dead.ua' : 'broken.ua' }),
  );
  for (let count = 0; count < 100; count++) expect(await bench.push()).toMatchObject({ accepted: true });
  await vi.advanceTimersByTimeAsync(15_000);
  await Promise.all(others);
});

it('an application cannot change what others receive', async () => {
  await bench.runtime.load(
    testApp((push) => {
      Object.assign(push, { from: 'sip:evil@d' });
    }),
  );
  expect(await bench.push()).toMatchObject({ accepted: false, kind: 'failed' });
});

it('an order function and a callback of afterCommit can reject', async () => {
  await bench.runtime.load({
    ...testApp(async (push) => {
      await push.commit((tx) => tx.afterCommit((() => Promise.reject(new Error('callback'))) as () => void));
    }),
    order: (() => Promise.reject(new Error('order'))) as never,
  });
  expect(await bench.push()).toMatchObject({ accepted: true });
  expect(bench.logs.map(({ message }) => message)).toEqual([
    expect.stringContaining('order() failed: it returned a value of type object: expected a string'),
    'a callback of afterCommit threw: callback',
  ]);
});

it.each<[string, unknown]>([
  ['whose id throws', Object.defineProperty({}, 'id', { enumerable: true, get: () => trap.constructor })],
  ['whose id has no text', { id: Object.create(null) }],
  ['that is a proxy that throws', trap],
  ['that is null', null],
])('an optional application %s does not keep the others from loading', async (_, definition) => {
  const hostile = { definition: definition as never, optional: true };
  await bench.runtime.loadAll([hostile, { definition: testApp(() => {}) }]);
  expect(await bench.push()).toMatchObject({ accepted: true });
  expect(bench.logs).toMatchObject([{ level: 'warn', message: expect.stringContaining('is left out') }]);
});

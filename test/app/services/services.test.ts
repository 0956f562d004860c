/** Events, log lines and descriptions of an application. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PushDescription } from '../../../core/app/contract/push.js';
import { PushRuntime } from '../../../core/app/index.js';
import { definePushApp } from '../../../sdk/index.js';
import { type Bench, openBench, stored, testApp } from '../support.js';

const ACCEPTS = { id: 'test.ua', accepts: ['text/plain'] } as const;

let bench: Bench;

beforeEach(async () => {
  vi.useFakeTimers();
  bench = await openBench();
});

afterEach(async () => {
  await bench.runtime.stop();
  vi.useRealTimers();
});

describe('emit', () => {
  it('notifies the host at once, with an id for each event', async () => {
    await bench.runtime.load(
      definePushApp({
        ...ACCEPTS,
        events: { notification: true, bare: true },
        start: ({ emit }) => ({
          receive() {
            emit('notification', { transactionId: 't' });
            emit('bare');
            expect(bench.events).toHaveLength(2);
          },
        }),
      }),
    );
    expect(await bench.push()).toMatchObject({ accepted: true });
    const id = expect.stringMatching(/^[0-9a-f]{32}$/);
    expect(bench.events).toEqual([
      { id, app: 'test.ua', kind: 'notification', transactionId: 't' },
      { id, app: 'test.ua', kind: 'bare' },
    ]);
    expect(bench.events[0]?.id).not.toBe(bench.events[1]?.id);
    expect(await stored(bench.store, 'event')).toEqual([]);
  });

  it('is ignored for a stopped application', async () => {
    const emits: ((kind: 'late') => void)[] = [];
    await bench.runtime.load(
      definePushApp({
        ...ACCEPTS,
        events: { late: true },
        start({ emit }) {
          emits.push(emit);
          return { receive() {} };
        },
      }),
    );
    await bench.runtime.unload('test.ua');
    for (const emit of emits) emit('late');
    expect(bench.events).toEqual([]);
  });

  it("does not pass an error thrown by the host's listener to the application", async () => {
    const lines: string[] = [];
    const runtime = await PushRuntime.open({
      store: bench.store,
      emit: () => {
        throw new Error('no listener');
      },
      log({ message }) {
        lines.push(message);
        throw new Error('no log');
      },
    });
    await runtime.load(
      definePushApp({
        id: 'x.ua',
        accepts: ['text/plain'],
        events: { started: true },
        needs: ['log'],
        start({ emit, log }) {
          log.info('starting');
          emit('started');
          return { receive() {} };
        },
      }),
    );
    expect(lines).toEqual([
      'starting',
      expect.stringMatching(/^event "started" [0-9a-f]{32}: the host's listener failed: no listener$/),
    ]);
    await runtime.stop();
  });
});

describe('log', () => {
  it('has the application and the level', async () => {
    await bench.runtime.load(
      definePushApp({
        id: 'test.ua',
        accepts: ['text/plain'],
        needs: ['log'],
        start({ log: { debug, info, warn, error } }) {
          debug('d');
          info('i');
          warn('w');
          error('x'.repeat(5000));
          return { receive() {} };
        },
      }),
    );
    expect(bench.logs).toEqual([
      { level: 'debug', app: 'test.ua', message: 'd' },
      { level: 'info', app: 'test.ua', message: 'i' },
      { level: 'warn', app: 'test.ua', message: 'w' },
      { level: 'error', app: 'test.ua', message: 'x'.repeat(4096) },
    ]);
  });
});

describe('describe', () => {
  const fallback = {
    title: 'Push for test.ua',
    text: 'text/plain, 5 bytes',
    fields: { from: 'sip:psa@domain.test', to: 'sip:bob@domain.test' },
  };

  async function describing(describe: () => unknown, receive = () => {}) {
    await bench.runtime.load(
      testApp(receive, { start: () => ({ receive, describe: describe as () => PushDescription }) }),
    );
    const { pushId = '' } = await bench.push();
    const description = bench.runtime.describe(pushId);
    await vi.advanceTimersByTimeAsync(2_000);
    return description;
  }

  it('returns what the application returns', async () => {
    const words = { title: 'Hello', text: 'World', fields: { size: '5' } };
    expect(await describing(() => Promise.resolve(words))).toEqual(words);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('x');
      },
    ],
    ['never answers', () => new Promise(() => {})],
    ['returns nothing', () => undefined],
    ['returns text', () => 'text'],
    ['returns a title that is not text', () => ({ title: 5 })],
    [
      'returns an object whose property throws',
      () => ({
        title: 'x',
        get text() {
          throw new Error('x');
        },
      }),
    ],
    ['returns a value that has no text', () => ({ title: 'x', fields: { a: Object.create(null) } })],
  ])('that %s is replaced by a default', async (_, describe) => {
    expect(await describing(describe)).toEqual(fallback);
  });

  it('is limited to what a page shows', async () => {
    const fields = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`f${index}`, index]));
    const described = await describing(() => ({ title: 'x'.repeat(300), text: 5, fields }));
    expect(described?.title).toHaveLength(200);
    expect(described?.text).toBeUndefined();
    expect(Object.keys(described?.fields ?? {})).toHaveLength(50);
  });

  it('covers recent pushes and those in the inbox', async () => {
    bench = await openBench({ limits: { recentCount: 2, recentBytes: 20 } });
    await bench.runtime.load(testApp(() => {}));
    await bench.runtime.load(
      testApp(() => Promise.reject(new Error('later')), { id: 'durable.ua', delivery: 'durable' }),
    );
    const accepted = await bench.push({ id: 'durable.ua', fileName: 'a.txt' });
    const ids: (string | undefined)[] = [];
    for (const text of ['1', '2', '3', 'x'.repeat(21)]) ids.push((await bench.push({ text })).pushId);
    const titles = await Promise.all(
      [accepted.pushId, ...ids, 'unknown'].map(async (id) => (await bench.runtime.describe(id ?? ''))?.title),
    );
    expect(titles).toEqual([
      'Push for durable.ua',
      undefined,
      'Push for test.ua',
      'Push for test.ua',
      undefined,
      undefined,
    ]);
    await bench.runtime.unload('test.ua');
    expect((await bench.runtime.describe(ids[2] ?? ''))?.title).toBe('Push for test.ua');
  });
});

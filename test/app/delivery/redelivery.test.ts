/** Pushes in the inbox: redelivery with backoff and after restarts, and dead letters. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import { PushRefused } from '../../../core/errors.js';
import {
  type Bench,
  newGate,
  openBench,
  type StoreWrite,
  settled,
  startBench,
  stateWritten,
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

const durable = (receive: Parameters<typeof testApp>[0], more: Partial<PushAppDefinition> = {}) =>
  testApp(receive, { delivery: 'durable', ...more });

async function reopen(options: Parameters<typeof openBench>[0] = {}): Promise<void> {
  await settled(bench.runtime.stop());
  bench = await openBench({ store: bench.store, ...options });
}

/** The records of pushes that are not finished. */
const onDisk = () => stored(bench.store, ...UNFINISHED);

describe('redelivery', () => {
  it.each([
    [0, [0, 2.5, 5, 10, 20, 40, 80, 160, 320, 640]],
    [1, [0, 5, 10, 20, 40, 80, 160, 320, 640, 1280]],
  ])(
    'doubles the delay after each failure, with half of it random (%d); the tenth failure makes a dead letter',
    async (random, waits) => {
      await reopen({ random });
      await bench.runtime.start();
      const times: number[] = [];
      await bench.runtime.load(
        durable(() => {
          times.push(Date.now() / 1000);
          throw new Error(`failure ${times.length}`);
        }),
      );
      const { pushId } = await bench.push({ from: 'sip:a@b', to: 'sip:c@d', text: '12345' });
      await vi.advanceTimersByTimeAsync(10_000_000);
      expect(times.map((time, index) => Math.round((time - (times[index - 1] ?? time)) * 10) / 10)).toEqual(
        waits,
      );
      expect(await bench.runtime.deadLetters()).toEqual([
        {
          id: pushId,
          app: 'test.ua',
          from: 'sip:a@b',
          to: 'sip:c@d',
          contentType: 'text/plain',
          size: 5,
          receivedAt: expect.any(Date),
          deadSince: expect.any(Date),
          attempts: 10,
          reason: 'test.ua threw: failure 10',
        },
      ]);
      expect(bench.logs.at(-1)).toMatchObject({
        level: 'warn',
        app: 'test.ua',
        message: `push ${pushId} is a dead letter after 10 deliveries: test.ua threw: failure 10`,
      });
      expect(await onDisk()).toEqual([`content/${pushId}`, `dead-letter/${pushId}`]);
    },
  );

  it('delivers the same push, except for the attempt', async () => {
    const seen: unknown[] = [];
    await bench.runtime.load(
      durable(async (push) => {
        const { id, app, from, to, mode, headers, fileName, receivedAt, content, attempt } = push;
        const { type } = content;
        seen.push({ id, app, from, to, mode, headers, fileName, receivedAt, type, text: await push.text() });
        if (attempt < 3) throw new Error('not yet');
      }),
    );
    await bench.push({ text: 'the same', headers: { 'content-language': 'en' }, fileName: 'x.txt' });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen).toHaveLength(3);
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
    expect(await onDisk()).toEqual([]);
  });

  it('a permanent refusal makes a dead letter with its reason, because the sender already received 200', async () => {
    await bench.runtime.load(
      durable((push) => {
        if (push.attempt === 1) throw new Error('busy with something');
        throw new PushRefused('declined', 'not wanted');
      }),
    );
    const { pushId } = await bench.push({ key: 'k' });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await bench.runtime.deadLetters()).toMatchObject([
      { id: pushId, attempts: 2, reason: 'refused (declined): not wanted' },
    ]);
    expect(await bench.push({ key: 'k' })).toEqual({ accepted: true, pushId });
  });

  it('a temporary refusal is a failed attempt, and its retryAfter is respected', async () => {
    const times: number[] = [];
    await bench.runtime.load(
      durable((push) => {
        times.push(Date.now());
        if (push.attempt === 1) throw new Error('x');
        if (push.attempt === 2) throw new PushRefused('busy', 'later', { retryAfter: 300 });
      }),
    );
    await bench.push();
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(times).toHaveLength(3);
    expect((times[2] ?? 0) - (times[1] ?? 0)).toBe(300_000);
    expect(await onDisk()).toEqual([]);
  });

  it('leaves slots for senders, even if many pushes wait for redelivery', async () => {
    await reopen({ limits: { concurrency: 4 } });
    await bench.runtime.start();
    let hangs = true;
    await bench.runtime.load(durable((push) => (hangs || push.attempt > 1 ? NEVER : undefined)));
    const outcomes = Array.from({ length: 20 }, () => bench.push());
    await vi.advanceTimersByTimeAsync(60_000);
    await Promise.all(outcomes);
    hangs = false;
    const started = Date.now();
    const outcome = await bench.push();
    expect(outcome).toMatchObject({ accepted: true });
    expect(Date.now()).toBe(started);
  });
});

describe('a restart', () => {
  it('redelivers the inbox only after start, and only to the right application', async () => {
    await bench.runtime.load(durable(() => NEVER));
    await bench.runtime.load(durable(() => NEVER, { id: 'other.ua' }));
    const outcomes = [bench.push({ text: 'one' }), bench.push({ id: 'other.ua', text: 'two' })];
    await vi.advanceTimersByTimeAsync(10_000);
    const [one] = await Promise.all(outcomes);
    await reopen();
    const received: [string, string, number][] = [];
    await bench.runtime.load(
      durable(async (push) => {
        received.push([push.id, new TextDecoder().decode(await push.content.bytes(10)), push.attempt]);
      }),
    );
    await vi.advanceTimersByTimeAsync(100_000);
    expect(received).toEqual([]);
    await bench.runtime.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(received).toEqual([[one?.pushId, 'one', 2]]);
    expect(await onDisk()).toHaveLength(2);
  });

  it('recognizes finished pushes, pushes in the inbox and dead letters', async () => {
    await bench.runtime.load(
      durable((push) => {
        if (push.from === 'sip:hangs@d') return NEVER;
        if (push.from === 'sip:poison@d' && push.attempt > 1) throw new PushRefused('type', 'x');
        if (push.from === 'sip:poison@d') throw new Error('x');
        return undefined;
      }),
    );
    const accepted = await bench.push({ key: '1' });
    const holding = bench.push({ key: '2', from: 'sip:hangs@d' });
    const deadLetter = await bench.push({ key: '3', from: 'sip:poison@d' });
    await vi.advanceTimersByTimeAsync(10_000);
    const { pushId } = await holding;
    await reopen();
    const received: string[] = [];
    await bench.runtime.load(durable((push) => void received.push(push.id)));
    expect(await bench.push({ key: '1' })).toEqual(accepted);
    expect(await bench.push({ key: '2' })).toEqual({ accepted: true, pushId });
    expect(await bench.push({ key: '3' })).toEqual(deadLetter);
    expect(received).toEqual([]);
  });

  it('makes a push a dead letter if the host ends during each delivery', async () => {
    await reopen({ limits: { attempts: 3 } });
    const app = durable(() => NEVER);
    await bench.runtime.load(app);
    const outcome = bench.push();
    await vi.advanceTimersByTimeAsync(0);
    const crashed: Bench[] = [];
    for (let restarts = 0; restarts < 3; restarts++) {
      // Without stop, as if the process had been killed.
      crashed.push(bench);
      bench = await openBench({ store: bench.store, limits: { attempts: 3 } });
      await bench.runtime.load(app);
      await bench.runtime.start();
      await vi.advanceTimersByTimeAsync(0);
    }
    expect(await bench.runtime.deadLetters()).toMatchObject([
      { attempts: 3, reason: 'its deliveries ended with the host' },
    ]);
    await vi.advanceTimersByTimeAsync(60_000);
    await outcome;
    for (const { runtime } of crashed) await runtime.stop();
  });

  it('keeps an unreadable entry, and logs it', async () => {
    await bench.store.put('push/entry/broken', '{"id":');
    await bench.store.put('push/entry/empty', '{}');
    await bench.store.put('push/entry/other', 'x');
    await bench.store.put('push/app/1', 'null');
    await reopen();
    await bench.runtime.load(durable(() => {}));
    expect(await bench.push()).toMatchObject({ accepted: true });
    expect(await bench.runtime.deadLetters()).toEqual([]);
    expect(bench.logs.filter(({ level }) => level === 'error')).toHaveLength(4);
    // No other application uses the storage of an unknown application.
    expect(await bench.store.get('push/app/1')).toBe('null');
    expect(await bench.store.get('push/app/2')).toContain('test.ua');
    expect(await bench.store.get('push/entry/broken')).toBe('{"id":');
  });

  it('makes a push without content a dead letter', async () => {
    await bench.runtime.load(durable(() => NEVER));
    const outcome = bench.push();
    await vi.advanceTimersByTimeAsync(10_000);
    const { pushId } = await outcome;
    await bench.store.del(`push/content/${pushId}`);
    await reopen();
    await bench.runtime.load(durable(() => {}));
    await bench.runtime.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(await bench.runtime.deadLetters()).toMatchObject([{ reason: 'its content is not in the store' }]);
  });
});

describe('a store whose writes fail', () => {
  it.each(['direct', 'durable'] as const)(
    'recognizes an accepted %s push that it receives again',
    async (delivery) => {
      let full = false;
      let received = 0;
      await bench.runtime.load(
        testApp(
          () => {
            received++;
            full = true;
          },
          { delivery },
        ),
      );
      const batch = bench.store.batch.bind(bench.store);
      vi.spyOn(bench.store, 'batch').mockImplementation((...args: unknown[]) =>
        full ? Promise.reject(new Error('disk full')) : Reflect.apply(batch, undefined, args),
      );
      expect(await bench.push({ key: 'k' })).toMatchObject({ accepted: true });
      expect(await bench.push({ key: 'k' })).toMatchObject({ accepted: true });
      expect(received).toBe(1);
    },
  );

  it('does not prevent dead letters once it writes again', async () => {
    await reopen({ limits: { attempts: 1 } });
    await bench.runtime.start();
    await bench.runtime.load(durable(() => Promise.reject(new Error('never'))));
    const batch = bench.store.batch.bind(bench.store);
    let full = true;
    vi.spyOn(bench.store, 'batch').mockImplementation((...args: unknown[]) => {
      const [operations] = args as [StoreWrite[]];
      if (full && operations.some((operation) => stateWritten(operation) === 'dead-letter')) {
        return Promise.reject(new Error('disk full'));
      }
      return Reflect.apply(batch, undefined, args);
    });
    const { pushId } = await bench.push();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(await bench.runtime.deadLetters()).toEqual([]);
    full = false;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await bench.runtime.deadLetters()).toMatchObject([{ id: pushId, reason: 'test.ua threw: never' }]);
  });
});

describe('loading and unloading while running', () => {
  it('pushes wait in the inbox for the next version of their application', async () => {
    const gate = newGate();
    await bench.runtime.load(durable(() => gate.passed));
    const outcome = bench.push();
    await vi.advanceTimersByTimeAsync(0);
    await settled(bench.runtime.unload('x-wap-application:test.ua'));
    // On disk, so the sender does not wait for an unloaded application.
    expect(await outcome).toMatchObject({ accepted: true });
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(await onDisk()).toHaveLength(2);
    const received: string[] = [];
    await bench.runtime.load(durable((push) => void received.push(push.id), { accepts: ['text/*'] }));
    await vi.advanceTimersByTimeAsync(0);
    expect(received).toEqual([(await outcome).pushId]);
    expect(await onDisk()).toEqual([]);
  });

  it('a waiting push is delivered at once when its application is loaded', async () => {
    await bench.runtime.load(
      durable(() => {
        throw new Error('x');
      }),
    );
    await bench.push();
    await settled(bench.runtime.unload('test.ua'));
    let received = 0;
    await bench.runtime.load(durable(() => void received++));
    await vi.advanceTimersByTimeAsync(0);
    expect(received).toBe(1);
    await vi.advanceTimersByTimeAsync(100_000);
    expect(received).toBe(1);
  });

  it('a queued push stays in the inbox when its application is unloaded', async () => {
    await reopen({ limits: { concurrency: 1 } });
    await bench.runtime.start();
    await bench.runtime.load(durable(() => NEVER));
    const outcomes = [bench.push(), bench.push()];
    await vi.advanceTimersByTimeAsync(0);
    await settled(bench.runtime.unload('test.ua'));
    expect(await Promise.all(outcomes)).toMatchObject([{ accepted: true }, { accepted: true }]);
    let received = 0;
    await bench.runtime.load(durable(() => void received++));
    await vi.advanceTimersByTimeAsync(0);
    expect(received).toBe(2);
  });
});

/** The outcome table and the timing rules of a dispatch. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Push, ReceivedPush } from '../../../core/app/contract/push.js';
import { FINISHED_RETENTION } from '../../../core/app/limits.js';
import { type Content, memoryContent } from '../../../core/content/content.js';
import { PushRefused, type RefusalKind } from '../../../core/errors.js';
import {
  type Bench,
  newGate,
  openBench,
  settled,
  startBench,
  stopBench,
  stored,
  testApp,
} from '../support.js';

const KINDS: RefusalKind[] = ['forbidden', 'type', 'size', 'declined', 'busy', 'resources', 'failed'];
const NEVER = new Promise<never>(() => {});

let bench: Bench;

beforeEach(async () => {
  bench = await startBench();
});

afterEach(() => stopBench(bench));

describe.each(['direct', 'durable'] as const)('a push for a %s application', (delivery) => {
  it('8.1.1-05: reaches the application with all its properties', async () => {
    const pushes: Push[] = [];
    await bench.runtime.load(testApp((push) => void pushes.push(push), { delivery, accepts: ['image/*'] }));
    vi.setSystemTime(1_700_000_000_000);
    const outcome = await bench.push({
      type: 'image/png',
      text: 'bytes',
      from: 'sip:a@b',
      to: 'sip:c@d',
      headers: { 'x-wap-application-id': 'test.ua' },
      fileName: 'cat.png',
    });
    const [push] = pushes;
    expect(push).toMatchObject({
      app: 'test.ua',
      from: 'sip:a@b',
      to: 'sip:c@d',
      mode: 'pager',
      headers: { 'x-wap-application-id': 'test.ua' },
      fileName: 'cat.png',
      receivedAt: new Date(1_700_000_000_000),
      attempt: 1,
    });
    expect(push?.content.type.type).toBe('image/png');
    expect(new TextDecoder().decode(await push?.content.bytes(100))).toBe('bytes');
    expect(outcome).toEqual({ accepted: true, pushId: push?.id });
  });

  it.each(KINDS)('refused as %s has the kind and the reason in its outcome', async (kind) => {
    await bench.runtime.load(
      testApp(
        () => {
          throw new PushRefused(kind, 'because', { retryAfter: 7 });
        },
        { delivery },
      ),
    );
    const retry = kind === 'busy' || kind === 'resources' ? { retryAfter: 7 } : {};
    const outcome = await bench.push();
    expect(outcome).toMatchObject({ accepted: false, kind, reason: 'because', ...retry });
    if (!('retryAfter' in retry)) expect(outcome).not.toHaveProperty('retryAfter');
    // The runtime does not store a refused push, so the application decides on a retry again.
    expect(await stored(bench.store, 'received', 'content', 'finished')).toEqual([]);
  });

  it('is refused as too large', async () => {
    await bench.runtime.load(testApp(() => {}, { delivery, maxSize: 5 }));
    expect(await bench.push({ text: '12345' })).toMatchObject({ accepted: true });
    expect(await bench.push({ text: '123456' })).toMatchObject({
      accepted: false,
      kind: 'size',
      reason: 'test.ua accepts at most 5 bytes',
    });
  });

  it('is answered within 16 s, and its signal is aborted at the deadline', async () => {
    let received: ReceivedPush | undefined;
    await bench.runtime.load(
      testApp(
        (push) => {
          received = push;
          return NEVER;
        },
        { delivery },
      ),
    );
    const outcome = bench.push();
    await vi.advanceTimersByTimeAsync(9_999);
    expect(received?.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(received?.signal.aborted).toBe(true);
    expect(await outcome).toMatchObject(
      delivery === 'durable'
        ? { accepted: true }
        : { accepted: false, kind: 'failed', reason: 'test.ua did not answer within 10 s (timeout)' },
    );
  });

  it('for an unloaded application can be retried', async () => {
    const app = testApp(() => {}, { delivery });
    await bench.runtime.load(app);
    const handle = bench.runtime.resolve(['test.ua'], 'text/plain');
    if (typeof handle === 'string') throw new Error(handle);
    await settled(bench.runtime.unload('test.ua'));
    expect(bench.runtime.resolve(['test.ua'], 'text/plain')).toBe('unknown');
    expect(await bench.runtime.dispatch({ ...incoming(), app: handle })).toMatchObject({
      accepted: false,
      kind: 'busy',
    });
  });

  it('with unreadable content fails if durable; otherwise the application decides', async () => {
    await bench.runtime.load(testApp((push) => void push.content.bytes(1).catch(() => {}), { delivery }));
    const content: Content = {
      type: { type: 'text/plain', parameters: {} },
      open: () => new ReadableStream(),
      bytes: () => Promise.reject(new Error('connection lost')),
    };
    const handle = bench.runtime.resolve(['test.ua'], 'text/plain');
    if (typeof handle === 'string') throw new Error(handle);
    const outcome = await bench.runtime.dispatch({ ...incoming(), app: handle, content });
    if (delivery === 'direct') expect(outcome.accepted).toBe(true);
    else
      expect(outcome).toMatchObject({ kind: 'failed', reason: expect.stringContaining('connection lost') });
  });

  it('sent twice at the same time is delivered once, and its outcome is returned for a month, even if the date steps', async () => {
    const received: string[] = [];
    const gate = newGate();
    await bench.runtime.load(
      testApp(
        async (push) => {
          received.push(push.id);
          await gate.passed;
        },
        { delivery },
      ),
    );
    const one = bench.push({ key: 'same' });
    const two = bench.push({ key: 'same' });
    gate.open();
    expect(await one).toEqual(await two);
    for (const step of [7_200_000, -7_200_000]) {
      vi.setSystemTime(Date.now() + step);
      expect(await bench.push({ key: 'same' })).toEqual(await one);
    }
    vi.advanceTimersByTime(FINISHED_RETENTION);
    expect(await bench.push({ key: 'same' })).toEqual(await one);
    expect(received).toHaveLength(1);
    vi.advanceTimersByTime(FINISHED_RETENTION);
    await bench.push({ key: 'same' });
    // An application that remembers ids recognizes the same push.
    expect(received).toEqual([received[0], received[0]]);
  });

  it('is refused with resources, and not delivered, while the store does not read', async () => {
    const receive = vi.fn();
    await bench.runtime.load(testApp(receive, { delivery }));
    expect(await bench.push()).toMatchObject({ accepted: true });
    const read = vi.spyOn(bench.store, 'getMany');
    read.mockRejectedValueOnce(new Error('bad block'));
    expect(await bench.push()).toMatchObject({ accepted: false, kind: 'resources', retryAfter: 60 });
    const gate = newGate();
    read.mockImplementationOnce(async () => {
      await gate.passed;
      return [];
    });
    expect(await settled(bench.push())).toMatchObject({ accepted: false, kind: 'resources', retryAfter: 60 });
    gate.open();
    expect(receive).toHaveBeenCalledOnce();
    expect(await bench.push()).toMatchObject({ accepted: true });
  });

  it('is not remembered when it was refused', async () => {
    let refuse = true;
    await bench.runtime.load(
      testApp(
        () => {
          if (refuse) throw new PushRefused('declined', 'not now');
        },
        { delivery },
      ),
    );
    expect(await bench.push({ key: 'again' })).toMatchObject({ accepted: false, kind: 'declined' });
    refuse = false;
    expect(await bench.push({ key: 'again' })).toMatchObject({ accepted: true });
  });

  it('waits for its turn, and is refused as busy when too many wait', async () => {
    await settled(bench.runtime.stop());
    bench = await openBench({ limits: { concurrency: 2, waiting: 1 } });
    await bench.runtime.start();
    const gate = newGate();
    let active = 0;
    let most = 0;
    await bench.runtime.load(
      testApp(
        async () => {
          most = Math.max(most, ++active);
          await gate.passed;
          active--;
        },
        { delivery },
      ),
    );
    const three = [bench.push(), bench.push(), bench.push()];
    const fourth = await bench.push();
    expect(fourth).toMatchObject({ accepted: false, kind: 'busy', retryAfter: 5 });
    gate.open();
    for (const outcome of await Promise.all(three)) expect(outcome.accepted).toBe(true);
    expect(most).toBe(2);
  });
});

describe('a push for a direct application', () => {
  it('fails if the application throws', async () => {
    await bench.runtime.load(
      testApp(() => {
        throw new Error('broken');
      }),
    );
    expect(await bench.push()).toMatchObject({
      accepted: false,
      kind: 'failed',
      reason: 'test.ua threw: broken',
    });
  });

  it('that waits too long in the queue is refused as busy', async () => {
    await settled(bench.runtime.stop());
    bench = await openBench({ limits: { concurrency: 1 } });
    await bench.runtime.load(testApp(() => NEVER));
    const first = bench.push();
    const second = bench.push();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await second).toMatchObject({ accepted: false, kind: 'busy' });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await first).toMatchObject({ accepted: false, kind: 'failed' });
  });

  it('frees its slot at the deadline if its application never answers', async () => {
    await settled(bench.runtime.stop());
    bench = await openBench({ limits: { concurrency: 1 } });
    let hangs = true;
    await bench.runtime.load(testApp(() => (hangs ? NEVER : undefined)));
    await bench.runtime.load(testApp(() => {}, { id: 'other.ua' }));
    const first = bench.push();
    expect(await bench.push({ id: 'other.ua' })).toMatchObject({ accepted: true });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await first).toMatchObject({ kind: 'failed' });
    hangs = false;
    expect(await bench.push()).toMatchObject({ accepted: true });
  });
});

describe('a push for a durable application', () => {
  it('is accepted if the application throws, because it is on disk, and redelivered', async () => {
    const attempts: [string, number][] = [];
    await bench.runtime.load(
      testApp(
        (push) => {
          attempts.push([push.id, push.attempt]);
          if (attempts.length === 1) throw new Error('broken');
        },
        { delivery: 'durable' },
      ),
    );
    const outcome = await bench.push();
    expect(outcome).toMatchObject({ accepted: true });
    expect(await stored(bench.store, 'received')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(attempts).toEqual([
      [outcome.pushId, 1],
      [outcome.pushId, 2],
    ]);
    expect(await stored(bench.store, 'received', 'content')).toEqual([]);
  });

  it('is answered after 15 s, and cannot be refused afterwards', async () => {
    const gate = newGate();
    await bench.runtime.load(
      testApp(
        async () => {
          await gate.passed;
          throw new PushRefused('forbidden', 'too late');
        },
        { delivery: 'durable', timeout: 600 },
      ),
    );
    const outcome = bench.push({ key: 'slow' });
    await vi.advanceTimersByTimeAsync(15_000);
    const { pushId } = await outcome;
    expect(await outcome).toEqual({ accepted: true, pushId });
    expect(await bench.push({ key: 'slow' })).toEqual({ accepted: true, pushId });
    gate.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(await bench.runtime.deadLetters()).toMatchObject([
      { id: pushId, reason: 'refused (forbidden): too late', attempts: 1 },
    ]);
    expect(await bench.push({ key: 'slow' })).toEqual({ accepted: true, pushId });
  });

  it('that is queued at 15 s is accepted: it is on disk', async () => {
    await settled(bench.runtime.stop());
    bench = await openBench({ limits: { concurrency: 1 } });
    await bench.runtime.start();
    let received = 0;
    const timeout = 20;
    await bench.runtime.load(
      testApp(() => (++received === 1 ? NEVER : undefined), { delivery: 'durable', timeout }),
    );
    const outcomes = [bench.push(), bench.push()];
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await Promise.all(outcomes)).toMatchObject([{ accepted: true }, { accepted: true }]);
    expect(received).toBe(1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(received).toBe(2);
  });

  it('is refused as resources when the inbox is full', async () => {
    await settled(bench.runtime.stop());
    bench = await openBench({ limits: { inboxCount: 4, inboxBytes: 2200, contentBytes: 900 } });
    await bench.runtime.load(testApp(() => NEVER, { delivery: 'durable' }));
    const text = 'x'.repeat(500);
    void bench.push({ text });
    expect(await bench.push({ text })).toMatchObject({ accepted: false, kind: 'resources', retryAfter: 60 });
    expect(await bench.push({ text: 'x'.repeat(901) })).toMatchObject({ accepted: false, kind: 'size' });
    void bench.push({ text: '' });
    expect(await bench.push({ text: '' })).toMatchObject({
      accepted: false,
      kind: 'resources',
      reason: 'test.ua has 2 pushes in the inbox: its share is 2',
    });
  });
});

function incoming() {
  return {
    key: 'k',
    from: 'sip:a@b',
    to: 'sip:c@d',
    mode: 'pager' as const,
    headers: {},
    content: memoryContent({ type: 'text/plain', parameters: {} }, new Uint8Array(3)),
  };
}

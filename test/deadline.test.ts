import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { aborted, delay, LinkedSignal, unlessAborted } from '../core/time/abort-signal.js';
import { systemClock, Timer } from '../core/time/clock.js';
import { atMost, within } from '../core/time/deadline.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const never = new Promise<never>(() => {});
const why = new Error('no longer needed');

/** The result of a promise, if it has settled. */
function follow(promise: Promise<unknown>) {
  const end: { value?: unknown; error?: unknown } = {};
  promise.then(
    (value) => Object.assign(end, { value }),
    (error: unknown) => Object.assign(end, { error }),
  );
  return end;
}

describe('Timer', () => {
  it('calls back once, and can be set again', () => {
    const rings: number[] = [];
    const alarm = new Timer();
    alarm.set(100, () => rings.push(1));
    vi.advanceTimersByTime(99);
    alarm.set(100, () => rings.push(2));
    vi.advanceTimersByTime(99);
    expect([alarm.running, rings]).toEqual([true, []]);
    vi.advanceTimersByTime(1);
    expect([alarm.running, rings]).toEqual([false, [2]]);
    alarm.set(1, () => rings.push(3));
    alarm.clear();
    expect(alarm.running).toBe(false);
  });
});

describe('delay', () => {
  it('resolves after its time', async () => {
    const end = follow(delay(100));
    await vi.advanceTimersByTimeAsync(99);
    expect(end).toEqual({});
    await vi.advanceTimersByTimeAsync(1);
    expect(end).toEqual({ value: undefined });
  });

  it('rejects with its signal, and leaves no timer', async () => {
    const controller = new AbortController();
    const end = follow(delay(100, controller.signal));
    controller.abort(why);
    await vi.advanceTimersByTimeAsync(0);
    expect(end).toEqual({ error: why });
    await expect(delay(100, controller.signal)).rejects.toBe(why);
  });
});

describe('unlessAborted', () => {
  it('settles like the promise', async () => {
    const { signal } = new AbortController();
    await expect(unlessAborted(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(unlessAborted(Promise.reject(why), signal)).rejects.toBe(why);
    await expect(unlessAborted(Promise.resolve(1), undefined)).resolves.toBe(1);
  });

  it('rejects with the reason of its signal, even if that is already aborted', async () => {
    const controller = new AbortController();
    const waits = unlessAborted(never, controller.signal);
    controller.abort(why);
    await expect(waits).rejects.toBe(why);
    await expect(unlessAborted(Promise.resolve(1), controller.signal)).rejects.toBe(why);
  });

  it('removes its listener from a signal that outlives it', async () => {
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    await unlessAborted(Promise.resolve(1), signal);
    expect(remove.mock.calls.map(([, listener]) => listener)).toEqual(
      add.mock.calls.map(([, listener]) => listener),
    );
  });
});

describe('within', () => {
  it('settles like the promise, if that settles in time', async () => {
    await expect(within(systemClock, 100, why, Promise.resolve(1))).resolves.toBe(1);
  });

  it('rejects after the time', async () => {
    const end = follow(within(systemClock, 100, why, never));
    await vi.advanceTimersByTimeAsync(100);
    expect(end).toEqual({ error: why });
  });
});

describe('atMost', () => {
  it('resolves when the promise settles', async () => {
    await atMost(100, Promise.resolve(1));
    await atMost(100, Promise.reject(why));
  });

  it('does not wait longer', async () => {
    const end = follow(atMost(100, never));
    await vi.advanceTimersByTimeAsync(99);
    expect(end).toEqual({});
    await vi.advanceTimersByTimeAsync(1);
    expect(end).toEqual({ value: undefined });
  });
});

describe('aborted', () => {
  it('resolves when the signal is aborted, or already was', async () => {
    const controller = new AbortController();
    const end = follow(aborted(controller.signal));
    await vi.advanceTimersByTimeAsync(0);
    expect(end).toEqual({});
    controller.abort();
    await aborted(controller.signal);
    expect(end).toEqual({ value: undefined });
  });
});

describe('LinkedSignal', () => {
  it('aborts with the first of its sources, with its reason', () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const linked = new LinkedSignal(first.signal, undefined, second.signal);
    expect(linked.signal.aborted).toBe(false);
    second.abort(why);
    first.abort(new Error('later'));
    expect(linked.signal.reason).toBe(why);
  });

  it('is aborted from the start if a source is', () => {
    expect(new LinkedSignal(new AbortController().signal, AbortSignal.abort(why)).signal.reason).toBe(why);
  });

  it('leaves nothing at its sources once it is aborted or released', () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const released = new LinkedSignal(first.signal, second.signal);
    const aborts = new LinkedSignal(first.signal, second.signal);
    expect(getEventListeners(first.signal, 'abort')).toHaveLength(2);
    released.release();
    second.abort(why);
    expect([first, second].map(({ signal }) => getEventListeners(signal, 'abort'))).toEqual([[], []]);
    expect([released.signal.aborted, aborts.signal.aborted]).toEqual([false, true]);
  });
});

/** `Agenda` of `sip-push/sdk`: tasks by key, immediate or planned, with limited concurrency. */

import { Agenda, type AgendaOptions, type AppLog } from 'sip-push/sdk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

describe('Agenda', () => {
  let ending: AbortController;
  let logged: string[];
  /** Keys of the started tasks, in order. */
  let begun: string[];
  /** Finishes the oldest running task of a key. */
  let endings: Map<string, ((again?: number) => void)[]>;

  beforeEach(() => {
    vi.useFakeTimers();
    ending = new AbortController();
    logged = [];
    begun = [];
    endings = new Map();
  });
  afterEach(() => vi.useRealTimers());

  const log: AppLog = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (message) => void logged.push(message),
  };

  function agenda(options: Partial<AgendaOptions> = {}): Agenda {
    return new Agenda({ task: held, atOnce: 2, log, signal: ending.signal, ...options });
  }

  function held(key: string): Promise<number | undefined> {
    begun.push(key);
    return new Promise((resolve) => endings.set(key, [...(endings.get(key) ?? []), resolve]));
  }

  async function end(key: string, again?: number): Promise<void> {
    endings.get(key)?.shift()?.(again);
    await vi.advanceTimersByTimeAsync(0);
  }

  it('runs a limited number of tasks at once, in order', async () => {
    const three = agenda();
    for (const key of ['a', 'b', 'c', 'd']) three.add(key);
    expect(begun).toEqual(['a', 'b']);
    await end('b');
    expect(begun).toEqual(['a', 'b', 'c']);
    await end('a');
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });

  it('runs a key once at a time, and once more if it was added meanwhile', async () => {
    const one = agenda();
    one.add('a');
    for (let times = 0; times < 3; times += 1) one.add('a');
    expect(begun).toEqual(['a']);
    await end('a', 5_000);
    expect(begun).toEqual(['a', 'a']);
    await end('a');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(begun).toEqual(['a', 'a']);
  });

  it('repeats a task that requests it, after its delay', async () => {
    const one = agenda();
    one.add('a');
    await end('a', 5_000);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(begun).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(1);
    expect(begun).toEqual(['a', 'a']);
  });

  it('runs a planned task at its time; adding it again replaces the plan', async () => {
    const one = agenda();
    one.add('a', 5_000);
    one.add('b', 5_000);
    one.add('a');
    expect(begun).toEqual(['a']);
    await end('a');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(begun).toEqual(['a', 'b']);
  });

  it('supports delays longer than the maximum of a timer', async () => {
    const days = (count: number) => count * 86_400_000;
    const one = agenda();
    one.add('a', days(30));
    await vi.advanceTimersByTimeAsync(days(30) - 1);
    expect(begun).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(begun).toEqual(['a']);
  });

  it('does not run a removed task, due or planned', async () => {
    const one = agenda({ atOnce: 1 });
    for (const key of ['a', 'b', 'c']) one.add(key);
    one.add('d', 5_000);
    one.remove('b');
    one.remove('d');
    await end('a');
    await end('c');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(begun).toEqual(['a', 'c']);
  });

  it.each<[string, AgendaOptions['task']]>([
    ['rejects', () => Promise.reject(new Error('disk\nfull'))],
    [
      'throws',
      () => {
        throw new Error('disk\nfull');
      },
    ],
  ])('reports a task that %s, and retries it', async (_how, task) => {
    const failing = vi.fn(task);
    agenda({ task: failing }).add('a\u001b');
    await vi.advanceTimersByTimeAsync(0);
    expect(logged).toEqual(['task a  failed, retry in 30 s: disk full']);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(failing).toHaveBeenCalledTimes(2);
  });

  it('starts no tasks after it is stopped, and stops with the last task', async () => {
    const one = agenda({ atOnce: 1 });
    one.add('a');
    one.add('b');
    one.add('c', 5_000);
    ending.abort();
    let ended = false;
    const stopped = one.stop().then(() => {
      ended = true;
    });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ended).toBe(false);
    await end('a', 5_000);
    await stopped;
    await vi.advanceTimersByTimeAsync(10_000);
    one.add('d');
    expect(begun).toEqual(['a']);
    expect(vi.getTimerCount()).toBe(0);
  });
});

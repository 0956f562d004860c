/** The watchdog of a worker. */

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Watchdog } from '../../../core/app/isolation/watchdog.js';
import type { WorkerThread } from '../../../core/platform/threads.js';

let processMemory = 0;
let pings = 0;
let watchdog: Watchdog;
const problems: Error[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  processMemory = 1000;
  pings = 0;
  problems.length = 0;
  const thread: WorkerThread = {
    onmessage() {},
    onend() {},
    onoutput() {},
    post() {},
    keepsProcess() {},
    end() {},
    processMemory: () => processMemory,
  };
  watchdog = new Watchdog(
    thread,
    { memory: 500, unresponsive: 5000 },
    () => pings++,
    (why) => problems.push(why),
  );
});

afterEach(() => {
  watchdog.stop();
  vi.useRealTimers();
});

it('pings a worker that answers, repeatedly', () => {
  for (let time = 0; time < 100; time++) {
    watchdog.answered(400);
    vi.advanceTimersByTime(250);
  }
  expect(pings).toBe(101);
  expect(problems).toEqual([]);
});

it('ends a worker that does not answer in time, and stops pinging it', () => {
  vi.advanceTimersByTime(4900);
  expect(problems).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(problems.map(({ name }) => name)).toEqual(['TimeoutError']);
  watchdog.answered(400);
  vi.advanceTimersByTime(10_000);
  expect([problems.length, pings, vi.getTimerCount()]).toEqual([1, 1, 0]);
});

it('does not count time in which the host was busy', () => {
  // The clock advanced by minutes while the timers of the host fired once: the host was suspended or busy.
  vi.setSystemTime(Date.now() + 600_000);
  vi.advanceTimersToNextTimer();
  watchdog.answered(400);
  expect(problems).toEqual([]);
});

it('ignores an answer without a ping', () => {
  expect([watchdog.answered(400), watchdog.answered(400)]).toEqual([true, false]);
  vi.advanceTimersByTime(250);
  expect(watchdog.answered(400)).toBe(true);
});

it('ends a worker that reports too much memory', () => {
  watchdog.answered(500);
  vi.advanceTimersByTime(250);
  watchdog.answered(501);
  expect(problems.map(({ name }) => name)).toEqual(['LimitError']);
});

it('ends a silent worker while the process grows, but not one that answers', () => {
  processMemory += 10_000;
  vi.advanceTimersByTime(100);
  watchdog.answered(400);
  vi.advanceTimersByTime(250);
  expect(problems).toEqual([]);
  processMemory += 501;
  vi.advanceTimersByTime(200);
  expect(problems.map(({ name }) => name)).toEqual(['LimitError']);
});

it.each([undefined, 'much', {}, Number.NaN])('accepts %o as an answer', (memory) => {
  watchdog.answered(memory);
  vi.advanceTimersByTime(250);
  expect([pings, problems.length]).toEqual([2, 0]);
});

/** The watchdog of a worker. */

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Watchdog } from '../../../core/app/isolation/watchdog.js';
import type { WorkerThread } from '../../../core/platform/threads.js';

let processMemory = 0;
let pings = 0;
let lastPing = '';
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
    (ping) => {
      pings++;
      lastPing = ping;
    },
    (why) => problems.push(why),
  );
});

const answered = (memory: unknown) => watchdog.answered(lastPing, memory);

afterEach(() => {
  watchdog.stop();
  vi.useRealTimers();
});

it('pings a worker that answers, repeatedly', () => {
  for (let time = 0; time < 100; time++) {
    answered(400);
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
  answered(400);
  vi.advanceTimersByTime(10_000);
  expect([problems.length, pings, vi.getTimerCount()]).toEqual([1, 1, 0]);
});

it('does not count time in which the host was busy', () => {
  // The clock advanced by minutes while the timers of the host fired once: the host was suspended or busy.
  vi.setSystemTime(Date.now() + 600_000);
  vi.advanceTimersToNextTimer();
  answered(400);
  expect(problems).toEqual([]);
});

it('ignores an answer without a ping', () => {
  expect([answered(400), answered(400)]).toEqual([true, false]);
  vi.advanceTimersByTime(250);
  expect(answered(400)).toBe(true);
});

it('ignores the answer to another ping, which an application could forge', () => {
  const first = lastPing;
  expect(watchdog.answered(undefined, 0)).toBe(false);
  expect(answered(400)).toBe(true);
  vi.advanceTimersByTime(250);
  expect([watchdog.answered(first, 0), watchdog.answered('1', 0)]).toEqual([false, false]);
  expect(answered(501)).toBe(true);
  expect(problems.map(({ name }) => name)).toEqual(['LimitError']);
});

it('ends a worker that reports too much memory', () => {
  answered(500);
  vi.advanceTimersByTime(250);
  answered(501);
  expect(problems.map(({ name }) => name)).toEqual(['LimitError']);
});

it('ends a silent worker while the process grows, but not one that answers', () => {
  processMemory += 10_000;
  vi.advanceTimersByTime(100);
  answered(400);
  vi.advanceTimersByTime(250);
  expect(problems).toEqual([]);
  processMemory += 501;
  vi.advanceTimersByTime(200);
  expect(problems.map(({ name }) => name)).toEqual(['LimitError']);
});

it.each([undefined, 'much', {}, Number.NaN])('accepts %o as an answer', (memory) => {
  answered(memory);
  vi.advanceTimersByTime(250);
  expect([pings, problems.length]).toEqual([2, 0]);
});

/** The watchdog of a worker: what ends one, and what does not. */

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Watchdog } from '../../../core/app/isolation/watchdog.js';
import type { WorkerThread } from '../../../core/platform/threads.js';

let processMemory = 0;
let asked = 0;
let dog: Watchdog;
const problems: Error[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  processMemory = 1000;
  asked = 0;
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
  dog = new Watchdog(
    thread,
    { memory: 500, unresponsive: 5000 },
    () => asked++,
    (why) => problems.push(why),
  );
});

afterEach(() => {
  dog.stop();
  vi.useRealTimers();
});

it('one that answers is asked again and again', () => {
  for (let time = 0; time < 100; time++) {
    dog.answered(400);
    vi.advanceTimersByTime(250);
  }
  expect(asked).toBe(101);
  expect(problems).toEqual([]);
});

it('one that is silent for as long as it may is ended, and nothing is asked of it any longer', () => {
  vi.advanceTimersByTime(4900);
  expect(problems).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(problems.map(({ name }) => name)).toEqual(['TimeoutError']);
  dog.answered(400);
  vi.advanceTimersByTime(10_000);
  expect([problems.length, asked, vi.getTimerCount()]).toEqual([1, 1, 0]);
});

it('time in which the host itself was busy is not counted', () => {
  // The clock went on by minutes, the timers of the host fire once: it was asleep, or computed.
  vi.setSystemTime(Date.now() + 600_000);
  vi.advanceTimersToNextTimer();
  dog.answered(400);
  expect(problems).toEqual([]);
});

it('one that says it has more than it may is ended', () => {
  dog.answered(500);
  dog.answered(501);
  expect(problems.map(({ name }) => name)).toEqual(['LimitError']);
});

it('one that is silent while the process grows is ended soon; one that answers is not', () => {
  processMemory += 10_000;
  vi.advanceTimersByTime(100);
  dog.answered(400);
  vi.advanceTimersByTime(250);
  expect(problems).toEqual([]);
  processMemory += 501;
  vi.advanceTimersByTime(200);
  expect(problems.map(({ name }) => name)).toEqual(['LimitError']);
});

it.each([undefined, 'much', {}, Number.NaN])('an answer that says %o is one', (memory) => {
  dog.answered(memory);
  vi.advanceTimersByTime(250);
  expect([asked, problems.length]).toEqual([2, 0]);
});

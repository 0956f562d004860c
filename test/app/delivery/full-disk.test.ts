/** A store whose writes fail for a while: confirmed pushes are still delivered. */

import { afterEach, expect, it, vi } from 'vitest';
import { openBench, testApp } from '../support.js';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it('does not count a full disk as a delivery: the push does not become a dead letter', async () => {
  vi.useFakeTimers();
  const bench = await openBench();
  await bench.runtime.start();
  let received = 0;
  await bench.runtime.load(
    testApp(
      () => {
        if (received++ === 0) throw new Error('not yet');
      },
      { delivery: 'durable' },
    ),
  );
  expect(await bench.push()).toMatchObject({ accepted: true });
  const full = vi.spyOn(bench.store, 'batch').mockRejectedValue(new Error('ENOSPC'));
  await vi.advanceTimersByTimeAsync(6 * 3_600_000);
  full.mockRestore();
  await vi.advanceTimersByTimeAsync(6 * 3_600_000);
  expect(received).toBe(2);
  expect(await bench.runtime.deadLetters()).toEqual([]);
  await bench.runtime.stop();
});

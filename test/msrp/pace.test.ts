import { expect, it } from 'vitest';
import { Pace } from '../../core/msrp/messages/outgoing-chunks.js';

const KIB = 1024;

/** The window and the chunk size that a path of this speed converges to. */
function settle(bytesPerSecond: number, roundTrip: number): { window: number; chunk: number } {
  const pace = new Pace(4096 * KIB, 64 * KIB);
  const queue: number[] = [];
  let inFlight = 0;
  let chunk = 0;
  for (let answers = 0; answers < 2000; answers++) {
    for (let size = pace.nextChunkSize(inFlight); size > 0; size = pace.nextChunkSize(inFlight)) {
      chunk = size;
      queue.push(size);
      inFlight += size;
    }
    const bytes = queue.shift() ?? 0;
    pace.answered(bytes, roundTrip + (inFlight / bytesPerSecond) * 1000);
    inFlight -= bytes;
  }
  return { window: inFlight, chunk };
}

it('keeps 1 to 2 s of a slow path in flight', () => {
  for (const rate of [64 * KIB, 128 * KIB, 1024 * KIB]) {
    const { window } = settle(rate, 50);
    expect(window).toBeGreaterThan(rate / 2);
    expect(window).toBeLessThan(2 * rate);
  }
});

it('uses chunks of a few seconds on the slowest path', () => {
  expect(settle(8 * KIB, 200)).toEqual({ window: 48 * KIB, chunk: 16 * KIB });
});

it('fills a fast path, even with a long round trip', () => {
  expect(settle(1024 * 1024 * KIB, 1)).toEqual({ window: 4032 * KIB, chunk: 64 * KIB });
  expect(settle(100 * 1024 * KIB, 600).window).toBeGreaterThan(4000 * KIB);
});

it('always allows one chunk', () => {
  const pace = new Pace(KIB, 64 * KIB);
  expect(pace.nextChunkSize(0)).toBeGreaterThan(0);
  expect(pace.nextChunkSize(1)).toBe(0);
});

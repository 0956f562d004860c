import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DueQueue } from '../core/time/due-queue.js';

interface Item {
  due: number;
}

const dueOf = ({ due }: Item) => due;

describe('DueQueue', () => {
  it('returns the first item in order of time, whatever is added and deleted', () => {
    const queue = new DueQueue(dueOf);
    const items = Array.from({ length: 200 }, (_, n) => ({ due: (n * 7919) % 200 }));
    for (const item of items) queue.add(item);
    for (const item of items.slice(0, 100)) queue.delete(item);
    const left = [];
    for (let first = queue.first; first; first = queue.first) {
      left.push(first.due);
      queue.delete(first);
    }
    expect(left).toEqual(
      items
        .slice(100)
        .map(dueOf)
        .sort((one, other) => one - other),
    );
  });

  it('keeps one entry of an item that is added twice', () => {
    const queue = new DueQueue(dueOf);
    const item = { due: 1 };
    queue.add(item);
    queue.add(item);
    expect(queue.size).toBe(1);
    queue.clear();
    expect(queue.first).toBeUndefined();
  });
});

describe('DueQueue with a timer', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function timedQueue() {
    const due: number[] = [];
    const timer = { now: () => performance.now(), onDue: (item: Item) => due.push(item.due) };
    return { due, queue: new DueQueue(dueOf, timer) };
  }

  it('reports items in order of time, with one timeout', () => {
    const { due, queue } = timedQueue();
    const start = performance.now();
    const items = Array.from({ length: 200 }, (_, n) => ({ due: start + ((n * 7919) % 200) * 10 }));
    for (const item of items) queue.add(item);
    for (const item of items.slice(0, 100)) queue.delete(item);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(2000);
    expect(due).toEqual(
      items
        .slice(100)
        .map(dueOf)
        .sort((one, other) => one - other),
    );
    expect([queue.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('supports waits longer than the maximum timeout', () => {
    const { due, queue } = timedQueue();
    queue.add({ due: performance.now() + 2 ** 32 });
    vi.advanceTimersByTime(2 ** 31);
    expect(due).toHaveLength(0);
    vi.advanceTimersByTime(2 ** 31);
    expect(due).toHaveLength(1);
  });
});

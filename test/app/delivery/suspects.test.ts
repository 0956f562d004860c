/** A push that kills the host costs only itself: the next host delivers what was in progress one at a time. */

import { expect, it, vi } from 'vitest';
import { platform } from '#platform';
import type { LevelStore } from '../../../core/platform/level.js';
import { eventually } from '../../support/wait.js';
import { type Bench, ManualClock, newGate, openBench, testApp } from '../support.js';

const NEVER = new Promise<never>(() => {});

/** A host whose process ends when a push with the text "poison" is delivered: nothing continues then. */
class Life {
  readonly died = newGate();
  readonly delivered: string[] = [];
  readonly accepted: string[] = [];
  readonly failed: string[] = [];
  #dead = false;

  private constructor(readonly bench: Bench) {}

  static async begin(store: LevelStore, failing: string[] = []): Promise<Life> {
    // A clock that stands still, so that an earlier host does nothing.
    const bench = await openBench({ store, clock: new ManualClock() });
    const life = new Life(bench);
    for (const id of ['one.ua', 'other.ua']) {
      const app = testApp((push) => life.#receive(push, failing), { id, delivery: 'durable' });
      await bench.runtime.load(app);
    }
    await bench.runtime.start();
    return life;
  }

  async #receive(push: { text(): Promise<string> }, failing: string[]): Promise<void> {
    if (this.#dead) return NEVER;
    const text = await push.text();
    this.delivered.push(text);
    if (text === 'poison') {
      this.#dead = true;
      this.died.open();
      return NEVER;
    }
    // The application does something, during which another push can be delivered.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#dead) return NEVER;
    if (failing.includes(text)) {
      this.failed.push(text);
      throw new Error('the backend is down');
    }
    this.accepted.push(text);
  }
}

it('becomes a dead letter alone, and the others are accepted in the second life after it', async () => {
  const store = await platform.openStore();
  let life = await Life.begin(store);
  for (const text of ['poison', 'a', 'b', 'c']) {
    void life.bench.push({ id: text === 'poison' ? 'one.ua' : 'other.ua', text });
  }
  await life.died.passed;
  const accepted: string[][] = [];
  for (let lives = 1; lives < 20; lives++) {
    life = await Life.begin(store);
    const { bench, died } = life;
    let dead = false;
    void died.passed.then(() => {
      dead = true;
    });
    const end = await eventually('the end of a life', () => {
      if (bench.runtime.deadLetters().length > 0) return 'dead letter';
      return dead ? 'died' : undefined;
    });
    accepted.push(life.accepted);
    if (end === 'dead letter') break;
  }
  expect(accepted.flat().sort()).toEqual(['a', 'b', 'c']);
  expect(accepted.slice(2).flat()).toEqual([]);
  expect(life.bench.runtime.deadLetters()).toMatchObject([
    { app: 'one.ua', attempts: 10, reason: 'its deliveries ended with the host' },
  ]);
  await life.bench.runtime.stop();
});

it('is not suspected when its delivery ended before, and a killed delivery does not count for the others', async () => {
  const store = await platform.openStore();
  const first = await Life.begin(store, ['failed']);
  await first.bench.push({ id: 'other.ua', text: 'failed' });
  void first.bench.push({ id: 'other.ua', text: 'good' });
  void first.bench.push({ id: 'one.ua', text: 'poison' });
  await first.died.passed;
  const second = await Life.begin(store, ['failed', 'good']);
  await second.died.passed;
  // The one that failed before is delivered at once, with the first suspect.
  expect(second.delivered).toContain('failed');
  const third = await Life.begin(store, ['good']);
  await third.died.passed;
  await eventually('the push that failed is accepted', () => third.accepted.includes('failed') || undefined);
  const entries = await store.values({ gte: 'push/entry/', lt: 'push/entry0' }).all();
  const pushes = entries.map((entry) => JSON.parse(entry).push);
  const { ended, interrupted } = pushes.find(({ app }) => app === 'other.ua');
  const failures = [second, third].flatMap(({ failed }) => failed).filter((text) => text === 'good').length;
  // Of the deliveries that ended or were followed by one that did, only the failures count.
  expect(ended - interrupted).toBe(failures);
});

it('is not suspected after a stop', async () => {
  const store = await platform.openStore();
  const gate = newGate();
  const open = async () => {
    const bench = await openBench({ store, clock: new ManualClock() });
    await bench.runtime.load(testApp(() => gate.passed, { delivery: 'durable' }));
    await bench.runtime.start();
    return bench;
  };
  const first = await open();
  const pushed = [first.push(), first.push()];
  await vi.waitFor(async () =>
    expect(await store.keys({ gte: 'push/content', lt: 'push/content0' }).all()).toHaveLength(2),
  );
  const stopped = first.runtime.stop();
  gate.open();
  await stopped;
  await Promise.all(pushed);
  expect(await store.get('push/run')).toContain('"stopped":true');
});

it('takes as many writes as before: one when it is confirmed, and one when it is accepted', async () => {
  const store = await platform.openStore();
  const { bench } = await Life.begin(store);
  const batch = vi.spyOn(store, 'batch');
  const { pushId } = await bench.push({ id: 'one.ua' });
  expect(pushId).toBeDefined();
  expect(batch).toHaveBeenCalledTimes(2);
  await bench.runtime.stop();
});

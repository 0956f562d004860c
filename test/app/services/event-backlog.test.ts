/** Many events wait for the host's listener: pushes and alarms of their application wait as well. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import { LimitError } from '../../../core/errors.js';
import { definePushApp } from '../../../sdk/index.js';
import { type Bench, newGate, openBench, settled, stored } from '../support.js';

let bench: Bench;
let gate: ReturnType<typeof newGate>;

beforeEach(async () => {
  vi.useFakeTimers();
  gate = newGate();
  // It has not returned from the first event of `test.ua` before the gate is open.
  bench = await openBench({
    random: 1,
    listener: ({ app }) => (app === 'test.ua' ? gate.passed : undefined),
  });
  await bench.runtime.start();
});

afterEach(async () => {
  await settled(bench.runtime.stop());
  await bench.store.close();
  vi.useRealTimers();
});

/** Each push commits the next of these numbers of events. */
function counting(events: readonly number[], more: Partial<PushAppDefinition> = {}) {
  const attempts: number[] = [];
  const app = definePushApp({
    id: 'test.ua',
    accepts: ['text/plain'],
    needs: ['schedule'],
    events: { counted: true },
    start: () => ({
      async receive({ attempt, commit }) {
        const count = events[attempts.length] ?? 1;
        attempts.push(attempt);
        await commit((tx) => {
          for (let number = 0; number < count; number++) tx.emit('counted', { number });
        }).catch((error: unknown) => {
          throw new Error('not committed', { cause: error });
        });
      },
      async alarm({ commit }) {
        attempts.push(0);
        await commit();
      },
    }),
  });
  return { app: { ...app, ...more }, attempts };
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const messages = () => bench.logs.map(({ message }) => message);
const deadLetters = () => bench.runtime.deadLetters().length;

describe('while half of the allowed events of an application wait', () => {
  it('its pushes do not start and count no attempt, and others do', async () => {
    const { app, attempts } = counting([500]);
    await bench.runtime.load(app);
    await bench.push();
    const second = bench.push();
    await pass(15_000);
    // The sender has its answer; the push is in the inbox.
    expect(await second).toMatchObject({ accepted: true });
    expect(attempts).toEqual([1]);
    const other = counting([1], { id: 'other.ua' });
    await bench.runtime.load(other.app);
    await bench.push({ id: 'other.ua' });
    expect(other.attempts).toEqual([1]);
    await pass(10_000);
    expect(messages()).toEqual([
      expect.stringMatching(
        /^500 events of \d+ bytes wait for the host's listener: pushes and alarms wait for it as well$/,
      ),
    ]);
    gate.open();
    await pass(0);
    expect(attempts).toEqual([1, 1]);
    expect(await stored(bench.store, 'received', 'dead-letter')).toEqual([]);
  });

  it('its alarms do not start', async () => {
    const { app, attempts } = counting([500]);
    let at = (_: number): Promise<void> => Promise.resolve();
    const { start } = app;
    await bench.runtime.load({
      ...app,
      start(context) {
        const { schedule } = context as unknown as {
          schedule: { at(key: string, when: number): Promise<void> };
        };
        at = (when) => schedule.at('one', when);
        return start(context);
      },
    });
    await bench.push();
    await at(Date.now());
    await pass(20_000);
    expect(attempts).toEqual([1]);
    gate.open();
    await pass(0);
    expect(attempts).toEqual([1, 0]);
  });

  it('its pushes wait after a restart of the host as well', async () => {
    const { app } = counting([500]);
    await bench.runtime.load(app);
    await bench.push();
    await settled(bench.runtime.stop());
    const { store } = bench;
    bench = await bench.restart();
    const { app: again, attempts } = counting([1]);
    await bench.runtime.load(again);
    await bench.runtime.start();
    void bench.push();
    await pass(20_000);
    expect(attempts).toEqual([]);
    gate.open();
    await pass(0);
    expect([attempts, await stored(store, 'event')]).toEqual([[1], []]);
  });

  it('the sender of a direct push learns that the application is busy', async () => {
    const { app } = counting([500], { delivery: 'direct' });
    await bench.runtime.load(app);
    await bench.push();
    expect(await settled(bench.push())).toMatchObject({
      accepted: false,
      kind: 'busy',
      reason: 'test.ua waits for the host, which is behind with its events',
    });
  });
});

describe('a commit without space for its events', () => {
  it('counts no attempt, however often it fails', async () => {
    const { app, attempts } = counting([499, ...Array.from({ length: 40 }, () => 600)]);
    await bench.runtime.load(app);
    await bench.push();
    const second = bench.push();
    for (let minute = 0; minute < 30; minute++) await pass(60_000);
    expect(await second).toMatchObject({ accepted: true });
    expect(attempts.length).toBeGreaterThan(15);
    expect(deadLetters()).toBe(0);
    expect(messages()).toContainEqual(
      expect.stringMatching(/^push \w+ will be redelivered in 90 s: test\.ua: 1099 events/),
    );
    gate.open();
    await pass(120_000);
    expect(await stored(bench.store, 'received', 'dead-letter')).toEqual([]);
  });

  it('is a failure of the application when no listener could make space', async () => {
    const { app, attempts } = counting([]);
    const text = 'x'.repeat(3 * 1024 * 1024);
    const errors: unknown[] = [];
    await bench.runtime.load({
      ...app,
      start: () => ({
        async receive({ attempt, commit }) {
          attempts.push(attempt);
          await commit((tx) => {
            tx.emit('counted', { text });
            tx.emit('counted', { text });
          }).catch((error: unknown) => {
            errors.push(error);
            throw error;
          });
        },
        alarm() {},
      }),
    });
    void bench.push();
    await pass(10 * 3_600_000);
    expect(attempts).toHaveLength(10);
    expect(deadLetters()).toBe(1);
    expect(errors[0]).toBeInstanceOf(LimitError);
    expect(String(errors[0])).toMatch(
      /2 events of 6\d+ bytes in one transaction: expected at most 1000 events/,
    );
  });
});

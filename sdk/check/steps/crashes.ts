/** The same push twice, and a device that dies between receive and commit. */

import { setTimeout as delay } from 'node:timers/promises';
import type { TestHost } from '../../testing/index.js';
import type { Bench, Content } from '../bench.js';
import { CallRecorder } from '../watch.js';
import { reason } from './start-stop.js';

/** Time for every redelivery of a push that is taken in the end. */
const ALL_REDELIVERIES = 3_700_000;
/** Milliseconds of real time for something that was begun to come to its end. */
const DEADLINE = 3000;
/** Milliseconds of real time in which storage does not change. */
const QUIET = 30;

export async function checkRepeatedPush(bench: Bench): Promise<void> {
  for (const { type, octets } of (await bench.contents()).contents) {
    await bench.withHost(async ({ watch, push }) => {
      const order = { type, body: octets, mode: bench.modeFor(octets) };
      if ((await push(order)).outcome !== 'delivered') return;
      const again = await push(order);
      const call = watch.calls.at(-1);
      const error = call && bench.unexpectedError(call);
      if (again.outcome !== 'failed' && error === undefined) return;
      bench.addFinding({
        rule: 'repeats',
        severity: 'error',
        what: `the same ${type} once more failed: ${error ? reason(error) : again.reason}`,
        locationOf: bench.where(error),
        change:
          'take it, or refuse it by PushRefused: a sender that lost an answer sends the same content again',
      });
    });
  }
}

export async function checkExactlyOnce(bench: Bench): Promise<void> {
  for (const content of (await bench.contents()).contents) {
    const one = await stateWithoutCrash(bench, content);
    const other = await stateWithoutCrash(bench, content);
    // What it takes at all is another step's to say.
    if (one && other) await checkCrash(bench, content, one, stable(one, other));
  }
}

/** Paths in storage and their values, as JSON. */
type State = ReadonlyMap<string, string>;

/** @returns its storage after one push; undefined when that was not taken. */
async function stateWithoutCrash(bench: Bench, { type, octets }: Content): Promise<State | undefined> {
  let state: State | undefined;
  await bench.withHost(async ({ host, watch, push }) => {
    const result = await push({ type, body: octets, mode: bench.modeFor(octets) });
    if (result.outcome === 'delivered') state = await settledState(bench, host, watch);
  });
  return state;
}

/** What does not depend on chance or the time of day. */
function stable(one: State, other: State): State {
  return new Map([...one].filter(([path, value]) => other.get(path) === value));
}

async function checkCrash(
  bench: Bench,
  { type, octets }: Content,
  without: State,
  expected: State,
): Promise<void> {
  const { id, delivery } = bench.definition;
  const watch = new CallRecorder();
  const host = await bench.start(watch);
  try {
    const before = await stateOf(bench, host, watch);
    const order = { app: id, type, body: octets, mode: bench.modeFor(octets) };
    const dead = host.kill('ending');
    const pushing = host.push(order).catch(() => {});
    if (!(await inTime(dead))) return;
    await pushing;
    const after = await stateOf(bench, host, watch);
    const early = [...after].find(([path, value]) => before.get(path) !== value);
    await host.restart();
    const calls = watch.calls.length;
    if (delivery !== 'durable') await host.push(order);
    await inTime(inboxEmpty(host));
    const failed = watch.calls.slice(calls).find((call) => bench.unexpectedError(call) !== undefined);
    if (failed) {
      bench.addFinding({
        rule: 'redelivery',
        severity: 'error',
        what: `${type} given again after a crash failed: ${reason(failed.error)}`,
        locationOf: bench.where(failed.error),
        change: 'expect what its first attempt may have left: the push has the same id, and attempt 2',
      });
    }
    const now = await settledState(bench, host, watch);
    const wrong = difference(now, without, expected);
    if (wrong === undefined) return;
    bench.addFinding({
      rule: 'exactly-once',
      severity: 'error',
      what: `a crash between receive and commit shows in its storage: ${wrong}${early ? `; ${early[0]} was written ahead of commit` : ''}`,
      change:
        'write what belongs to a push by commit(operations), which also ends the push, and by nothing else',
    });
  } finally {
    await host.stop();
  }
}

/** In words. */
function difference(now: State, without: State, expected: State): string | undefined {
  const wrong = [...expected].find(([path, value]) => now.get(path) !== value);
  if (wrong) return `${wrong[0]} is ${now.get(wrong[0])}, and ${wrong[1]} without a crash`;
  return now.size > without.size ? `${now.size} keys, and ${without.size} without a crash` : undefined;
}

async function inboxEmpty(host: TestHost): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await delay(QUIET);
    if ((await host.inbox()).length === 0) return;
    await host.clock.advance(ALL_REDELIVERIES / 20);
  }
}

/** When nothing has changed for a moment. */
async function settledState(bench: Bench, host: TestHost, watch: CallRecorder): Promise<State> {
  let state = await stateOf(bench, host, watch);
  for (let round = 0; round < DEADLINE / QUIET; round++) {
    await delay(QUIET);
    const now = await stateOf(bench, host, watch);
    if (JSON.stringify([...now]) === JSON.stringify([...state])) return now;
    state = now;
  }
  return state;
}

/** The id of a push is another in every run. */
async function stateOf({ definition }: Bench, host: TestHost, { calls }: CallRecorder): Promise<State> {
  const ids = calls.map(({ push }) => push.id);
  const anonymous = (text: string) => ids.reduce((rest, id) => rest.replaceAll(id, 'ID'), text);
  const entries = Object.entries(await host.storage(definition.id));
  return new Map(entries.map(([key, value]) => [anonymous(key), anonymous(JSON.stringify(value) ?? '')]));
}

async function inTime(promise: Promise<unknown>): Promise<boolean> {
  return await Promise.race([promise.then(() => true), delay(DEADLINE, false, { ref: false })]);
}

/** The same push twice, and a crash between receive and commit. */

import { setTimeout as delay } from 'node:timers/promises';
import type { TestHost } from '../../testing/index.js';
import type { Bench, Content } from '../bench.js';
import { CallRecorder } from '../call-recorder.js';
import { reason } from './start-stop.js';

/** Milliseconds of test time that cover every redelivery of a push. */
const ALL_REDELIVERIES = 3_700_000;
/** Milliseconds of real time for a started operation. */
const DEADLINE = 3000;
/** Milliseconds of real time without a change after which storage counts as settled. */
const QUIET = 30;

export async function checkRepeatedPush(bench: Bench): Promise<void> {
  for (const { type, octets } of (await bench.contents()).contents) {
    await bench.withHost(async ({ recorder, push }) => {
      const order = { type, body: octets, mode: bench.modeFor(octets) };
      if ((await push(order)).outcome !== 'delivered') return;
      const again = await push(order);
      const call = recorder.calls.at(-1);
      const error = call && bench.unexpectedError(call);
      if (again.outcome !== 'failed' && error === undefined) return;
      bench.addFinding({
        rule: 'repeats',
        severity: 'error',
        what: `a repeated push of the same ${type} failed: ${error ? reason(error) : again.reason}`,
        where: bench.locationOf(error),
        change:
          'accept it, or throw PushRefused: a sender that missed the response sends the same content again',
      });
    });
  }
}

export async function checkExactlyOnce(bench: Bench): Promise<void> {
  for (const content of (await bench.contents()).contents) {
    const one = await stateWithoutCrash(bench, content);
    const other = await stateWithoutCrash(bench, content);
    // Refused content is reported by the step for declared types.
    if (one && other) await checkCrash(bench, content, one, stable(one, other));
  }
}

/** Paths in storage and their values, as JSON. */
type State = ReadonlyMap<string, string>;

/** @returns the application's storage after one push; undefined if it was not accepted. */
async function stateWithoutCrash(bench: Bench, { type, octets }: Content): Promise<State | undefined> {
  let state: State | undefined;
  await bench.withHost(async ({ host, recorder, push }) => {
    const result = await push({ type, body: octets, mode: bench.modeFor(octets) });
    if (result.outcome === 'delivered') state = await settledState(bench, host, recorder);
  });
  return state;
}

/** Entries that do not depend on random values or the time. */
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
  const recorder = new CallRecorder();
  const host = await bench.start(recorder);
  try {
    const before = await stateOf(bench, host, recorder);
    const order = { app: id, type, body: octets, mode: bench.modeFor(octets) };
    const dead = host.kill('ending');
    const pushing = host.push(order).catch(() => {});
    if (!(await inTime(dead))) return;
    await pushing;
    const after = await stateOf(bench, host, recorder);
    const early = [...after].find(([path, value]) => before.get(path) !== value);
    await host.restart();
    const calls = recorder.calls.length;
    if (delivery !== 'durable') await host.push(order);
    await inTime(inboxEmpty(host));
    const failed = recorder.calls.slice(calls).find((call) => bench.unexpectedError(call) !== undefined);
    if (failed) {
      bench.addFinding({
        rule: 'redelivery',
        severity: 'error',
        what: `${type} redelivered after a crash failed: ${reason(failed.error)}`,
        where: bench.locationOf(failed.error),
        change: 'expect data of the first attempt: the redelivered push has the same id, and attempt 2',
      });
    }
    const now = await settledState(bench, host, recorder);
    const wrong = difference(now, without, expected);
    if (wrong === undefined) return;
    bench.addFinding({
      rule: 'exactly-once',
      severity: 'error',
      what: `a crash between receive and commit changes the storage: ${wrong}${early ? `; ${early[0]} was written before commit` : ''}`,
      change: 'write all data of a push with commit(operations), which also completes the push',
    });
  } finally {
    await host.stop();
  }
}

function difference(now: State, without: State, expected: State): string | undefined {
  const wrong = [...expected].find(([path, value]) => now.get(path) !== value);
  if (wrong) return `${wrong[0]} is ${now.get(wrong[0])}, but ${wrong[1]} without a crash`;
  return now.size > without.size ? `${now.size} keys, but ${without.size} without a crash` : undefined;
}

async function inboxEmpty(host: TestHost): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await delay(QUIET);
    if ((await host.inbox()).length === 0) return;
    await host.clock.advance(ALL_REDELIVERIES / 20);
  }
}

/** Reads the storage once it has stopped changing. */
async function settledState(bench: Bench, host: TestHost, recorder: CallRecorder): Promise<State> {
  let state = await stateOf(bench, host, recorder);
  for (let round = 0; round < DEADLINE / QUIET; round++) {
    await delay(QUIET);
    const now = await stateOf(bench, host, recorder);
    if (JSON.stringify([...now]) === JSON.stringify([...state])) return now;
    state = now;
  }
  return state;
}

/** Reads the storage, with push ids replaced because they differ between runs. */
async function stateOf({ definition }: Bench, host: TestHost, { calls }: CallRecorder): Promise<State> {
  const ids = calls.map(({ push }) => push.id);
  const anonymous = (text: string) => ids.reduce((rest, id) => rest.replaceAll(id, 'ID'), text);
  const entries = Object.entries(await host.storage(definition.id));
  return new Map(entries.map(([key, value]) => [anonymous(key), anonymous(JSON.stringify(value) ?? '')]));
}

async function inTime(promise: Promise<unknown>): Promise<boolean> {
  return await Promise.race([promise.then(() => true), delay(DEADLINE, false, { ref: false })]);
}

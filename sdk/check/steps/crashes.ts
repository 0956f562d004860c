/** Repeats a push, and crashes between receive and commit. */

import { setTimeout as delay } from 'node:timers/promises';
import type { TestHost } from '../../testing/index.js';
import { CallRecorder } from '../call-recorder.js';
import type { Content, StepContext } from '../step-context.js';
import { reason } from './start-stop.js';

/** Milliseconds of test time that cover every redelivery of a push. */
const ALL_REDELIVERIES = 3_700_000;
/** Milliseconds of real time for a started operation. */
const DEADLINE = 3000;
/** Milliseconds of real time without a change after which storage counts as settled. */
const QUIET = 30;

export async function checkRepeatedPush(context: StepContext): Promise<void> {
  for (const { type, octets } of (await context.contents()).contents) {
    await context.withHost(async ({ recorder, push }) => {
      const request = { type, body: octets, mode: context.modeFor(octets) };
      if ((await push(request)).outcome !== 'delivered') return;
      const repeated = await push(request);
      const call = recorder.calls.at(-1);
      const error = call && context.unexpectedError(call);
      if (repeated.outcome !== 'failed' && error === undefined) return;
      context.addFinding({
        rule: 'repeats',
        severity: 'error',
        what: `a repeated push of the same ${type} failed: ${error ? reason(error) : repeated.reason}`,
        where: context.locationOf(error),
        change:
          'accept it, or throw PushRefused: a sender that does not receive the response repeats the push',
      });
    });
  }
}

export async function checkExactlyOnce(context: StepContext): Promise<void> {
  for (const content of (await context.contents()).contents) {
    const one = await stateWithoutCrash(context, content);
    const other = await stateWithoutCrash(context, content);
    // Refused content is reported by the step for declared types.
    if (one && other) await checkCrash(context, content, one, stable(one, other));
  }
}

/** Paths in storage and their values, as JSON. */
type State = ReadonlyMap<string, string>;

/** @returns the application's storage after one push; undefined if it was not accepted. */
async function stateWithoutCrash(
  context: StepContext,
  { type, octets }: Content,
): Promise<State | undefined> {
  let state: State | undefined;
  await context.withHost(async ({ host, recorder, push }) => {
    const result = await push({ type, body: octets, mode: context.modeFor(octets) });
    if (result.outcome === 'delivered') state = await settledState(context, host, recorder);
  });
  return state;
}

/** The entries that are equal in both: they do not depend on random values or on the time. */
function stable(one: State, other: State): State {
  return new Map([...one].filter(([path, value]) => other.get(path) === value));
}

async function checkCrash(
  context: StepContext,
  { type, octets }: Content,
  without: State,
  expected: State,
): Promise<void> {
  const { id, delivery } = context.definition;
  const recorder = new CallRecorder();
  const host = await context.start(recorder);
  try {
    const before = await stateOf(context, host, recorder);
    const request = { app: id, type, body: octets, mode: context.modeFor(octets) };
    const killed = host.kill('ending');
    const pushing = host.push(request).catch(() => {});
    if (!(await inTime(killed))) return;
    await pushing;
    const after = await stateOf(context, host, recorder);
    const uncommitted = [...after].find(([path, value]) => before.get(path) !== value);
    await host.restart();
    const calls = recorder.calls.length;
    if (delivery !== 'durable') await host.push(request);
    await inTime(inboxEmpty(host));
    const failed = recorder.calls.slice(calls).find((call) => context.unexpectedError(call) !== undefined);
    if (failed) {
      context.addFinding({
        rule: 'redelivery',
        severity: 'error',
        what: `${type} redelivered after a crash failed: ${reason(failed.error)}`,
        where: context.locationOf(failed.error),
        change: 'expect data of the first attempt: the redelivered push has the same id, and attempt 2',
      });
    }
    const now = await settledState(context, host, recorder);
    const wrong = difference(now, without, expected);
    if (wrong === undefined) return;
    context.addFinding({
      rule: 'exactly-once',
      severity: 'error',
      what: `a crash between receive and commit changes the storage: ${wrong}${uncommitted ? `; ${uncommitted[0]} was written before commit` : ''}`,
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
async function settledState(context: StepContext, host: TestHost, recorder: CallRecorder): Promise<State> {
  let state = await stateOf(context, host, recorder);
  for (let round = 0; round < DEADLINE / QUIET; round++) {
    await delay(QUIET);
    const now = await stateOf(context, host, recorder);
    if (JSON.stringify([...now]) === JSON.stringify([...state])) return now;
    state = now;
  }
  return state;
}

/** Reads the storage, with push ids replaced because they differ between runs. */
async function stateOf({ definition }: StepContext, host: TestHost, { calls }: CallRecorder): Promise<State> {
  const ids = calls.map(({ push }) => push.id);
  const anonymous = (text: string) => ids.reduce((rest, id) => rest.replaceAll(id, 'ID'), text);
  const entries = Object.entries(await host.storage(definition.id));
  return new Map(entries.map(([key, value]) => [anonymous(key), anonymous(JSON.stringify(value) ?? '')]));
}

async function inTime(promise: Promise<unknown>): Promise<boolean> {
  return await Promise.race([promise.then(() => true), delay(DEADLINE, false, { ref: false })]);
}

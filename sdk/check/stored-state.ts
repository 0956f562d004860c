/** The storage of an application, compared between runs. */

import { setTimeout as delay } from 'node:timers/promises';
import type { TestHost } from '../testing/index.js';
import type { CallRecorder } from './call-recorder.js';
import type { StepContext } from './step-context.js';

/** Milliseconds of test time that cover every redelivery of a push. */
const ALL_REDELIVERIES = 3_700_000;
/** Milliseconds of real time for a started operation. */
const DEADLINE = 3000;
/** Milliseconds of real time without a change after which storage counts as settled. */
const QUIET = 30;

/** Paths in storage and their values, as JSON. */
export type State = ReadonlyMap<string, string>;

/** The entries that are equal in both: they do not depend on random values or on the time. */
export function stable(one: State, other: State): State {
  return new Map([...one].filter(([path, value]) => other.get(path) === value));
}

/**
 * @param usual the state of another run, and `expected` its stable entries.
 * @param how names that run, as in `without a crash`.
 */
export function difference(now: State, usual: State, expected: State, how: string): string | undefined {
  const wrong = [...expected].find(([path, value]) => now.get(path) !== value);
  if (wrong) return `${wrong[0]} is ${now.get(wrong[0])}, but ${wrong[1]} ${how}`;
  return now.size > usual.size ? `${now.size} keys, but ${usual.size} ${how}` : undefined;
}

export async function inboxEmpty(host: TestHost): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await delay(QUIET);
    if ((await host.inbox()).length === 0) return;
    await host.clock.advance(ALL_REDELIVERIES / 20);
  }
}

/** Reads the storage once it has stopped changing. */
export async function settledState(
  context: StepContext,
  host: TestHost,
  recorder: CallRecorder,
): Promise<State> {
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
export async function stateOf(
  { definition }: StepContext,
  host: TestHost,
  { calls }: CallRecorder,
): Promise<State> {
  const ids = calls.map(({ push }) => push.id);
  const anonymous = (text: string) => ids.reduce((rest, id) => rest.replaceAll(id, 'ID'), text);
  const entries = Object.entries(await host.storage(definition.id));
  return new Map(entries.map(([key, value]) => [anonymous(key), anonymous(JSON.stringify(value) ?? '')]));
}

export async function inTime(promise: Promise<unknown>): Promise<boolean> {
  return await Promise.race([promise.then(() => true), delay(DEADLINE, false, { ref: false })]);
}

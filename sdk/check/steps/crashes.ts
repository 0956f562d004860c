/** Repeats a push, and crashes between receive and commit. */

import { CallRecorder } from '../call-recorder.js';
import type { Content, StepContext } from '../step-context.js';
import {
  difference,
  inboxEmpty,
  inTime,
  type State,
  settledState,
  stable,
  stateOf,
} from '../stored-state.js';
import { reason } from './start-stop.js';

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
        change: 'accept it, or throw refuse(…): a sender that does not receive the response repeats the push',
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
    if (delivery === 'direct') await host.push(request);
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
      return;
    }
    const now = await settledState(context, host, recorder);
    const wrong = difference(now, without, expected, 'without a crash');
    if (wrong === undefined) return;
    context.addFinding({
      rule: 'exactly-once',
      severity: 'error',
      what: `a crash between receive and commit changes the storage: ${wrong}${uncommitted ? `; ${uncommitted[0]} was written before commit` : ''}`,
      change: 'write all data of a push in push.commit((tx) => …), which also completes the push',
    });
  } finally {
    await host.stop();
  }
}

/** Pushes at the same time: as many as `order` lets the application handle at once, or more. */

import { CallRecorder } from '../call-recorder.js';
import type { Content, StepContext } from '../step-context.js';
import { difference, inboxEmpty, inTime, type State, settledState, stable } from '../stored-state.js';
import { reason } from './start-stop.js';

/** Two calls of `receive` are enough to lose an update. */
const PARALLEL_PUSHES = 2;
/** In turn, only code that continues after `receive` can lose one. */
const SERIAL_PUSHES = 50;

export async function checkOrder(context: StepContext): Promise<void> {
  const [content] = (await context.contents()).contents;
  if (!content) return;
  const count = context.definition.order === 'parallel' ? PARALLEL_PUSHES : SERIAL_PUSHES;
  const oneByOne = async (push: () => Promise<boolean>) => {
    for (let index = 0; index < count; index++) if (!(await push())) return false;
    return true;
  };
  const atOnce = async (push: () => Promise<boolean>) => {
    const accepted = await Promise.all(Array.from({ length: count }, push));
    return accepted.every(Boolean);
  };
  const one = await stateAfter(context, content, oneByOne);
  const other = one && (await stateAfter(context, content, oneByOne));
  const together = other && (await stateAfter(context, content, atOnce));
  // The host can refuse some of the pushes at once, with `busy`.
  if (!one || !other || !together) return;
  const wrong = difference(together, one, stable(one, other), 'one after the other');
  if (wrong === undefined) return;
  context.addFinding({
    rule: 'order',
    severity: 'error',
    what: `${count} pushes at once change the storage: ${wrong}`,
    change:
      "read what a write depends on in the transaction: push.commit(async (tx) => …); or use order: 'serial'",
  });
}

/** @returns undefined if a push was not accepted. */
async function stateAfter(
  context: StepContext,
  { type, octets }: Content,
  pushAll: (push: () => Promise<boolean>) => Promise<boolean>,
): Promise<State | undefined> {
  const recorder = new CallRecorder();
  const host = await context.start(recorder);
  const push = async () => {
    const request = { app: context.definition.id, type, body: octets, mode: context.modeFor(octets) };
    return (await host.push(request)).outcome === 'delivered';
  };
  try {
    if (!(await pushAll(push))) return undefined;
    await inTime(inboxEmpty(host));
    reportErrors(context, recorder);
    return await settledState(context, host, recorder);
  } finally {
    await host.stop();
  }
}

function reportErrors(context: StepContext, { calls }: CallRecorder): void {
  const failed = calls.find((call) => context.unexpectedError(call) !== undefined);
  if (!failed) return;
  context.addFinding({
    rule: 'order',
    severity: 'error',
    what: `receive threw when several pushes were received at once: ${reason(failed.error)}`,
    where: context.locationOf(failed.error),
    change: "expect calls at the same time, or use order: 'serial'",
  });
}

/** Stops the application during a push. */

import { setTimeout as delay } from 'node:timers/promises';
import { slow } from '../../testing/index.js';
import { CallRecorder } from '../call-recorder.js';
import type { Content, StepContext } from '../step-context.js';

/** Milliseconds of real time, less than the three seconds after which the runtime stops waiting for the application. */
const STOP_DEADLINE = 2000;

export async function checkCancellation(context: StepContext): Promise<void> {
  for (const content of (await context.contents()).contents) {
    if (context.receivesStreams)
      await stopDuringPush(context, content, 'its content was still arriving', true);
    await stopDuringPush(context, content, 'a server did not answer its request', false);
  }
}

async function stopDuringPush(
  context: StepContext,
  { type, octets }: Content,
  what: string,
  slowContent: boolean,
): Promise<void> {
  const recorder = new CallRecorder();
  const host = await context.start(recorder, ({ signal }) => unansweredRequest(signal));
  const body = slowContent ? slow(octets, 2) : octets;
  const pushAbort = new AbortController();
  const mode = slowContent ? 'session' : context.modeFor(octets);
  const pushing = host
    .push({ app: context.definition.id, type, body, mode, signal: pushAbort.signal })
    .catch(() => {});
  if (slowContent && 'next' in body) body.next();
  for (let round = 0; round < 20 && recorder.calls.length === 0; round++) await delay(10);
  const stopping = host.stop();
  const until = performance.now() + STOP_DEADLINE;
  // The runtime may call receive until the host has stopped.
  while (recorder.pending.length > 0 && performance.now() < until) await delay(10);
  const continued = recorder.pending.length > 0;
  pushAbort.abort();
  await stopping;
  await pushing;
  if (!continued) return;
  context.addFinding({
    rule: 'cancellation',
    severity: 'error',
    what: `receive continued when the application was stopped while ${what}`,
    change: 'pass push.signal to each wait in receive, and return or throw when it is aborted',
  });
}

/** A server that does not answer. */
function unansweredRequest(signal: AbortSignal): Promise<Response> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

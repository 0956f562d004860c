/** It is stopped in the middle of a push. */

import { setTimeout as delay } from 'node:timers/promises';
import { slow } from '../../testing/index.js';
import type { Bench, Content } from '../bench.js';
import { CallRecorder } from '../watch.js';

/** Milliseconds of real time: the runtime waits three seconds, and goes on without it. */
const STOP_DEADLINE = 2000;

export async function checkCancellation(bench: Bench): Promise<void> {
  for (const content of (await bench.contents()).contents) {
    await stopDuringPush(bench, content, 'its content was still coming', true);
    await stopDuringPush(bench, content, 'a server it had asked did not answer', false);
  }
}

async function stopDuringPush(
  bench: Bench,
  { type, octets }: Content,
  what: string,
  slowly: boolean,
): Promise<void> {
  const watch = new CallRecorder();
  const host = await bench.start(watch, ({ signal }) => unansweredRequest(signal));
  const body = slowly ? slow(octets, 2) : octets;
  const over = new AbortController();
  const mode = slowly ? 'session' : bench.modeFor(octets);
  const pushing = host
    .push({ app: bench.definition.id, type, body, mode, signal: over.signal })
    .catch(() => {});
  if (slowly && 'next' in body) body.next();
  for (let round = 0; round < 20 && watch.calls.length === 0; round++) await delay(10);
  const stopping = host.stop();
  const until = performance.now() + STOP_DEADLINE;
  // Its receive may be called up to the last moment.
  while (watch.pending.length > 0 && performance.now() < until) await delay(10);
  const ignoring = watch.pending.length > 0;
  over.abort();
  await stopping;
  await pushing;
  if (!ignoring) return;
  bench.addFinding({
    rule: 'cancellation',
    severity: 'error',
    what: `receive went on when it was stopped while ${what}`,
    change: 'give context.signal to whatever receive waits for, and end when it is aborted',
  });
}

/** A server that does not answer. */
function unansweredRequest(signal: AbortSignal): Promise<Response> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

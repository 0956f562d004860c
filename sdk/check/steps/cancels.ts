/** It is stopped in the middle of a push. */

import { setTimeout as delay } from 'node:timers/promises';
import { slow } from '../../testing/index.js';
import type { Bench, Content } from '../bench.js';
import { Watch } from '../watch.js';

/** Milliseconds of real time: the runtime waits three seconds, and goes on without it. */
const PATIENCE = 2000;

export async function stopsInTheMiddle(bench: Bench): Promise<void> {
  for (const content of (await bench.contents()).contents) {
    await stopped(bench, content, 'its content was still coming', true);
    await stopped(bench, content, 'a server it had asked did not answer', false);
  }
}

async function stopped(
  bench: Bench,
  { type, octets }: Content,
  what: string,
  slowly: boolean,
): Promise<void> {
  const watch = new Watch();
  const host = await bench.start(watch, ({ signal }) => silence(signal));
  const body = slowly ? slow(octets, 2) : octets;
  const over = new AbortController();
  const mode = slowly ? 'session' : bench.modeFor(octets);
  const pushing = host
    .push({ app: bench.definition.id, type, body, mode, signal: over.signal })
    .catch(() => {});
  if (slowly && 'next' in body) body.next();
  for (let round = 0; round < 20 && watch.calls.length === 0; round++) await delay(10);
  const stopping = host.stop();
  const until = performance.now() + PATIENCE;
  // Its receive may be called up to the last moment.
  while (watch.pending.length > 0 && performance.now() < until) await delay(10);
  const ignoring = watch.pending.length > 0;
  over.abort();
  await stopping;
  await pushing;
  if (!ignoring) return;
  bench.find({
    rule: 'cancellation',
    severity: 'error',
    what: `receive went on when it was stopped while ${what}`,
    change: 'give context.signal to whatever receive waits for, and end when it is aborted',
  });
}

/** A server that does not answer. */
function silence(signal: AbortSignal): Promise<Response> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

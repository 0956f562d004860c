/** Content that comes slowly, that breaks off, and that is not what was offered. */

import { setTimeout as delay } from 'node:timers/promises';
import { brokenOff, corrupted, slow } from '../../testing/index.js';
import { turns } from '../../testing/test-clock.js';
import type { Bench, Content } from '../bench.js';
import { reason } from './start-stop.js';

const MINUTE = 60_000;
/** Milliseconds of real time for `receive` to end once its signal is aborted. */
const ABORT_DEADLINE = 2000;
/** A stream of less has no middle. */
const SMALLEST = 2;

export async function checkSlowStreams(bench: Bench): Promise<void> {
  for (const { type, octets, file } of (await bench.contents()).contents) {
    if (octets.length < SMALLEST) continue;
    await bench.withHost(async ({ host, watch, push }) => {
      const body = slow(octets, 3);
      const pushing = push({ type, body, mode: 'session' });
      body.next();
      await host.until(() => watch.calls.length > 0).catch(() => {});
      for (let piece = 0; piece < 2; piece++) {
        await turns();
        await host.clock.advance(MINUTE);
        body.next();
      }
      body.finish();
      const result = await pushing;
      // A durable application's sender is told yes, and it is given the push again.
      const error = watch.calls.find((call) => call.error !== undefined)?.error;
      // What is built in need not be what it expects.
      if ((result.outcome === 'delivered' && error === undefined) || file === undefined) return;
      bench.addFinding({
        rule: 'slow-streams',
        severity: 'error',
        what: `${type} that came slowly was not taken: ${error ? reason(error) : result.reason}`,
        locationOf: bench.where(error),
        change: 'wait for the stream as long as it takes: seconds are counted from when all of it is there',
      });
    });
  }
}

export async function checkBrokenStreams(bench: Bench): Promise<void> {
  for (const content of (await bench.contents()).contents) {
    if (content.octets.length < SMALLEST) continue;
    await brokenStream(bench, content, 'broke off', brokenOff(content.octets));
    await brokenStream(bench, content, 'was not what was offered', corrupted(content.octets));
  }
}

async function brokenStream(
  bench: Bench,
  { type }: Content,
  what: string,
  body: ReturnType<typeof brokenOff>,
): Promise<void> {
  const { id } = bench.definition;
  await bench.withHost(async ({ host, watch }) => {
    const before = JSON.stringify(await host.storage(id));
    await host.push({ app: id, type, body, mode: 'session' });
    const until = performance.now() + ABORT_DEADLINE;
    while (watch.pending.length > 0 && performance.now() < until) await delay(20);
    if (watch.pending.length > 0) {
      bench.addFinding({
        rule: 'lets-go',
        severity: 'error',
        what: `receive goes on after content of ${type} ${what}`,
        change: 'let the error of the stream out of receive, and wait for nothing past context.signal',
      });
    }
    const provisional =
      'what has come is provisional until commit resolves: write with commit, emit before it at most';
    if (JSON.stringify(await host.storage(id)) !== before) {
      bench.addFinding({
        rule: 'provisional',
        severity: 'error',
        what: `storage has something of content of ${type} that ${what}`,
        change: provisional,
      });
    }
    const [said] = host.emitted(id);
    if (said) {
      bench.addFinding({
        rule: 'provisional-events',
        severity: 'warning',
        what: `the event "${said.kind}" told of content of ${type} that ${what}`,
        change: 'read content to its end before telling of it',
      });
    }
  });
}

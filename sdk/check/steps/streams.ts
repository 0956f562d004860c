/** Content that arrives slowly, is interrupted, or differs from the offer. */

import { setTimeout as delay } from 'node:timers/promises';
import { brokenOff, corrupted, slow } from '../../testing/index.js';
import { turns } from '../../testing/test-clock.js';
import type { Content, StepContext } from '../step-context.js';
import { reason } from './start-stop.js';

const MINUTE = 60_000;
/** Milliseconds of real time for `receive` to finish after its signal is aborted. */
const ABORT_DEADLINE = 2000;
/** In octets. A shorter stream cannot be interrupted in the middle. */
const SMALLEST = 2;

export async function checkSlowStreams(context: StepContext): Promise<void> {
  if (!context.receivesStreams) return;
  for (const { type, octets, file } of (await context.contents()).contents) {
    if (octets.length < SMALLEST) continue;
    await context.withHost(async ({ host, recorder, push }) => {
      const body = slow(octets, 3);
      const pushing = push({ type, body, mode: 'session' });
      body.next();
      await host.until(() => recorder.calls.length > 0).catch(() => {});
      for (let piece = 0; piece < 2; piece++) {
        await turns();
        await host.clock.advance(MINUTE);
        body.next();
      }
      body.finish();
      const result = await pushing;
      // A durable push is confirmed to the sender and redelivered after an error.
      const error = recorder.calls.find((call) => call.error !== undefined)?.error;
      // The application may expect other content than the built-in sample.
      if ((result.outcome === 'delivered' && error === undefined) || file === undefined) return;
      context.addFinding({
        rule: 'slow-streams',
        severity: 'error',
        what: `${type} that arrived slowly was not accepted: ${error ? reason(error) : result.reason}`,
        where: context.locationOf(error),
        change:
          'wait for the stream without a deadline: the time limit of receive starts when all content has arrived',
      });
    });
  }
}

export async function checkBrokenStreams(context: StepContext): Promise<void> {
  if (!context.receivesStreams) return;
  for (const content of (await context.contents()).contents) {
    if (content.octets.length < SMALLEST) continue;
    await brokenStream(context, content, 'was interrupted', brokenOff(content.octets));
    await brokenStream(context, content, 'differed from the offer', corrupted(content.octets));
  }
}

async function brokenStream(
  context: StepContext,
  { type }: Content,
  what: string,
  body: ReturnType<typeof brokenOff>,
): Promise<void> {
  const { id } = context.definition;
  await context.withHost(async ({ host, recorder }) => {
    const before = JSON.stringify(await host.storage(id));
    await host.push({ app: id, type, body, mode: 'session' });
    const until = performance.now() + ABORT_DEADLINE;
    while (recorder.pending.length > 0 && performance.now() < until) await delay(20);
    if (recorder.pending.length > 0) {
      context.addFinding({
        rule: 'stream-failures',
        severity: 'error',
        what: `receive continues after content of ${type} ${what}`,
        change: 'throw the error of the stream from receive, and stop waiting when push.signal is aborted',
      });
    }
    const provisional = 'content is provisional until push.commit: write to storage in its transaction only';
    if (JSON.stringify(await host.storage(id)) !== before) {
      context.addFinding({
        rule: 'provisional',
        severity: 'error',
        what: `storage contains data of ${type} content that ${what}`,
        change: provisional,
      });
    }
    const [event] = host.emitted(id);
    if (event) {
      context.addFinding({
        rule: 'provisional-events',
        severity: 'warning',
        what: `the event "${event.kind}" was emitted for ${type} content that ${what}`,
        change: 'emit events about content in the transaction of push.commit',
      });
    }
  });
}

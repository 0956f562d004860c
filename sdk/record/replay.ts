/** Pushes a recording to a device in a test, and compares its events with the recorded ones. */

import { setTimeout as delay } from 'node:timers/promises';
import { LimitError } from '../../core/errors.js';
import type { TestHost } from '../testing/test-host.js';
import { difference } from './difference.js';
import { eventsOf, type HostEventRecord, linesOf, type SkippedPush, withRecordedTimes } from './events.js';
import { type Recording, readRecording } from './recording.js';

/** The options of `replay`. */
export interface ReplayOptions {
  /** Fields of events that are not compared, because they differ each time. */
  ignore?: readonly string[];
}

/** The result of a replay. */
export interface Replayed {
  /** Number of pushes that were replayed. */
  readonly pushes: number;
  /** Pushes that cannot be replayed. */
  readonly skipped: readonly {
    /** event-app-id of the push. */
    app: string;
    /** Sender of the push. */
    from: string;
    /** Why it cannot be replayed. */
    why: string;
  }[];
  /** Differences as `diff` prints them: `- ` recorded, `+ ` replayed. Empty if there are none. */
  readonly differences: readonly string[];
}

/** Milliseconds of real time in which an application must emit the recorded events. */
const EVENT_PATIENCE = 2000;
/** Milliseconds between two checks. */
const PACE = 20;
/** Milliseconds. If a push has no answer by then, it waits for the clock, which is then advanced. */
const PUSH_PATIENCE = 200;
/** Milliseconds between two pushes: a day, with its alarms and redeliveries. */
const LONGEST_PAUSE = 24 * 3600 * 1000;

/**
 * Pushes a recording of `sip-push record`, in order and with the recorded pauses on the clock of the host.
 * @param file path of the recording.
 * @param host receives the pushes.
 * @param options what not to compare.
 * @throws ConfigurationError naming the file and the invalid line.
 */
export async function replay(file: string, host: TestHost, options: ReplayOptions = {}): Promise<Replayed> {
  return await replayRecording(await readRecording(file), host, options);
}

/** Like `replay`, with a recording that is already read. */
export async function replayRecording(
  { pushes, skipped, events }: Recording,
  host: TestHost,
  { ignore = [] }: ReplayOptions,
): Promise<Replayed> {
  const first = host.events.length;
  const left: SkippedPush[] = [...skipped];
  let before: number | undefined;
  for (const { at, push } of pushes) {
    if (before !== undefined && at > before) await host.clock.advance(Math.min(at - before, LONGEST_PAUSE));
    before = Math.max(at, before ?? at);
    try {
      await advanceUntil(host, host.push(push));
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      left.push({ at, app: push.app, from: push.from ?? '', why: error.message });
    }
  }
  // Pushes that cannot be replayed cause no events.
  const expected = linesOf(eventsOf(events, left.slice(skipped.length)), ignore);
  const actual = () =>
    eventsOf(
      host.events.slice(first).map((event): HostEventRecord => ({ ...event })),
      left,
    );
  for (let waited = 0; actual().length < expected.length && waited < EVENT_PATIENCE; waited += PACE) {
    await delay(PACE);
  }
  return {
    pushes: pushes.length - (left.length - skipped.length),
    skipped: left.map(({ app, from, why }) => ({ app, from, why })),
    differences: difference(expected, withRecordedTimes(linesOf(actual(), ignore), expected)),
  };
}

/** Advances the clock of the host at real speed until the push has ended. */
async function advanceUntil(host: TestHost, pushing: Promise<unknown>): Promise<void> {
  let done = false;
  const ended = pushing.finally(() => {
    done = true;
  });
  await Promise.race([ended, delay(PUSH_PATIENCE)]);
  while (!done) {
    await Promise.race([ended, delay(PACE)]);
    if (!done) await host.clock.advance(PACE);
  }
  await ended;
}

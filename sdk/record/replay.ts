/** Pushes a recording to a device in a test, and compares its events with the recorded ones. */

import { setTimeout as delay } from 'node:timers/promises';
import { LimitError } from '../../core/errors.js';
import type { TestHost } from '../testing/test-host.js';
import { difference } from './difference.js';
import { type Recording, readRecording } from './recording.js';
import { atTheirTimes, eventsOf, linesOf, type SkippedPush, type ToldEvent } from './told.js';

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

/** Milliseconds of real time that an application has to tell what it told when it was recorded. */
const EVENT_PATIENCE = 2000;
/** Between two looks at what has come. */
const PACE = 20;
/** A push that is not answered by then has its application wait: time has to pass for it. */
const PUSH_PATIENCE = 200;
/** Of time between two pushes: alarms and redeliveries of a day. */
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

/** As `replay`, of a recording that was read. */
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
      await letting(host, host.push(push));
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      left.push({ at, app: push.app, from: push.from ?? '', why: error.message });
    }
  }
  // Of what could not be pushed here nothing can come.
  const expected = linesOf(eventsOf(events, left.slice(skipped.length)), ignore);
  const told = () =>
    eventsOf(
      host.events.slice(first).map((event): ToldEvent => ({ ...event })),
      left,
    );
  for (let waited = 0; told().length < expected.length && waited < EVENT_PATIENCE; waited += PACE) {
    await delay(PACE);
  }
  return {
    pushes: pushes.length - (left.length - skipped.length),
    skipped: left.map(({ app, from, why }) => ({ app, from, why })),
    differences: difference(expected, atTheirTimes(linesOf(told(), ignore), expected)),
  };
}

/** Lets time pass, as fast as it really does, while a push is under way. */
async function letting(host: TestHost, pushing: Promise<unknown>): Promise<void> {
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

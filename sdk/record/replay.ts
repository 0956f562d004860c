/** Gives recorded pushes to a device in a test, and compares what it tells of them with what was recorded. */

import { setTimeout as delay } from 'node:timers/promises';
import { LimitError } from '../../core/errors.js';
import type { TestHost } from '../testing/test-host.js';
import { difference } from './difference.js';
import { type Recording, readRecording } from './recording.js';
import { atTheirTimes, eventsOf, linesOf, type SkippedPush, type ToldEvent } from './told.js';

/** How a recording is given again. */
export interface ReplayOptions {
  /** Names of fields, of events, that differ each time: they are not compared. */
  ignore?: readonly string[];
}

/** What came of it. */
export interface Replayed {
  /** Pushes that were given again. */
  readonly pushes: number;
  /** Those that could not be. */
  readonly skipped: readonly { app: string; from: string; why: string }[];
  /** As `diff` shows it: lines with `- ` were recorded, lines with `+ ` came instead. None: all is as it was. */
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
 * Pushes what `sip-push record` has recorded, in its order and with its pauses, which `host.clock` makes.
 * @param file the recording.
 * @throws ConfigurationError naming the file, and the line that is wrong.
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

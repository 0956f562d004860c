/** Calls of the hooks of an application, except `receive`. */

import { defined } from '../../defined.js';
import { AppError, ConfigurationError, TimeoutError } from '../../errors.js';
import type { LogSink } from '../../log.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { handled, invoke, within } from '../../time/deadline.js';
import { type Refusal, refusalOf } from '../contract/outcome.js';
import type { CommitOperation, Push, PushDescription, PushOffer } from '../contract/push-app.js';
import type { Alarm } from '../contract/services.js';
import { CONSIDER_WITHIN, DESCRIBE_WITHIN, NEGOTIATED_WITHIN, QUERY_WITHIN } from '../limits.js';
import type { SetAlarm } from '../services/alarms.js';
import type { Application } from './application.js';

/** Limits in characters: of a title or a field, and of the text. */
const MAX_LINE = 200;
const MAX_TEXT = 10_000;
const MAX_FIELDS = 50;

/**
 * Describes a push for people. Never rejects: when the application throws, is late or returns an invalid value, the
 * description is a general one.
 */
export async function describePush(
  push: Push,
  app: Application | undefined,
  clock: Clock,
): Promise<PushDescription> {
  try {
    if (!app) return fallback(push);
    const described = invoke(() => app.instance.describe?.(push));
    return tidy(await within(clock, DESCRIBE_WITHIN, 'describe()', described)) ?? fallback(push);
  } catch {
    return fallback(push);
  }
}

function tidy(described: PushDescription | undefined): PushDescription | undefined {
  if (typeof described?.title !== 'string' || described.title === '') return undefined;
  const { title, text, fields } = described;
  const entries = Object.entries(fields ?? {}).slice(0, MAX_FIELDS);
  return {
    title: title.slice(0, MAX_LINE),
    text: typeof text === 'string' ? text.slice(0, MAX_TEXT) : undefined,
    fields:
      fields && Object.fromEntries(entries.map(([name, value]) => [name, String(value).slice(0, MAX_LINE)])),
  };
}

function fallback({ app, from, to, content, fileName }: Push): PushDescription {
  const size = content.size === undefined ? '' : `, ${content.size} bytes`;
  return {
    title: `Push for ${app}`,
    text: `${content.type.type}${size}`,
    fields: defined({ from, to, file: fileName }),
  };
}

/** Asks the application about a file that is offered. Undefined: it accepts the file. Never rejects. */
export async function considerOffer(
  app: Application,
  offer: PushOffer,
  clock: Clock,
): Promise<Refusal | undefined> {
  try {
    const answer = invoke(() => app.instance.consider?.(Object.freeze({ ...offer })));
    await within(clock, CONSIDER_WITHIN, 'consider()', answer);
    return undefined;
  } catch (error) {
    return refusalOf(error) ?? { kind: 'failed', reason: `${app.eventAppId}: ${reasonOf(error)}` };
  }
}

/** @throws ConfigurationError when the application has no queries; AppError when it throws or is late. */
export async function queryApplication(
  app: Application,
  name: string,
  args: unknown,
  clock: Clock,
): Promise<unknown> {
  const { eventAppId, instance } = app;
  if (typeof instance.query !== 'function') {
    throw new ConfigurationError(`${eventAppId} has no queries: start() returned no query function`);
  }
  const what = `query ${JSON.stringify(name)}`;
  try {
    return await within(
      clock,
      QUERY_WITHIN,
      what,
      invoke(() => instance.query?.(name, args)),
    );
  } catch (error) {
    throw new AppError(eventAppId, `${what} failed: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * Notifies applications of whether a sender supports them (TS 5.1-13). Their errors are logged; nothing waits for them.
 * @param supported canonical event-app-ids.
 */
export function notifyNegotiated(
  apps: readonly Application[],
  uri: string,
  supported: readonly string[],
  { clock, log }: { clock: Clock; log: LogSink },
): void {
  for (const { eventAppId, instance, stopping } of apps) {
    if (stopping || typeof instance.negotiated !== 'function') continue;
    const sender = { uri, supported: supported.includes(eventAppId) };
    const told = invoke(() => instance.negotiated?.(sender));
    within(clock, NEGOTIATED_WITHIN, 'negotiated()', told).catch((error: unknown) => {
      log({ level: 'error', app: eventAppId, message: `negotiated() failed: ${reasonOf(error)}` });
    });
  }
}

/**
 * Calls `alarm` with a deadline. Rejects when the application throws or is late. A commit of a late call still counts.
 */
export function deliverAlarm(app: Application, alarm: Alarm, set: SetAlarm, clock: Clock): Promise<void> {
  const controller = new AbortController();
  const commit = (operations: readonly CommitOperation[] = []) => handled(commitAlarm(app, set, operations));
  const seconds = app.manifest.receiveSeconds;
  return new Promise((resolve, reject) => {
    const giveUp = (why: Error) => {
      controller.abort(why);
      over();
      reject(why);
    };
    const cancel = clock.after(seconds * 1000, () =>
      giveUp(new TimeoutError(`alarm() did not end within ${seconds} s (limits.seconds)`)),
    );
    const running = app.enter({ abort: (why) => controller.abort(why), giveUp });
    const over = () => {
      cancel();
      running.leave();
    };
    invoke(() => app.instance.alarm?.(alarm, { commit, signal: controller.signal }))
      .finally(over)
      .then(resolve, reject);
  });
}

/** @throws AppError when the alarm has ended, or its application was stopped. */
async function commitAlarm(
  { scope }: Application,
  set: SetAlarm,
  operations: readonly CommitOperation[],
): Promise<void> {
  const { eventAppId, active, own, alarms } = scope;
  const problem = (words: string) =>
    new AppError(eventAppId, `alarm "${set.key}" cannot be committed: ${words}`);
  if (!active) throw problem('the application was stopped');
  const batch = own.batch(operations);
  if (!(await alarms?.end(set, (removal) => batch.write(removal)))) {
    throw problem('it has ended, was cancelled, or was replaced');
  }
}

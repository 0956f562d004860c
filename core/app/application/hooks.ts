/** Calls of the hooks of an application, except `receive`. */

import { defined } from '../../defined.js';
import { AppError, TimeoutError } from '../../errors.js';
import type { LogSink } from '../../log.js';
import { printable, reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { handled, invoke, within } from '../../time/deadline.js';
import { eventAppKey } from '../contract/event-app-id.js';
import { checkedAnswer, checkedQuery } from '../contract/events.js';
import { internalFailure, type Refusal, refusalOf, requireNoRefusal } from '../contract/outcome.js';
import type { Push, PushDescription, PushOffer } from '../contract/push.js';
import type { Alarm, DueAlarm } from '../contract/services.js';
import type { CommitOperation, Transaction } from '../contract/transaction.js';
import { CONSIDER_WITHIN, DESCRIBE_WITHIN, NEGOTIATED_WITHIN, QUERY_WITHIN } from '../limits.js';
import type { SetAlarm } from '../services/alarms.js';
import { type CommitOperations, withCommitOperations } from '../services/transactions.js';
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
  const entries = Object.entries(defined(fields ?? {})).slice(0, MAX_FIELDS);
  return {
    title: line(title),
    text:
      typeof text === 'string' ? text.slice(0, MAX_TEXT).split('\n').map(printable).join('\n') : undefined,
    fields: fields && Object.fromEntries(entries.map(([name, value]) => [line(name), line(String(value))])),
  };
}

function line(text: string): string {
  return printable(text.slice(0, MAX_LINE));
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
    requireNoRefusal(await within(clock, CONSIDER_WITHIN, 'consider()', answer));
    return undefined;
  } catch (error) {
    return refusalOf(error) ?? internalFailure(`${app.eventAppId}: ${reasonOf(error)}`);
  }
}

/** @throws AppError when the application does not answer this query, its arguments are invalid, or it throws or is late. */
export async function queryApplication(
  app: Application,
  name: string,
  args: unknown,
  clock: Clock,
): Promise<unknown> {
  const { eventAppId, instance, manifest } = app;
  const { what, run } = checkedQuery(manifest, instance, name, args);
  let answer: unknown;
  try {
    answer = await within(clock, QUERY_WITHIN, what, invoke(run));
  } catch (error) {
    throw new AppError(eventAppId, `${what} failed: ${reasonOf(error)}`, { cause: error });
  }
  return checkedAnswer(eventAppId, what, answer);
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
  const keys = new Set(supported.map(eventAppKey));
  for (const { eventAppId, instance, stopping } of apps) {
    if (stopping || typeof instance.negotiated !== 'function') continue;
    const sender = { uri, supported: keys.has(eventAppKey(eventAppId)) };
    const notified = invoke(() => instance.negotiated?.(sender));
    within(clock, NEGOTIATED_WITHIN, 'negotiated()', notified).catch((error: unknown) => {
      log({ level: 'error', app: eventAppId, message: `negotiated() failed: ${reasonOf(error)}` });
    });
  }
}

/**
 * Calls `alarm` with a deadline, in its turn. Rejects when the application throws or is late. A commit of a late call
 * still counts.
 */
export async function deliverAlarm(
  app: Application,
  alarm: Alarm,
  set: SetAlarm,
  clock: Clock,
): Promise<void> {
  const turn = app.enterSlotOfAlarm();
  if (!(await turn?.ready)) throw new AppError(app.eventAppId, 'is being stopped');
  try {
    await callAlarm(app, alarm, set, clock);
  } finally {
    turn?.leave();
  }
}

function callAlarm(app: Application, alarm: Alarm, set: SetAlarm, clock: Clock): Promise<void> {
  const controller = new AbortController();
  const due = dueAlarm(app, alarm, set, controller.signal);
  const seconds = app.manifest.timeout;
  return new Promise((resolve, reject) => {
    const giveUp = (why: Error) => {
      controller.abort(why);
      over();
      reject(why);
    };
    const cancel = clock.after(seconds * 1000, () =>
      giveUp(new TimeoutError(`alarm() did not end within ${seconds} s (timeout)`)),
    );
    const running = app.enter({ abort: (why) => controller.abort(why), giveUp });
    const over = () => {
      cancel();
      running.leave();
    };
    invoke(() => app.instance.alarm?.(due))
      .finally(over)
      .then(resolve, reject);
  });
}

function dueAlarm(app: Application, alarm: Alarm, set: SetAlarm, signal: AbortSignal): DueAlarm {
  const commitOperations: CommitOperations = (operations) => commitAlarm(app, set, operations);
  const due: DueAlarm = {
    ...alarm,
    signal,
    commit: <Result>(write?: (tx: Transaction) => Result | Promise<Result>) =>
      app.scope.transactions.run(write, commitOperations),
  };
  const raw: CommitOperations = (operations) =>
    handled(invoke(() => commitOperations(app.scope.own.checked(operations))));
  return Object.freeze(withCommitOperations(due, raw));
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

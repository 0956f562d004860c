/** Pushes each declared type in both modes, checks alarms and descriptions, and looks for leaks. */

import { relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DESCRIBE_WITHIN } from '../../../core/app/limits.js';
import type { TestPushResult } from '../../testing/index.js';
import type { CallRecorder } from '../call-recorder.js';
import { LeakTracker } from '../leaks.js';
import type { Content, HostContext, StepContext } from '../step-context.js';
import { reason, reportLeaks } from './start-stop.js';

const DAY = 86_400_000;
/** Milliseconds of real time for `describe`. */
const DESCRIBE_DEADLINE = 1000;

export async function checkDeclaredTypes(context: StepContext): Promise<void> {
  const { contents, missing } = await context.contents();
  for (const type of missing) {
    context.addFinding({
      rule: 'samples',
      severity: 'warning',
      what: `${type} has no sample and cannot be checked`,
      where: 'package.json: sipPush.apps[].samples',
      change: `add a file: "samples": { "${type}": ["./samples/…"] }`,
    });
  }
  const tracker = LeakTracker.open(context.app.folder);
  await pushEach(context, contents);
  reportLeaks(context, await tracker.close());
}

async function pushEach(context: StepContext, contents: readonly Content[]): Promise<void> {
  for (const content of contents) {
    for (const mode of new Set([context.modeFor(content.octets), 'session' as const])) {
      await context.withHost(async (hostContext) => {
        await pushOne(context, hostContext, content, mode);
        await checkAlarms(context, hostContext);
      });
    }
  }
}

/** Advances the clock by a day, so that alarms of the application are due. */
async function checkAlarms(context: StepContext, { host, recorder }: HostContext): Promise<void> {
  if (!recorder.hasAlarm) return;
  await host.clock.advance(DAY);
  const { alarmError: error } = recorder;
  if (error === undefined) return;
  context.addFinding({
    rule: 'alarms',
    severity: 'error',
    what: `alarm threw: ${reason(error)}`,
    where: context.locationOf(error),
    change:
      'resolve even if the subject of the alarm no longer exists: an alarm that throws is delivered again',
  });
}

async function pushOne(
  context: StepContext,
  { host, recorder, push }: HostContext,
  { type, octets, file }: Content,
  mode: 'pager' | 'session',
): Promise<void> {
  const first = recorder.calls.length;
  const result = await push({ type, body: octets, mode });
  // A durable push may be confirmed to the sender and redelivered after an error.
  const error = recorder.calls.slice(first).find((call) => call.error !== undefined)?.error;
  // Other rules report these errors.
  const explained = recorder.emitErrors.length > 0 || recorder.considerError !== undefined;
  if (explained) return;
  if (result.outcome !== 'delivered' || error !== undefined) {
    // The status of a durable push that is on disk is 200.
    const status = result.outcome === 'delivered' ? '' : `${result.status ?? ''} `;
    context.addFinding({
      rule: 'accepts-types',
      // The application may expect other content than the built-in sample.
      severity: file === undefined ? 'warning' : 'error',
      what: `${type} in ${mode} mode was not accepted: ${status}${error ? reason(error) : result.reason}`,
      where: context.locationOf(error) ?? (file && relative(context.app.folder, file)),
      change:
        error !== undefined && context.unexpectedError({ error }) !== undefined
          ? 'fix the error that receive throws: the host would deliver a durable push again; throw refuse(…) for content that the application does not want'
          : file === undefined
            ? `add a sample that it accepts to sipPush.apps[].samples in package.json: { "${type}": ["./samples/…"] }`
            : `replace the sample ${relative(context.app.folder, file)} if its content is invalid, or accept it, or remove the type from accepts`,
    });
  } else await checkDescription(context, host, recorder, result);
}

async function checkDescription(
  context: StepContext,
  host: HostContext['host'],
  recorder: CallRecorder,
  { pushId = '' }: TestPushResult,
): Promise<void> {
  recorder.described = undefined;
  const describing = host.describe(pushId);
  await Promise.race([describing, delay(DESCRIBE_DEADLINE, undefined, { ref: false })]);
  await host.clock.advance(DESCRIBE_WITHIN);
  await describing;
  const { title, error }: NonNullable<CallRecorder['described']> = recorder.described ?? {};
  if (typeof title === 'string' && title !== '') return;
  context.addFinding({
    rule: 'describes',
    severity: recorder.hasDescribe ? 'warning' : 'advice',
    what: descriptionProblem(recorder, error),
    where: context.locationOf(error),
    change:
      'implement describe(push) { return { title: … } } for each accepted push, and return within two seconds',
  });
}

function descriptionProblem({ hasDescribe, described }: CallRecorder, error: unknown): string {
  if (!hasDescribe) return 'there is no describe: users see only the type of a push';
  if (!described) return 'describe did not finish';
  return error === undefined ? 'describe returned no title' : `describe threw: ${reason(error)}`;
}

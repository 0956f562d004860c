/** Each declared type, in both modes; what people see of it; and that nothing is left of it. */

import { relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DESCRIBE_WITHIN } from '../../../core/app/limits.js';
import type { TestPushResult } from '../../testing/index.js';
import type { Bench, Content, HostContext } from '../bench.js';
import { LeakTracker } from '../leaks.js';
import type { CallRecorder } from '../watch.js';
import { reason, reportLeaks } from './start-stop.js';

const DAY = 86_400_000;
/** Milliseconds of real time that describe may take. */
const DESCRIBE_DEADLINE = 1000;

export async function checkDeclaredTypes(bench: Bench): Promise<void> {
  const { contents, missing } = await bench.contents();
  for (const type of missing) {
    bench.addFinding({
      rule: 'samples',
      severity: 'warning',
      what: `there is no sample of ${type}: it cannot be checked`,
      locationOf: 'package.json: sipPush.apps[].samples',
      change: `add a file: "samples": { "${type}": ["./samples/…"] }`,
    });
  }
  const tracker = LeakTracker.open(bench.app.folder);
  await pushEach(bench, contents);
  reportLeaks(bench, await tracker.close());
}

async function pushEach(bench: Bench, contents: readonly Content[]): Promise<void> {
  for (const content of contents) {
    await bench.withHost(async (scene) => {
      const modes = [...new Set([bench.modeFor(content.octets), 'session' as const])];
      for (const mode of modes) await pushOne(bench, scene, content, mode);
      await checkAlarms(bench, scene);
    });
  }
}

/** What it has asked to be told of within a day. */
async function checkAlarms(bench: Bench, { host, watch }: HostContext): Promise<void> {
  if (!watch.hasAlarm) return;
  await host.clock.advance(DAY);
  const { alarmError: error } = watch;
  if (error === undefined) return;
  bench.addFinding({
    rule: 'alarms',
    severity: 'error',
    what: `alarm threw: ${reason(error)}`,
    locationOf: bench.where(error),
    change: 'resolve when what the alarm is for has gone: until then it rings again',
  });
}

async function pushOne(
  bench: Bench,
  { host, watch, push }: HostContext,
  { type, octets, file }: Content,
  mode: 'pager' | 'session',
): Promise<void> {
  const first = watch.calls.length;
  const result = await push({ type, body: octets, mode });
  // A durable application's sender may be told yes, and it is given the push again.
  const error = watch.calls.slice(first).find((call) => call.error !== undefined)?.error;
  if (result.outcome !== 'delivered' || error !== undefined) {
    bench.addFinding({
      rule: 'takes-types',
      // What is built in need not be what it expects.
      severity: file === undefined ? 'warning' : 'error',
      what: `${type} in ${mode} mode was not taken: ${result.status ?? ''} ${error ? reason(error) : result.reason}`,
      locationOf: bench.where(error) ?? (file && relative(bench.app.folder, file)),
      change:
        file === undefined
          ? `add a sample of what it takes: sipPush.apps[].samples in package.json, { "${type}": ["./samples/…"] }`
          : 'take what the manifest says that it takes, or take the type from accepts',
    });
  } else await checkDescription(bench, host, watch, result);
}

async function checkDescription(
  bench: Bench,
  host: HostContext['host'],
  watch: CallRecorder,
  { pushId = '' }: TestPushResult,
): Promise<void> {
  watch.described = undefined;
  const showing = host.describe(pushId);
  await Promise.race([showing, delay(DESCRIBE_DEADLINE, undefined, { ref: false })]);
  await host.clock.advance(DESCRIBE_WITHIN);
  await showing;
  const { title, error }: NonNullable<CallRecorder['described']> = watch.described ?? {};
  if (typeof title === 'string' && title !== '') return;
  bench.addFinding({
    rule: 'describes',
    severity: watch.hasDescribe ? 'warning' : 'advice',
    what: descriptionProblem(watch, error),
    locationOf: bench.where(error),
    change: 'describe(push) { return { title: … } } within two seconds, for every push that it has taken',
  });
}

function descriptionProblem({ hasDescribe, described }: CallRecorder, error: unknown): string {
  if (!hasDescribe) return 'it has no describe: people see no more than the type of a push';
  if (!described) return 'describe did not end';
  return error === undefined ? 'describe gave no title' : `describe threw: ${reason(error)}`;
}

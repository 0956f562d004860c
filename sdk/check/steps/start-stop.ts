/** Starts the application, restarts it with its stored data, stops it, and looks for leaks. */

import { setTimeout as delay } from 'node:timers/promises';
import { InvalidInstanceError } from '../../../core/app/application/started-app.js';
import { CallRecorder } from '../call-recorder.js';
import { type Leak, LeakTracker } from '../leaks.js';
import type { StepContext } from '../step-context.js';

const CHANGES: Readonly<Record<Leak['kind'], string>> = {
  timer:
    'clear it in stop or when signal is aborted; for an alarm that outlives the host, use the service schedule',
  handle: 'close it in stop or when signal is aborted',
  promise: 'settle it when signal is aborted',
  listener: 'remove it in stop; better, leave process events to the host',
  global: 'keep it in the closure of start: two applications may share a process',
};

export async function checkStartAndStop(context: StepContext): Promise<void> {
  const tracker = LeakTracker.open(context.app.folder);
  await restartAndStop(context);
  reportLeaks(context, await tracker.close());
}

/** A separate function, so that its variables do not refer to the host when leaks are counted. */
async function restartAndStop(context: StepContext): Promise<void> {
  const recorder = new CallRecorder();
  const host = await startHost(context, recorder);
  if (!host) return;
  try {
    await host.restart();
  } catch (error) {
    context.addFinding({
      rule: 'starts-again',
      severity: 'error',
      what: `the application does not start again with its stored data: ${reason(error)}`,
      where: context.locationOf(error),
      change: 'expect data in storage when start runs: an earlier version may have written it',
    });
  }
  await host.stop();
  await delay(0);
  if (recorder.stopping || recorder.stopError !== undefined) {
    context.addFinding({
      rule: 'stops',
      severity: 'error',
      what: recorder.stopping ? 'stop did not finish' : `stop threw: ${reason(recorder.stopError)}`,
      where: context.locationOf(recorder.stopError),
      change:
        'release resources, and wait only for operations that end when signal is aborted, as it is during stop',
    });
  }
}

async function startHost(context: StepContext, recorder: CallRecorder) {
  try {
    return await context.start(recorder);
  } catch (error) {
    context.addFinding({
      rule: 'starts',
      severity: 'error',
      what: `the application does not start: ${reason(error)}`,
      where: context.locationOf(error) ?? context.locationOf(Object(error).cause),
      change: `${startAdvice(context, error)}; the remaining steps were skipped`,
    });
    return undefined;
  }
}

/** An application with a schema often requires options. */
function startAdvice({ app, definition }: StepContext, error: unknown): string {
  if (error instanceof InvalidInstanceError) return 'correct what start returns';
  if (definition.options !== undefined && app.options === undefined) {
    return 'the check starts the application without options: add examples to the schema of the options, like .meta({ examples: [{ … }] }) of zod, and run "sip-push build"';
  }
  return 'make start succeed with the options of the check: the first of "examples" in sipPush.apps[].options, otherwise {}';
}

export function reportLeaks(context: StepContext, leaks: readonly Leak[]): void {
  for (const { kind, name, where } of leaks) {
    context.addFinding({
      rule: `leaves-${kind}s`,
      severity: kind === 'promise' || kind === 'global' ? 'warning' : 'error',
      what: `a ${kind} (${name}) remains after the application has stopped`,
      where,
      change: CHANGES[kind],
    });
  }
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\s+/g, ' ') : String(error);
}

/** It starts, stops, and starts again with what it has stored; nothing is left behind. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from '../bench.js';
import { type Leak, LeakTracker } from '../leaks.js';
import { CallRecorder } from '../watch.js';

const CHANGES: Readonly<Record<Leak['kind'], string>> = {
  timer:
    'clear it in stop, or when context.signal is aborted; an alarm that has to outlive the host is one of the service schedule',
  handle: 'close it in stop, or when context.signal is aborted',
  promise: 'settle it when context.signal is aborted',
  listener: 'take it off in stop; better, leave the process to the host',
  global: 'keep it in the closure of start: two applications may share a process',
};

export async function checkStartAndStop(bench: Bench): Promise<void> {
  const tracker = LeakTracker.open(bench.app.folder);
  await restartAndStop(bench);
  reportLeaks(bench, await tracker.close());
}

/** A function of its own, so that nothing of it is alive when it has returned. */
async function restartAndStop(bench: Bench): Promise<void> {
  const watch = new CallRecorder();
  const host = await startHost(bench, watch);
  if (!host) return;
  try {
    await host.restart();
  } catch (error) {
    bench.addFinding({
      rule: 'starts-again',
      severity: 'error',
      what: `it does not start again with what it has stored: ${reason(error)}`,
      locationOf: bench.where(error),
      change: 'read what start finds in storage as something that an earlier version may have written',
    });
  }
  await host.stop();
  await delay(0);
  if (watch.stopping || watch.stopError !== undefined) {
    bench.addFinding({
      rule: 'stops',
      severity: 'error',
      what: watch.stopping ? 'stop did not end' : `stop threw: ${reason(watch.stopError)}`,
      locationOf: bench.where(watch.stopError),
      change: 'end what was begun, and wait for nothing that does not end: its signal has been aborted',
    });
  }
}

async function startHost(bench: Bench, watch: CallRecorder) {
  try {
    return await bench.start(watch);
  } catch (error) {
    bench.addFinding({
      rule: 'starts',
      severity: 'error',
      what: `it does not start: ${reason(error)}`,
      locationOf: bench.where(error) ?? bench.where(Object(error).cause),
      change:
        'make start work with the options of the check: the first of "examples" in sipPush.apps[].options, {} where there is none; the rest of the check waits for that',
    });
    return undefined;
  }
}

export function reportLeaks(bench: Bench, leaks: readonly Leak[]): void {
  for (const { kind, name, where } of leaks) {
    bench.addFinding({
      rule: `leaves-${kind}s`,
      severity: kind === 'promise' || kind === 'global' ? 'warning' : 'error',
      what: `a ${kind} (${name}) is left when it has stopped`,
      locationOf,
      change: CHANGES[kind],
    });
  }
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\s+/g, ' ') : String(error);
}

/** A runtime on a store in memory, and pushes for it. */

import { vi } from 'vitest';
import { platform } from '#platform';
import type { AppEvent, PushAppDefinition } from '../../core/app/contract.js';
import {
  type Clock,
  type IncomingPush,
  type LogRecord,
  type Outcome,
  PushRuntime,
  type RuntimeLimits,
} from '../../core/app/index.js';
import { memoryContent } from '../../core/content/memory-content.js';
import type { Store } from '../../core/platform/platform.js';

const encoder = new TextEncoder();

/** vitest's fake timers drive it; chance is what a test says. */
export const testClock = (random = 0): Clock => ({
  now: () => Date.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  random: () => random,
});

export interface Bench {
  runtime: PushRuntime;
  store: Store;
  logs: LogRecord[];
  events: AppEvent[];
  /** Sends a push as an agent does: resolves the application, dispatches. */
  push(options?: PushOptions): Promise<Outcome>;
  /** The same store, as after a restart. */
  restart(): Promise<Bench>;
}

export interface PushOptions extends Partial<Omit<IncomingPush, 'app' | 'content'>> {
  id?: string;
  type?: string;
  text?: string;
  iari?: string;
}

/** What comes of something that waits for time to pass, as far as it has to. */
export async function settled<T>(promise: Promise<T>): Promise<T> {
  let over = false;
  const watched = promise.finally(() => {
    over = true;
  });
  watched.catch(() => {});
  while (!over) await vi.advanceTimersToNextTimerAsync();
  return watched;
}

/** A promise that a test opens when it wants. */
export function newGate(): { passed: Promise<void>; open(): void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

let serial = 0;

export async function openBench(
  options: { store?: Store; limits?: Partial<RuntimeLimits>; random?: number } = {},
): Promise<Bench> {
  const store = options.store ?? (await platform.openStore());
  const logs: LogRecord[] = [];
  const events: AppEvent[] = [];
  const runtime = await PushRuntime.open({
    store,
    log: (record) => logs.push(record),
    emit: (event) => events.push(event),
    clock: testClock(options.random),
    ...(options.limits ? { limits: options.limits } : {}),
  });
  return {
    runtime,
    store,
    logs,
    events,
    push: (push) => dispatch(runtime, push),
    restart: () => openBench({ ...options, store }),
  };
}

function dispatch(runtime: PushRuntime, options: PushOptions = {}): Promise<Outcome> {
  const { id = 'test.ua', type = 'text/plain', text = 'hello', iari, ...rest } = options;
  const app = runtime.resolve([id], type, iari);
  if (typeof app === 'string') throw new Error(`no application takes ${type} for ${id}: ${app}`);
  return runtime.dispatch({
    app,
    key: `key-${++serial}`,
    from: 'sip:psa@domain.test',
    to: 'sip:bob@domain.test',
    mode: 'pager',
    headers: {},
    content: memoryContent({ type, parameters: {} }, encoder.encode(text)),
    ...rest,
  });
}

/** An application that takes text/plain; what it does with a push is the test's to say. */
export function testApp(
  receive: Awaited<ReturnType<PushAppDefinition['start']>>['receive'],
  more: Partial<PushAppDefinition> = {},
): PushAppDefinition {
  return { id: 'test.ua', accepts: ['text/plain'], start: () => ({ receive }), ...more };
}

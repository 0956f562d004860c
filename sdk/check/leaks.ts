/** Timers, handles, promises, listeners and globals that an application leaves behind. */

import { createHook } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { turns } from '../testing/test-clock.js';
import { formatLocation, isInFolder, type SourceLocation, sourceLocations } from './finding.js';

/** A leaked resource, and the line that created it. */
export interface Leak {
  kind: 'timer' | 'promise' | 'handle' | 'listener' | 'global';
  name: string;
  where: string;
}

/** Milliseconds of real time for resources that are being closed. */
const SETTLE_MS = 150;
/** Stack frames to capture: enough to reach the application's own frames. */
const STACK_DEPTH = 40;
/** Folders of the runtime. Resources created there do not belong to the application. */
const RUNTIME_FOLDERS = ['core', 'sdk/testing', 'sdk/network', 'sdk/check'].map((folder) =>
  fileURLToPath(new URL(`../../${folder}`, import.meta.url)),
);
const THIS_FILE = fileURLToPath(import.meta.url);
/** Resources that Node.js creates and releases by itself. */
const INTERNAL_TYPES = new Set([
  'TickObject',
  'RANDOMBYTESREQUEST',
  'ELDHISTOGRAM',
  'PerformanceObserver',
  'Immediate',
]);

/** The line of the application that created a resource; undefined for resources of the runtime. */
type Origin = string | undefined;

interface PendingResource {
  type: string;
  origin: Origin;
}

/** Tracks resources from `open` to `close`. */
export class LeakTracker {
  readonly #pending = new Map<number, PendingResource>();
  /** By id, including released resources, because a resource that they created has the same origin. */
  readonly #origins = new Map<number, Origin>();
  readonly #listeners = listenerCounts();
  readonly #globals = new Set(Object.getOwnPropertyNames(globalThis));
  readonly #depth = Error.stackTraceLimit;
  readonly #hook = createHook({
    init: (id, type, trigger) => {
      const holder: { stack?: string } = {};
      Error.captureStackTrace(holder);
      const origin = this.#originOf(holder.stack ?? '', trigger);
      this.#origins.set(id, origin);
      if (origin !== undefined && !INTERNAL_TYPES.has(type)) this.#pending.set(id, { type, origin });
    },
    destroy: (id) => void this.#pending.delete(id),
    promiseResolve: (id) => void this.#pending.delete(id),
  });

  private constructor(private readonly folder: string) {}

  static open(folder: string): LeakTracker {
    const tracker = new LeakTracker(folder);
    Error.stackTraceLimit = STACK_DEPTH;
    tracker.#hook.enable();
    return tracker;
  }

  /** Call it when the application has stopped and nothing refers to it. */
  async close(): Promise<Leak[]> {
    await delay(SETTLE_MS);
    for (let round = 0; round < 3; round++) {
      // An unreachable promise is garbage, not a leak. The child process runs with --expose-gc.
      globalThis.gc?.();
      await turns();
    }
    this.#hook.disable();
    Error.stackTraceLimit = this.#depth;
    return [...[...this.#pending.values()].map(leakOf), ...this.#newListeners(), ...this.#newGlobals()];
  }

  #originOf(stack: string, trigger: number): Origin {
    const locations = sourceLocations(stack).filter(({ path }) => path !== THIS_FILE);
    const [nearest] = locations;
    if (nearest && isRuntime(nearest)) return undefined;
    const own = locations.find((location) => isInFolder(location, this.folder));
    return own ? formatLocation(own, this.folder) : this.#origins.get(trigger);
  }

  #newListeners(): Leak[] {
    const now = listenerCounts();
    return [...now].flatMap(([name, count]): Leak[] =>
      count > (this.#listeners.get(name) ?? 0)
        ? [{ kind: 'listener', name: String(name), where: 'process' }]
        : [],
    );
  }

  #newGlobals(): Leak[] {
    return Object.getOwnPropertyNames(globalThis).flatMap((name): Leak[] =>
      this.#globals.has(name) ? [] : [{ kind: 'global', name, where: 'globalThis' }],
    );
  }
}

function leakOf({ type, origin = '' }: PendingResource): Leak {
  const kind = type === 'Timeout' ? 'timer' : type === 'PROMISE' ? 'promise' : 'handle';
  return { kind, name: type, where: origin };
}

function isRuntime(location: SourceLocation): boolean {
  return RUNTIME_FOLDERS.some((folder) => isInFolder(location, folder));
}

function listenerCounts(): Map<string | symbol, number> {
  return new Map(process.eventNames().map((name) => [name, process.listenerCount(name)]));
}

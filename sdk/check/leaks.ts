/** What an application began and has not ended: timers, handles, promises, listeners, globals. */

import { createHook } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { turns } from '../testing/test-clock.js';
import { isInFolder, type SourceLocation, sourceLocations, formatLocation } from './finding.js';

/** What is left, and the line that began it. */
export interface Leak {
  kind: 'timer' | 'promise' | 'handle' | 'listener' | 'global';
  name: string;
  where: string;
}

/** Milliseconds of real time for what is ending to end. */
const SETTLE_MS = 150;
/** Frames of a stack that are kept, so that the application's own is among them. */
const STACK_DEPTH = 40;
/** Of this package: they are the runtime's, not the application's. */
const RUNTIME_FOLDERS = ['core', 'sdk/testing', 'sdk/network', 'sdk/check'].map((room) =>
  fileURLToPath(new URL(`../../${room}`, import.meta.url)),
);
const THIS_FILE = fileURLToPath(import.meta.url);
/** What Node.js makes for itself, and ends in its own time. */
const INTERNAL_TYPES = new Set(['TickObject', 'RANDOMBYTESREQUEST', 'ELDHISTOGRAM', 'PerformanceObserver', 'Immediate']);

/** What is the application's has the line that began it; what the runtime has begun has none. */
type Origin = string | undefined;

interface PendingResource {
  type: string;
  origin: Origin;
}

/** Tracks from `open` on. */
export class LeakTracker {
  readonly #begun = new Map<number, PendingResource>();
  /** Also of what has ended: what comes of it is by the same line. */
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
      if (origin !== undefined && !INTERNAL_TYPES.has(type)) this.#begun.set(id, { type, origin });
    },
    destroy: (id) => void this.#begun.delete(id),
    promiseResolve: (id) => void this.#begun.delete(id),
  });

  private constructor(private readonly folder: string) {}

  static open(folder: string): LeakTracker {
    const tracker = new LeakTracker(folder);
    Error.stackTraceLimit = STACK_DEPTH;
    tracker.#hook.enable();
    return tracker;
  }

  /** When the application has been stopped, and nothing refers to it any more. */
  async close(): Promise<Leak[]> {
    await delay(SETTLE_MS);
    for (let round = 0; round < 3; round++) {
      // What nobody can settle any more is garbage, and no leak. The child is started with --expose-gc.
      globalThis.gc?.();
      await turns();
    }
    this.#hook.disable();
    Error.stackTraceLimit = this.#depth;
    return [...[...this.#begun.values()].map(leakOf), ...this.#newListeners(), ...this.#newGlobals()];
  }

  #originOf(stack: string, trigger: number): Origin {
    const places = sourceLocations(stack).filter(({ path }) => path !== THIS_FILE);
    const [nearest] = places;
    if (nearest && isRuntime(nearest)) return undefined;
    const own = places.find((place) => isInFolder(place, this.folder));
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

function isRuntime(place: SourceLocation): boolean {
  return RUNTIME_FOLDERS.some((room) => isInFolder(place, room));
}

function listenerCounts(): Map<string | symbol, number> {
  return new Map(process.eventNames().map((name) => [name, process.listenerCount(name)]));
}

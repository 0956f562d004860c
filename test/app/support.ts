/** A runtime with a store in memory, and pushes for it. */

import { vi } from 'vitest';
import { platform } from '#platform';
import type { ApplicationEvent, PushAppDefinition } from '../../core/app/contract/push-app.js';
import {
  type Clock,
  type DeliveryEvent,
  type IncomingPush,
  type IncomingTransfer,
  type LogRecord,
  type Outcome,
  PushRuntime,
  type RuntimeLimits,
  type Transfer,
  type TransferAnswer,
} from '../../core/app/index.js';
import { memoryContent } from '../../core/content/content.js';
import type { LevelStore } from '../../core/platform/level.js';
import { systemClock } from '../../core/time/clock.js';

const encoder = new TextEncoder();

/** A clock that vitest's fake timers drive, with a fixed random number. */
export const testClock = (random = 0): Clock => ({ ...systemClock, random: () => random });

export interface Bench {
  runtime: PushRuntime;
  store: LevelStore;
  logs: LogRecord[];
  events: ApplicationEvent[];
  deliveries: DeliveryEvent[];
  /** Sends a push as an agent does: resolves the application, dispatches. */
  push(options?: PushOptions): Promise<Outcome>;
  /** Offers a file as an agent does in session mode. */
  offer(options?: OfferOptions): Promise<TransferAnswer>;
  /** Opens another runtime with the same store, as after a restart. */
  restart(): Promise<Bench>;
}

export interface PushOptions extends Partial<Omit<IncomingPush, 'app'>> {
  id?: string;
  type?: string;
  text?: string;
  iari?: string;
}

export interface OfferOptions extends Partial<Omit<IncomingTransfer, 'app' | 'type'>> {
  id?: string;
  /** The content from which `size` and `sha1` are calculated. */
  text?: string;
}

/** The transfer of an offer that was neither refused nor already received. */
export async function transferOf(answer: Promise<TransferAnswer>): Promise<Transfer> {
  const answered = await answer;
  if (!('transfer' in answered)) throw new Error(JSON.stringify(answered));
  return answered.transfer;
}

/** The result of a promise. Advances the fake time until it settles. */
export async function settled<T>(promise: Promise<T>): Promise<T> {
  let over = false;
  const watched = promise.finally(() => {
    over = true;
  });
  watched.catch(() => {});
  while (!over) await vi.advanceTimersToNextTimerAsync();
  return watched;
}

/** A promise that the test resolves. */
export function newGate(): { passed: Promise<void>; open(): void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

/**
 * The store's records of these kinds, as `KIND/KEY`: the state of an entry of the ledger, or the second part of any
 * other key: `received/ID`, `finished/ID`, `content/ID`, `data/1/name`.
 */
export async function stored(store: LevelStore, ...kinds: string[]): Promise<string[]> {
  const found: string[] = [];
  for await (const [key, value] of store.iterator({ gte: 'push/', lt: 'push0' })) {
    const [, kind = '', ...rest] = key.split('/');
    if (kind === 'finished') rest.shift();
    const shown = [kind === 'entry' ? stateOf(value) : kind, ...rest].join('/');
    if (kinds.includes(shown.slice(0, shown.indexOf('/')))) found.push(shown);
  }
  return found.sort();
}

/** Kinds of the records of pushes that are not finished. */
export const UNFINISHED = ['received', 'dead-letter', 'reference', 'partial-transfer', 'content'];

/** An operation of a batch. */
export interface StoreWrite {
  readonly key: string;
  readonly value?: Uint8Array;
}

/** The state of the entry that the operation writes; undefined when it writes none. */
export function stateWritten({ key, value }: StoreWrite): string | undefined {
  return key.startsWith('push/entry/') && value ? stateOf(new TextDecoder().decode(value)) : undefined;
}

function stateOf(entry: string): string {
  return String(/"state":"([^"]*)"/.exec(entry)?.[1]);
}

let serial = 0;

export async function openBench(
  options: {
    store?: LevelStore;
    limits?: Partial<RuntimeLimits>;
    random?: number;
    clock?: Clock;
    transfers?: string;
    /** The host's listener of events. */
    listener?: (event: ApplicationEvent) => unknown;
  } = {},
): Promise<Bench> {
  const store = options.store ?? (await platform.openStore());
  const logs: LogRecord[] = [];
  const events: ApplicationEvent[] = [];
  const deliveries: DeliveryEvent[] = [];
  const runtime = await PushRuntime.open({
    store,
    log: (record) => logs.push(record),
    onDelivery: (event) => deliveries.push(event),
    emit: (event) => {
      events.push(event);
      return options.listener?.(event);
    },
    clock: options.clock ?? testClock(options.random),
    limits: options.limits,
    transfers: options.transfers,
  });
  return {
    runtime,
    store,
    logs,
    events,
    deliveries,
    push: (push) => dispatch(runtime, push),
    offer: (offer) => offerFile(runtime, offer),
    restart: () => openBench({ ...options, store }),
  };
}

/** Opens a bench with fake timers, and starts its runtime. */
export async function startBench(options: { now?: number | Date; random?: number } = {}): Promise<Bench> {
  vi.useFakeTimers({ now: options.now ?? Date.now() });
  const bench = await openBench({ random: options.random });
  await bench.runtime.start();
  return bench;
}

/** Stops the runtime of a bench with fake timers, which advance until it has stopped. */
export async function stopBench(bench: Bench): Promise<void> {
  await settled(bench.runtime.stop());
  vi.useRealTimers();
}

function dispatch(runtime: PushRuntime, options: PushOptions = {}): Promise<Outcome> {
  const { id = 'test.ua', type = 'text/plain', text = 'hello', iari, ...rest } = options;
  const app = runtime.resolve([id], type, iari);
  if (typeof app === 'string') throw new Error(`no application accepts ${type} for ${id}: ${app}`);
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

function offerFile(runtime: PushRuntime, options: OfferOptions = {}): Promise<TransferAnswer> {
  const { id = 'test.ua', text, ...rest } = options;
  const app = runtime.resolve([id], 'text/plain');
  if (typeof app === 'string') throw new Error(`no application accepts files for ${id}: ${app}`);
  return runtime.transfer({
    app,
    key: `key-${++serial}`,
    from: 'sip:psa@domain.test',
    to: 'sip:bob@domain.test',
    type: { type: 'text/plain', parameters: {} },
    headers: {},
    resumable: text !== undefined,
    size: text === undefined ? undefined : encoder.encode(text).length,
    sha1: text === undefined ? undefined : platform.hash('sha-1', text),
    ...rest,
  });
}

/** A clock that only the test advances. */
export class ManualClock implements Clock {
  #elapsed = 0;
  /** Milliseconds since 1970 when no time had passed. A test changes it to change the date. */
  epoch = 1_700_000_000_000;
  readonly #timers = new Set<{ at: number; callback(): void }>();

  readonly now = () => this.epoch + this.#elapsed;
  readonly elapsed = () => this.#elapsed;
  readonly random = () => 0;

  readonly after = (milliseconds: number, callback: () => void) => {
    const timer = { at: this.#elapsed + milliseconds, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  pass(milliseconds: number): void {
    this.#elapsed += milliseconds;
    for (const timer of [...this.#timers].sort((one, other) => one.at - other.at)) {
      if (timer.at <= this.#elapsed && this.#timers.delete(timer)) timer.callback();
    }
  }
}

/** An application that accepts text/plain, with the test's hooks. */
export function testApp(
  receive: Awaited<ReturnType<PushAppDefinition['start']>>['receive'],
  more: Partial<PushAppDefinition> = {},
): PushAppDefinition {
  return {
    id: 'test.ua',
    accepts: ['text/plain'],
    delivery: 'direct',
    order: 'parallel',
    start: () => ({ receive }),
    ...more,
  };
}

/** Where things stand in the store. */

import { MalformedError, QuotaError, SipPushError } from '../errors.js';
import type { LogSink } from '../log.js';
import type { Store, StoreWrite } from '../platform/platform.js';
import type { Clock } from '../time/clock.js';

/** Of the ledger: a push id follows. */
export const ENTRY_PREFIX = 'push/entry/';
export const CONTENT_PREFIX = 'push/content/';
export const APPLICATIONS_PREFIX = 'push/app/';

/** `namespace` is a number: an event-app-id may hold any separator. */
export function storagePrefix(namespace: string): string {
  return `push/data/${namespace}/`;
}

export function alarmPrefix(namespace: string): string {
  return `push/alarm/${namespace}/`;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** @throws MalformedError when the bytes are not JSON. */
export function decodeJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (error) {
    throw new MalformedError('a record in the store is not JSON', { cause: error });
  }
}

/** What the runtime keeps in the durable store: reads, and writes in groups. */

export type Write = StoreWrite;

const BYTES = { valueEncoding: 'view' } as const;

/** The store did not do it: the disk is full, broken, or the store is closed. */
export class StoreError extends SipPushError {}

/** Whether it says that there is no room, or no disk. Never throws: what an application throws may be anything. */
export function lacksResources(thrown: unknown): boolean {
  try {
    return thrown instanceof StoreError || thrown instanceof QuotaError;
  } catch {
    return false;
  }
}

/** `synced` survives the loss of power, `written` the end of the process. Both are atomic, and in order. */
export type Durability = 'synced' | 'written';

interface Group {
  operations: Write[];
  synced: boolean;
  done: Promise<void>;
  settle(error?: StoreError): void;
}

/** Milliseconds between attempts to open a store that failed: each reads its whole log. */
const REOPEN_AFTER = 1_000;

/**
 * A write that failed may have left half a record in LevelDB's log, and recovery ends there: what is written behind
 * it is confirmed, and gone after a restart (seen with a full disk: 453 of 453 synced writes). So the store is
 * opened anew before anything else is written, which puts what it has into a table and begins another log.
 */
export class Records {
  #next: Group | undefined;
  #writing: Promise<void> | undefined;
  #failedAt: number | undefined;
  #reopening: Promise<void> | undefined;
  #closed = false;

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly log: LogSink,
  ) {}

  /**
   * All of `operations`, or none. Those that come while a write is under way go to the disk together in the next
   * one: a sync costs the same for one push as for fifty.
   */
  write(operations: readonly Write[], durability: Durability): Promise<void> {
    if (this.#closed) return Promise.reject(storeError('write', 'it is closed'));
    this.#next ??= newGroup();
    const group = this.#next;
    for (const operation of operations) group.operations.push(operation);
    if (durability === 'synced') group.synced = true;
    this.#writing ??= this.#writeGroups();
    return group.done;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    try {
      await this.#ready();
      return await this.store.get(key, BYTES);
    } catch (error) {
      throw storeError('read', error);
    }
  }

  /** Entries whose key begins with `prefix`, in order, those after `prefix + after` only; keys without the prefix. */
  async *entries(prefix: string, after?: string): AsyncGenerator<[key: string, value: Uint8Array]> {
    try {
      await this.#ready();
      const from = after === undefined ? { gte: prefix } : { gt: prefix + after };
      for await (const [key, value] of this.store.iterator({ ...from, ...BYTES })) {
        if (!key.startsWith(prefix)) return;
        yield [key.slice(prefix.length), value];
      }
    } catch (error) {
      throw storeError('read', error);
    }
  }

  async #ready(): Promise<void> {
    if (this.#closed) throw new Error('it is closed');
    await this.#reopening;
  }

  /** Resolves when what was asked for is written; the store itself is its owner's to close. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
  }

  async #writeGroups(): Promise<void> {
    // What else is written in this turn of the event loop goes along.
    await undefined;
    for (let group = this.#next; group; group = this.#next) {
      this.#next = undefined;
      try {
        await this.#writeGroup(group);
        group.settle();
      } catch (error) {
        group.settle(storeError('write', error));
      }
    }
    this.#writing = undefined;
  }

  async #writeGroup({ operations, synced }: Group): Promise<void> {
    if (this.#failedAt !== undefined) await this.#reopen(this.#failedAt);
    try {
      await this.store.batch(operations, { ...BYTES, sync: synced });
    } catch (error) {
      const { message } = storeError('write', error);
      this.log({ level: 'error', message });
      // The next write finds out at once whether there is room again. A store that somebody closed stays so.
      if (this.store.status === 'open') this.#failedAt = Number.NEGATIVE_INFINITY;
      throw error;
    }
  }

  async #reopen(failedAt: number): Promise<void> {
    if (this.clock.now() - failedAt < REOPEN_AFTER)
      throw new Error('it could not be opened anew a moment ago');
    this.#reopening = this.store.close().then(() => this.store.open());
    try {
      await this.#reopening;
      this.#failedAt = undefined;
      this.log({ level: 'info', message: 'the store was opened anew' });
    } catch (error) {
      this.#failedAt = this.clock.now();
      throw error;
    } finally {
      this.#reopening = undefined;
    }
  }
}

function newGroup(): Group {
  let settle: Group['settle'] = () => {};
  const done = new Promise<void>((resolve, reject) => {
    settle = (error) => (error ? reject(error) : resolve());
  });
  return { operations: [], synced: false, done, settle };
}

function storeError(what: 'read' | 'write', error: unknown): StoreError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new StoreError(`the store does not ${what}: ${text}`, { cause: error });
}

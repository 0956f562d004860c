/** The records in the durable store: keys, reads, and writes in groups. */

import { MalformedError, QuotaError, SipPushError } from '../errors.js';
import type { LogSink } from '../log.js';
import type { Store, StoreWrite } from '../platform/platform.js';
import { reasonOf } from '../text.js';
import type { Clock } from '../time/clock.js';

/** Entries of the ledger, by push id. */
export const ENTRY_PREFIX = 'push/entry/';
/** Finished pushes, by slice and push id. */
export const FINISHED_PREFIX = 'push/finished/';
export const CONTENT_PREFIX = 'push/content/';
export const APPLICATIONS_PREFIX = 'push/app/';
/** Events of transactions that the host's listener has not received. */
export const EVENT_PREFIX = 'push/event/';

/** `namespace` is a number, because an event-app-id can contain any separator. */
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
    throw new MalformedError('invalid record in the store: expected JSON', { cause: error });
  }
}

/** One application, or one sender, can always use this part of a limit, whatever the others use. */
const OWN_PART = 16;

/**
 * How much of a limit one application, or one sender, can use: half of what the others leave, so that the next one finds space,
 * and never less than a sixteenth.
 * @param others the part of the limit that the others use.
 */
export function shareOf(limit: number, others: number): number {
  return Math.max(Math.ceil((limit - others) / 2), Math.floor(limit / OWN_PART));
}

export type Write = StoreWrite;

const BYTES = { valueEncoding: 'view' } as const;

/** The store failed: the disk is full or broken, or the store is closed. */
export class StoreError extends SipPushError {
  static {
    StoreError.prototype.name = 'StoreError';
  }
}

/** Codes of the system for a lack of file descriptors, disk space and memory. */
const LACKING: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOSPC', 'EDQUOT', 'ENOMEM']);

/** Causes of an error that are examined: a wrapper of an error of the system has one or two. */
const MAX_CAUSES = 4;

/** Whether the thrown value reports a lack of disk space or file descriptors, or a failed disk. Never throws. */
export function lacksResources(thrown: unknown): boolean {
  try {
    let error = thrown;
    for (let depth = 0; error instanceof Error && depth < MAX_CAUSES; depth++, error = error.cause) {
      if (error instanceof StoreError || error instanceof QuotaError) return true;
      if ('code' in error && LACKING.has(error.code)) return true;
    }
    return false;
  } catch {
    return false;
  }
}

/** `synced` survives a loss of power, `written` the end of the process. Both are atomic and in order. */
export type Durability = 'synced' | 'written';

interface Group {
  operations: Write[];
  synced: boolean;
  done: Promise<void>;
  settle(error?: StoreError): void;
}

interface Lookup {
  readonly keys: readonly string[];
  resolve(found: boolean): void;
  reject(error: StoreError): void;
}

/** Milliseconds between attempts to reopen a store: each reads its whole log. A write waits for the next attempt. */
const REOPEN_INTERVAL = 500;

/**
 * A failed write can leave half a record in LevelDB's log. Recovery ends there: later writes succeed, but are lost after a
 * restart (observed with a full disk: 453 of 453 synced writes). So the store is reopened before the next write, which
 * moves the log into a table and starts another log. A write during a full disk fails after its own attempt to reopen, so
 * the first write after the disk has space succeeds.
 */
export class Records {
  #next: Group | undefined;
  #writing: Promise<void> | undefined;
  readonly #lookups: Lookup[] = [];
  #reading: Promise<void> | undefined;
  #failedAt: number | undefined;
  #reopening: Promise<void> | undefined;
  #closed = false;

  constructor(
    private readonly store: Store,
    private readonly clock: Pick<Clock, 'elapsed' | 'after'>,
    private readonly log: LogSink,
  ) {}

  /**
   * Writes all operations, or none. Operations that arrive during a write are written together in the next one: a sync
   * costs the same for one push as for fifty.
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

  /** Whether the store has one of these keys. Lookups that arrive during a read are one read afterwards. */
  hasAny(keys: readonly string[]): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#lookups.push({ keys, resolve, reject });
      this.#reading ??= this.#readLookups();
    });
  }

  /**
   * Deletes records whose key starts with `prefix`, which ends with a slash, beside other writes.
   * @param limit the largest number of records; -1: all.
   */
  async clear(prefix: string, limit = -1): Promise<void> {
    try {
      await this.#ready();
      // 0 is the character after the slash.
      await this.store.clear({ gte: prefix, lt: `${prefix.slice(0, -1)}0`, limit });
    } catch (error) {
      throw storeError('write', error);
    }
  }

  /** Entries whose key starts with `prefix`, in order; only those after `prefix + after`. Keys are without the prefix. */
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

  /** Resolves when all writes have ended. The store itself is closed by its owner. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
  }

  async #readLookups(): Promise<void> {
    // Lookups of the same turn of the event loop are joined.
    await undefined;
    while (this.#lookups.length > 0) {
      const group = this.#lookups.splice(0);
      try {
        await this.#ready();
        const values = await this.store.getMany(
          group.flatMap(({ keys }) => keys),
          BYTES,
        );
        let at = 0;
        for (const { keys, resolve } of group) {
          const start = at;
          at += keys.length;
          resolve(values.slice(start, at).some((value) => value !== undefined));
        }
      } catch (error) {
        for (const { reject } of group) reject(storeError('read', error));
      }
    }
    this.#reading = undefined;
  }

  async #writeGroups(): Promise<void> {
    // Writes of the same turn of the event loop are joined.
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
      // The next write tries again at once. A store that its owner closed stays closed.
      if (this.store.status === 'open') this.#failedAt = Number.NEGATIVE_INFINITY;
      throw error;
    }
  }

  async #reopen(failedAt: number): Promise<void> {
    const wait = failedAt + REOPEN_INTERVAL - this.clock.elapsed();
    if (wait > 0) await new Promise<void>((resolve) => this.clock.after(wait, resolve));
    this.#reopening = this.store.close().then(() => this.store.open());
    try {
      await this.#reopening;
      this.#failedAt = undefined;
      this.log({ level: 'info', message: 'the store was reopened' });
    } catch (error) {
      this.#failedAt = this.clock.elapsed();
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
  const text = reasonOf(cause);
  return new StoreError(`the store cannot ${what}: ${text}`, { cause: error });
}

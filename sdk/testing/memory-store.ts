/** A store in memory whose power a test can cut. */

import { platform } from '#platform';
import '../../core/platform/memory-store.js';
import { decodeEntry, type PushRecord } from '../../core/app/ledger/stored-entry.js';
import { decodeValue } from '../../core/app/services/stored-values.js';
import { TransportError } from '../../core/errors.js';
import type { LevelStore } from '../../core/platform/level.js';
import type { Store } from '../../core/platform/platform.js';
import {
  APPLICATIONS_PREFIX,
  decodeJson,
  ENTRY_PREFIX,
  FINISHED_PREFIX,
  storagePrefix,
} from '../../core/store/records.js';

/** `ending`: before the end of a push is written. `ended`: after that write, before the sender is answered. */
export type StoreMoment = 'ending' | 'ended';

interface WriteOperation {
  readonly type: 'put' | 'del';
  readonly key: unknown;
  readonly value?: unknown;
}

export class MemoryStore {
  #powerLost = false;
  #watch: { moment: StoreMoment; onReached: () => void } | undefined;

  private constructor(private readonly level: LevelStore) {
    // Called for each operation before its batch is written. An error fails the whole batch.
    level.hooks.prewrite.add((operation: WriteOperation) => {
      if (this.#watch?.moment === 'ending' && isEnd(operation)) this.#reached(this.#watch);
      if (this.#powerLost) throw new TransportError('the device has no power');
    });
    level.on('write', (operations: readonly WriteOperation[]) => {
      if (this.#watch?.moment === 'ended' && operations.some(isEnd)) this.#reached(this.#watch);
    });
  }

  static async open(): Promise<MemoryStore> {
    return new MemoryStore(await platform.openStore());
  }

  get store(): Store {
    return this.level;
  }

  /** Calls `onReached` once, in the middle of the write. */
  watch(moment: StoreMoment, onReached: () => void): void {
    this.#watch = { moment, onReached };
  }

  unwatch(): void {
    this.#watch = undefined;
  }

  /** Every later write fails. */
  cutPower(): void {
    this.#powerLost = true;
    this.unwatch();
  }

  /** A store with the same content. */
  async copy(): Promise<MemoryStore> {
    const copy = await MemoryStore.open();
    const encodings = { keyEncoding: 'utf8', valueEncoding: 'view' };
    const batch = [];
    for await (const [key, value] of this.level.iterator<string, Uint8Array>(encodings)) {
      batch.push({ type: 'put' as const, key, value });
    }
    await copy.level.batch<string, Uint8Array>(batch, encodings);
    return copy;
  }

  /** The storage of the applications with this id. */
  async storageOf(eventAppId: string): Promise<Record<string, unknown>> {
    const entries: [string, unknown][] = [];
    for (const [namespace, owner] of await this.#entries(APPLICATIONS_PREFIX)) {
      if (Object(decodeJson(owner)).eventAppId !== eventAppId) continue;
      for (const [key, value] of await this.#entries(storagePrefix(namespace))) {
        entries.push([key, decodeValue(value)]);
      }
    }
    return Object.fromEntries(entries);
  }

  /** Stored pushes that no application has accepted yet. */
  async inbox(): Promise<PushRecord[]> {
    const entries = await this.#entries(ENTRY_PREFIX);
    return entries.flatMap(([, bytes]) => {
      const entry = decodeEntry(bytes);
      return entry.state === 'received' ? [entry.push] : [];
    });
  }

  async close(): Promise<void> {
    await this.level.close();
  }

  async #entries(prefix: string): Promise<[key: string, value: Uint8Array][]> {
    const range = { gte: prefix, lt: `${prefix}\u{10ffff}`, keyEncoding: 'utf8', valueEncoding: 'view' };
    const entries = await this.level.iterator<string, Uint8Array>(range).all();
    return entries.map(([key, value]) => [key.slice(prefix.length), value]);
  }

  #reached({ onReached }: { onReached: () => void }): void {
    this.#watch = undefined;
    onReached();
  }
}

/** Whether a push is finished, or becomes a dead letter. */
function isEnd({ type, key, value }: WriteOperation): boolean {
  if (type !== 'put' || typeof key !== 'string') return false;
  if (key.startsWith(FINISHED_PREFIX)) return true;
  if (!key.startsWith(ENTRY_PREFIX)) return false;
  return decodeEntry(value instanceof Uint8Array ? value : new Uint8Array()).state === 'dead-letter';
}

/** A disk that loses its power when a test says so. */

import { platform } from '#platform';
import '../../core/platform/memory-store.js';
import { decodeRecord, type PushRecord } from '../../core/app/inbox/push-record.js';
import { decodeValue } from '../../core/app/services/app-values.js';
import { TransportError } from '../../core/errors.js';
import type { LevelStore } from '../../core/platform/level.js';
import type { Store } from '../../core/platform/platform.js';
import {
  APPLICATIONS_PREFIX,
  DONE_PREFIX,
  decodeJson,
  INBOX_PREFIX,
  storagePrefix,
} from '../../core/store/records.js';

/** `ending`: the end of a push is about to be written. `ended`: it was written, and the sender is not answered yet. */
export type StoreMoment = 'ending' | 'ended';

interface WriteOperation {
  readonly type: 'put' | 'del';
  readonly key: unknown;
}

export class MemoryStore {
  #dead = false;
  #watch: { moment: StoreMoment; onReached: () => void } | undefined;

  private constructor(private readonly level: LevelStore) {
    // Called ahead of each operation, before anything of its batch is written; what it throws fails all of it.
    level.hooks.prewrite.add((operation: WriteOperation) => {
      if (isEnd(operation)) this.#reached('ending');
      if (this.#dead) throw new TransportError('the power is off');
    });
    level.on('write', (operations: readonly WriteOperation[]) => {
      if (operations.some(isEnd)) this.#reached('ended');
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

  /** Nobody waits for it any more. */
  unwatch(): void {
    this.#watch = undefined;
  }

  /** Nothing more is written. */
  die(): void {
    this.#dead = true;
    this.unwatch();
  }

  /** What was on the disk, on another. */
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

  /** What applications of this id have in their storage. */
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

  /** Pushes that were confirmed, or will be, and that no application has taken. */
  async inbox(): Promise<PushRecord[]> {
    return (await this.#entries(INBOX_PREFIX)).map(([, bytes]) => decodeRecord(bytes));
  }

  async close(): Promise<void> {
    await this.level.close();
  }

  async #entries(prefix: string): Promise<[key: string, value: Uint8Array][]> {
    const range = { gte: prefix, lt: `${prefix}\u{10ffff}`, keyEncoding: 'utf8', valueEncoding: 'view' };
    const entries = await this.level.iterator<string, Uint8Array>(range).all();
    return entries.map(([key, value]) => [key.slice(prefix.length), value]);
  }

  #reached(moment: StoreMoment): void {
    const watch = this.#watch;
    if (watch?.moment !== moment) return;
    this.#watch = undefined;
    watch.onReached();
  }
}

/** A push is ended by its done marker, whoever ends it (Endings). */
function isEnd({ type, key }: WriteOperation): boolean {
  return type === 'put' && typeof key === 'string' && key.startsWith(DONE_PREFIX);
}

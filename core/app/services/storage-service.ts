/** The storage of an application, and its limit. */

import { AppError, ConfigurationError, QuotaError } from '../../errors.js';
import { inject, injectable } from '../../injection.js';
import { type Records, storagePrefix, type Write } from '../../store/records.js';
import { handled, invoke } from '../../time/deadline.js';
import type { AppStorage, StorageRange } from '../contract/services.js';
import type { CommitOperation, RunTransaction } from '../contract/transaction.js';
import { RECORDS } from '../foundations.js';
import { APP_SCOPE, type AppScope } from './app-scope.js';
import { storageKey } from './app-writes.js';
import { decodeValue, encodeValue, requireKey } from './stored-values.js';
import { withCommitOperations } from './transactions.js';

/** A value that is being written. */
interface InFlight {
  size: number;
  writes: number;
}

const encoder = new TextEncoder();

/**
 * Counts the bytes of a storage that has a limit. The storage is read once, at the first write, and each write updates the
 * count. The sizes of replaced values are read in the order of the writes; the writes themselves run concurrently.
 */
export class StorageAccount {
  readonly #prefix: string;
  readonly #inFlight = new Map<string, InFlight>();
  #turn: Promise<unknown> = Promise.resolve();
  /** Undefined: not counted yet. */
  #used: number | undefined;

  /** @param most limit of the bytes of keys and values. */
  constructor(
    private readonly records: Records,
    namespace: string,
    private readonly most: number,
  ) {
    this.#prefix = storagePrefix(namespace);
  }

  /**
   * Writes all operations in one write.
   * @param own the operations on this storage.
   * @throws QuotaError when the storage would exceed its limit; StoreError.
   */
  async write(own: readonly Write[], more: readonly Write[]): Promise<void> {
    const issued = this.#turn.then(() => this.#issue(own, more));
    this.#turn = issued.catch(() => {});
    await (await issued).written;
  }

  /** Runs in order. The promise is wrapped in an object so that the next call does not wait for the write. */
  async #issue(own: readonly Write[], more: readonly Write[]): Promise<{ written: Promise<void> }> {
    const sizes = new Map(own.map((write) => [write.key, this.#size(write)]));
    const used = await this.#counted();
    let after = used;
    for (const [key, size] of sizes) after += size - (await this.#present(key));
    if (after > this.most && after > used) {
      throw new QuotaError(
        `its storage would have ${after} bytes: expected at most ${this.most} (permissions.storage); delete something first`,
      );
    }
    this.#used = after;
    for (const [key, size] of sizes) {
      const writes = (this.#inFlight.get(key)?.writes ?? 0) + 1;
      this.#inFlight.set(key, { size, writes });
    }
    return { written: this.#written([...sizes.keys()], this.records.write([...own, ...more], 'synced')) };
  }

  async #written(keys: readonly string[], writing: Promise<void>): Promise<void> {
    try {
      await writing;
    } catch (error) {
      // The counts of later writes may depend on this one, so the storage is counted again.
      this.#used = undefined;
      throw error;
    } finally {
      for (const key of keys) {
        const inFlight = this.#inFlight.get(key);
        if (inFlight && --inFlight.writes === 0) this.#inFlight.delete(key);
      }
    }
  }

  /** Bytes of the key and its value after the writes before this one. */
  async #present(key: string): Promise<number> {
    const inFlight = this.#inFlight.get(key);
    if (inFlight) return inFlight.size;
    const value = await this.records.get(key);
    return value ? this.#size({ type: 'put', key, value }) : 0;
  }

  async #counted(): Promise<number> {
    if (this.#used !== undefined) return this.#used;
    let used = 0;
    for await (const [key, value] of this.records.entries(this.#prefix)) {
      used += encoder.encode(key).length + value.length;
    }
    return used;
  }

  #size(write: Write): number {
    if (write.type === 'del') return 0;
    return encoder.encode(write.key.slice(this.#prefix.length)).length + write.value.length;
  }
}

/** The `storage` service. */
@injectable()
export class StorageService implements AppStorage {
  constructor(
    @inject(APP_SCOPE) private readonly scope: AppScope,
    @inject(RECORDS) private readonly records: Records,
  ) {
    withCommitOperations(this, (operations) =>
      handled(invoke(() => this.write(...scope.own.checked(operations)))),
    );
  }

  get(key: string): Promise<unknown> {
    return handled(this.read(key));
  }

  put(key: string, value: unknown): Promise<void> {
    // Encoded at once: the application may change the value afterwards.
    return handled(invoke(() => this.write({ type: 'put', key, value: encodeValue(key, value) })));
  }

  delete(key: string): Promise<void> {
    return handled(
      invoke(() => {
        requireKey('storage', key);
        return this.write({ type: 'delete', key });
      }),
    );
  }

  readonly transaction: RunTransaction = (write) =>
    this.scope.transactions.run(write, (operations) => this.write(...operations));

  async *entries({ prefix = '', after, limit }: StorageRange = {}): AsyncGenerator<[string, unknown]> {
    this.requireActive();
    if (limit !== undefined && !(Number.isInteger(limit) && limit >= 0)) {
      throw new ConfigurationError(`entries: limit ${limit}: expected a whole number, 0 or more`);
    }
    if (after !== undefined && !after.startsWith(prefix)) {
      throw new ConfigurationError(`entries: after "${after}": expected a key that begins with "${prefix}"`);
    }
    let left = limit ?? Number.POSITIVE_INFINITY;
    if (left === 0) return;
    const range = storageKey(this.scope.namespace, prefix);
    await this.scope.transactions.readable();
    for await (const [rest, value] of this.records.entries(range, after?.slice(prefix.length))) {
      yield [prefix + rest, decodeValue(value)];
      if (--left === 0) return;
    }
  }

  private async read(key: string): Promise<unknown> {
    this.requireActive();
    const stored = storageKey(this.scope.namespace, key);
    await this.scope.transactions.readable();
    const bytes = await this.records.get(stored);
    return bytes && decodeValue(bytes);
  }

  private async write(...operations: readonly CommitOperation[]): Promise<void> {
    this.requireActive();
    await this.scope.own.batch(operations).write();
  }

  private requireActive(): void {
    if (!this.scope.active)
      throw new AppError(this.scope.eventAppId, 'cannot use storage: the application was stopped');
  }
}

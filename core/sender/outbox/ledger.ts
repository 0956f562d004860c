/** What an outbox knows of its pushes, in memory and in the store; of those that ended for a while. */

import { encodeJson, type Records, type Write } from '../../store/records.js';
import type { Clock } from '../../time/clock.js';
import { decodeRecord, type OutboxRecord } from './record.js';

export interface LedgerOptions {
  records: Records;
  clock: Pick<Clock, 'now'>;
  /** Pushes that ended, kept to be asked about. */
  ended: number;
  /** How long, milliseconds. */
  endedFor: number;
  /** Whenever a push has another receipt, or another state. */
  onChange?(push: OutboxRecord): void;
  /** What could not be read or written, and nobody waits for. */
  onError(error: Error): void;
}

const KEY = 'push/out/';

export class Ledger {
  readonly #pushes = new Map<string, OutboxRecord>();
  /** Ids by Idempotency-Key. */
  readonly #byKey = new Map<string, string>();
  /** The one that ended first, first. */
  readonly #ended = new Set<string>();

  constructor(private readonly options: LedgerOptions) {}

  /** Reads what the store holds. @returns those that still wait. @throws StoreError */
  async load(): Promise<OutboxRecord[]> {
    const { records, onError } = this.options;
    const found: OutboxRecord[] = [];
    for await (const [, bytes] of records.entries(KEY)) {
      try {
        found.push(decodeRecord(bytes));
      } catch (error) {
        onError(error instanceof Error ? error : new Error(String(error)));
      }
    }
    found.sort((one, other) => (one.endedAt ?? one.takenAt) - (other.endedAt ?? other.takenAt));
    for (const push of found) this.#keep(push);
    return found.filter(({ state }) => state === 'waiting');
  }

  get(id: string): OutboxRecord | undefined {
    this.#prune();
    return this.#pushes.get(id);
  }

  underKey(key: string): OutboxRecord | undefined {
    return this.get(this.#byKey.get(key) ?? '');
  }

  /** Known at once, on disk when it resolves. @throws StoreError: it is not known then. */
  async add(push: OutboxRecord): Promise<void> {
    this.#keep(push);
    try {
      await this.write(push);
    } catch (error) {
      this.#forget(push);
      throw error;
    }
  }

  /** Known at once, on disk when it resolves. @throws StoreError: it is known all the same. */
  async change(push: OutboxRecord): Promise<void> {
    this.#keep(push);
    const written = this.write(push);
    this.options.onChange?.(push);
    this.#prune();
    await written;
  }

  /** @throws StoreError */
  write(push: OutboxRecord): Promise<void> {
    return this.options.records.write(
      [{ type: 'put', key: KEY + push.id, value: encodeJson(push) }],
      'synced',
    );
  }

  #keep(push: OutboxRecord): void {
    this.#pushes.set(push.id, push);
    if (push.key !== undefined) this.#byKey.set(push.key, push.id);
    if (push.state !== 'waiting') this.#ended.add(push.id);
  }

  #forget({ id, key }: OutboxRecord): void {
    this.#pushes.delete(id);
    this.#ended.delete(id);
    if (key !== undefined) this.#byKey.delete(key);
  }

  #prune(): void {
    const { ended, endedFor, clock, records, onError } = this.options;
    const before = clock.now() - endedFor;
    const gone: Write[] = [];
    for (const id of this.#ended) {
      const push = this.#pushes.get(id);
      if (this.#ended.size <= ended && (push?.endedAt ?? 0) > before) break;
      if (push) this.#forget(push);
      gone.push({ type: 'del', key: KEY + id });
    }
    if (gone.length > 0) records.write(gone, 'written').catch(onError);
  }
}

/** The pushes of an outbox, in memory and in the store. A push that ended stays for a while. */

import { encodeJson, type Records, type Write } from '../../store/records.js';
import { asError } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { decodeRecord, type OutboxRecord } from './record.js';

export interface OutboxLedgerOptions {
  records: Records;
  clock: Pick<Clock, 'elapsed'>;
  /** The largest number of ended pushes to keep. */
  ended: number;
  /** How long an ended push is kept, in milliseconds that the process runs: a change of the date ends none early. */
  endedFor: number;
  /** Called after each new receipt and each change of state. */
  onChange?(push: OutboxRecord): void;
  /** Reports records that could not be read, and background writes that failed. */
  onError(error: Error): void;
}

const KEY = 'push/out/';

export class OutboxLedger {
  readonly #pushes = new Map<string, OutboxRecord>();
  /** Ids by Idempotency-Key. */
  readonly #byKey = new Map<string, string>();
  /** By id, in the order in which the pushes ended: the clock's `elapsed` at their end, or at the start of the process. */
  readonly #ended = new Map<string, number>();

  constructor(private readonly options: OutboxLedgerOptions) {}

  /** Reads the store. @returns the pushes that still wait. @throws StoreError */
  async load(): Promise<OutboxRecord[]> {
    const { records, onError } = this.options;
    const found: OutboxRecord[] = [];
    for await (const [, bytes] of records.entries(KEY)) {
      try {
        found.push(decodeRecord(bytes));
      } catch (error) {
        onError(asError(error));
      }
    }
    found.sort((one, other) => (one.endedAt ?? one.acceptedAt) - (other.endedAt ?? other.acceptedAt));
    for (const push of found) this.#keep(push);
    return found.filter(({ state }) => state === 'waiting');
  }

  get(id: string): OutboxRecord | undefined {
    this.#prune();
    return this.#pushes.get(id);
  }

  findByKey(key: string): OutboxRecord | undefined {
    return this.get(this.#byKey.get(key) ?? '');
  }

  /** Adds the push at once; it is on disk when the promise resolves. @throws StoreError after removing the push again. */
  async add(push: OutboxRecord): Promise<void> {
    this.#keep(push);
    try {
      await this.write(push);
    } catch (error) {
      this.#remove(push);
      throw error;
    }
  }

  /** Replaces the record at once; it is on disk when the promise resolves. @throws StoreError; memory has the new record. */
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
    if (push.state !== 'waiting' && !this.#ended.has(push.id))
      this.#ended.set(push.id, this.options.clock.elapsed());
  }

  #remove({ id, key }: OutboxRecord): void {
    this.#pushes.delete(id);
    this.#ended.delete(id);
    if (key !== undefined) this.#byKey.delete(key);
  }

  #prune(): void {
    const { ended, endedFor, clock, records, onError } = this.options;
    const oldest = clock.elapsed() - endedFor;
    const removals: Write[] = [];
    for (const [id, endedAt] of this.#ended) {
      const push = this.#pushes.get(id);
      if (this.#ended.size <= ended && endedAt > oldest) break;
      if (push) this.#remove(push);
      removals.push({ type: 'del', key: KEY + id });
    }
    if (removals.length > 0) records.write(removals, 'written').catch(onError);
  }
}

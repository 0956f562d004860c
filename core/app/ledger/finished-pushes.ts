/**
 * The memory of finished pushes: a push whose id is in it is not delivered again. It is on disk, in slices of time. Memory
 * holds one count for each slice, so that neither a start nor a push depends on the number of finished pushes.
 *
 * Age is measured in ticks: milliseconds that hosts ran with this store. A change of the date does not change them, and
 * while the host is stopped no push arrives. A slice is forgotten by the deletion of its range of keys.
 */

import { MalformedError } from '../../errors.js';
import type { LogSink } from '../../log.js';
import { decodeJson, encodeJson, FINISHED_PREFIX, type Records, type Write } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { FINISHED_BYTES, FINISHED_RETENTION, type RuntimeLimits } from '../limits.js';

/** The disk quota made the host forget pushes before their time. */
export interface ForgottenPushes {
  /** Number of pushes. */
  readonly pushes: number;
  /** For how long the oldest of them was known, in milliseconds that the host ran. */
  readonly age: number;
}

/** Notified of pushes that are forgotten early. */
export type ForgottenListener = (forgotten: ForgottenPushes) => void;

export interface FinishedPushesParts {
  readonly records: Records;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly log: LogSink;
  onForgotten?: ForgottenListener;
}

interface Slice {
  readonly id: number;
  /** Ticks when it began. */
  readonly since: number;
  /** Pushes in it. After a crash, an upper bound. */
  count: number;
}

interface StoredState {
  readonly ticks: number;
  /** The oldest first. */
  readonly slices: readonly Slice[];
  /** The counts are exact: the host was stopped. */
  readonly exact: boolean;
}

/** In the store: ticks and slices. */
const STATE_KEY = 'push/finished-state';
/** A slice ends after this part of the retention: an older push is known for at most this much longer. */
const SLICE_TIME = FINISHED_RETENTION / 8;
/** A slice ends when it fills this part of the quota, which is the part that is forgotten at once when it is full. */
const QUOTA_SLICES = 16;
/** The state is written with a push after this number of ticks or pushes. */
const SAVE_TICKS = 60_000;
const SAVE_PUSHES = 4096;
/** Pushes whose write failed, which are known until the host stops. */
const MAX_UNWRITTEN = 10_000;

/** Pushes that are deleted at once: the stop of a host waits for them. */
const CLEARED_AT_ONCE = 50_000;

const NOTHING = new Uint8Array();

export class FinishedPushes {
  readonly #startedAt: number;
  readonly #slices: Slice[];
  /** Forgotten slices that are still on disk. */
  readonly #dropped: Slice[] = [];
  readonly #unwritten = new Set<string>();
  /** The largest number of pushes, and that of a slice. */
  readonly #most: number;
  readonly #sliceMost: number;
  readonly #savePushes: number;
  #nextId: number;
  #clearing: Promise<void> | undefined;
  #closed = false;
  /** Changes of the state so far, and those on disk. */
  #version = 1;
  #savedVersion = 0;
  #savedTicks: number;
  #sinceSave = 0;

  private constructor(
    private readonly parts: FinishedPushesParts,
    { ticks, slices, exact }: StoredState,
  ) {
    this.#startedAt = parts.clock.elapsed() - ticks;
    this.#savedTicks = ticks;
    this.#most = Math.max(1, Math.floor(parts.limits.finishedBytes / FINISHED_BYTES));
    this.#sliceMost = Math.max(1, Math.floor(this.#most / QUOTA_SLICES));
    this.#savePushes = Math.min(SAVE_PUSHES, Math.ceil(this.#sliceMost / 8));
    this.#slices = [...slices];
    const newest = this.#slices.at(-1);
    this.#nextId = (newest?.id ?? 0) + 1;
    if (newest && !exact) newest.count += this.#savePushes;
    this.#forget(0);
  }

  /** Reads one record, however many pushes are known. @throws StoreError */
  static async open(parts: FinishedPushesParts): Promise<FinishedPushes> {
    const bytes = await parts.records.get(STATE_KEY);
    try {
      if (bytes) return new FinishedPushes(parts, decodeState(bytes));
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      parts.log({ level: 'error', message: `the state of finished pushes is restored: ${reasonOf(error)}` });
    }
    return new FinishedPushes(parts, { ticks: 0, slices: await findSlices(parts.records), exact: false });
  }

  /** Milliseconds that hosts ran with this store. */
  get ticks(): number {
    return this.parts.clock.elapsed() - this.#startedAt;
  }

  /** Whether the push is finished. @throws StoreError */
  async has(id: string): Promise<boolean> {
    if (this.#unwritten.has(id)) return true;
    const oldest = this.ticks - FINISHED_RETENTION - SLICE_TIME;
    const keys = this.#slices.flatMap((slice) => (slice.since < oldest ? [] : keyOf(slice, id)));
    return keys.length > 0 && (await this.parts.records.hasAny(keys));
  }

  /**
   * Remembers pushes, in the write that finishes them.
   * @param write receives the operations. Rejects with what it rejects with.
   */
  async remember(ids: readonly string[], write: (operations: Write[]) => Promise<void>): Promise<void> {
    const operations: Write[] = ids.map((id) => ({
      type: 'put',
      key: keyOf(this.#slice(), id),
      value: NOTHING,
    }));
    if (this.#sinceSave >= this.#savePushes || this.ticks - this.#savedTicks >= SAVE_TICKS) this.#changed();
    const version = this.#version;
    if (version > this.#savedVersion) operations.push(this.#state(false));
    await write(operations);
    this.#savedVersion = Math.max(this.#savedVersion, version);
  }

  /** The write failed, but the push is finished: it is known until the host stops. */
  rememberUnwritten(id: string): void {
    this.#unwritten.add(id);
    const [oldest] = this.#unwritten.size > MAX_UNWRITTEN ? this.#unwritten : [];
    if (oldest !== undefined) this.#unwritten.delete(oldest);
  }

  /** Resolves when the state is on disk. The next host deletes what is left of forgotten slices. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#clearing;
    try {
      await this.parts.records.write([this.#state(true)], 'written');
    } catch (error) {
      this.#warn(`their state cannot be written: ${reasonOf(error)}`);
    }
  }

  /** The slice of the next push, which counts. */
  #slice(): Slice {
    const { ticks } = this;
    let slice = this.#slices.at(-1);
    if (!slice || slice.count >= this.#sliceMost || ticks - slice.since >= SLICE_TIME) {
      this.#forget(this.#sliceMost);
      slice = { id: this.#nextId++, since: ticks, count: 0 };
      this.#slices.push(slice);
      this.#changed();
    }
    slice.count++;
    this.#sinceSave++;
    return slice;
  }

  /** Forgets slices that are older than the retention, and then as many as make space for this number of pushes. */
  #forget(room: number): void {
    const expired = this.ticks - FINISHED_RETENTION - SLICE_TIME;
    let count = room + this.#slices.reduce((sum, slice) => sum + slice.count, 0);
    for (let slice = this.#slices[0]; slice; slice = this.#slices[0]) {
      const early = slice.since >= expired;
      if (early && count <= this.#most) break;
      this.#slices.shift();
      this.#dropped.push(slice);
      count -= slice.count;
      if (early) this.#report(slice);
    }
    if (this.#dropped.length > 0) this.#clearing ??= this.#clear();
  }

  #report({ count, since }: Slice): void {
    const age = this.ticks - since;
    this.#warn(
      `the oldest ${count} are forgotten after ${Math.round(age / 1000)} s, because their disk quota is used up: a sender that retries one of them delivers it twice`,
    );
    this.parts.onForgotten?.({ pushes: count, age });
  }

  async #clear(): Promise<void> {
    // After the current turn of the event loop, so that the new slice is known.
    await undefined;
    try {
      for (let slice = this.#dropped[0]; slice; slice = this.#dropped[0]) {
        for (let left = slice.count; left > CLEARED_AT_ONCE; left -= CLEARED_AT_ONCE) {
          if (this.#closed) return;
          await this.parts.records.clear(prefixOf(slice), CLEARED_AT_ONCE);
        }
        await this.parts.records.clear(prefixOf(slice));
        this.#dropped.shift();
        this.#changed();
      }
    } catch (error) {
      this.#warn(`forgotten ones cannot be deleted: ${reasonOf(error)}`);
    }
    this.#clearing = undefined;
  }

  #changed(): void {
    this.#version++;
    this.#savedTicks = this.ticks;
    this.#sinceSave = 0;
  }

  /** Slices that are still on disk are in the state: the next host deletes them again. */
  #state(exact: boolean): Write {
    const state: StoredState = { ticks: this.ticks, slices: [...this.#dropped, ...this.#slices], exact };
    return { type: 'put', key: STATE_KEY, value: encodeJson(state) };
  }

  #warn(message: string): void {
    this.parts.log({ level: 'warn', message: `finished pushes: ${message}` });
  }
}

function prefixOf({ id }: Pick<Slice, 'id'>): string {
  return `${FINISHED_PREFIX}${id.toString(36).padStart(6, '0')}/`;
}

function keyOf(slice: Slice, id: string): string {
  return prefixOf(slice) + id;
}

/** @throws MalformedError */
function decodeState(bytes: Uint8Array): StoredState {
  const { ticks, slices, exact }: Record<string, unknown> = Object(decodeJson(bytes));
  const valid = Number.isFinite(ticks) && Array.isArray(slices) && slices.every(isSlice);
  if (!valid) throw new MalformedError('invalid state: expected ticks and slices');
  return { ticks: Number(ticks), slices, exact: exact === true };
}

function isSlice(value: unknown): value is Slice {
  const { id, since, count }: Record<string, unknown> = Object(value);
  return [id, since, count].every(Number.isFinite);
}

/** Finds the slices of a store without a state. Their counts are unknown. @throws StoreError */
async function findSlices(records: Records): Promise<Slice[]> {
  const slices: Slice[] = [];
  for (let after = ''; ; ) {
    const name = await firstSlice(records, after);
    if (name === undefined) return slices;
    slices.push({ id: Number.parseInt(name, 36), since: 0, count: 0 });
    // 0 is the character after the slash.
    after = `${name}0`;
  }
}

async function firstSlice(records: Records, after: string): Promise<string | undefined> {
  for await (const [key] of records.entries(FINISHED_PREFIX, after)) return key.split('/')[0];
  return undefined;
}

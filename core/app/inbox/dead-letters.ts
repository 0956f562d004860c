/** Pushes that no application could be made to take: kept for people, with the reason. */

import type { InjectionToken } from '../../injection.js';
import type { LogSink } from '../../log.js';
import type { ContentFiles } from '../../store/content-files.js';
import {
  CONTENT_PREFIX,
  DEAD_LETTER_PREFIX,
  decodeJson,
  encodeJson,
  INBOX_PREFIX,
  type Records,
  type Write,
} from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import type { RuntimeLimits } from '../limits.js';
import { Delivery } from './delivery.js';
import { decodeRecord, type PushRecord } from './push-record.js';

export interface DeadLetter {
  readonly id: string;
  readonly app: string;
  readonly from: string;
  readonly to: string;
  readonly contentType: string;
  /** Bytes of content. */
  readonly size: number;
  readonly receivedAt: Date;
  readonly setAsideAt: Date;
  /** Deliveries begun. */
  readonly attempts: number;
  /** What the application said last. */
  readonly reason: string;
}

/** Its content: how much, and in which file, if not in the store. */
interface Held {
  readonly size: number;
  readonly file?: string;
  /** Of one that was set aside by this process: an attempt that was given up may commit it yet. */
  readonly delivery?: Delivery;
}

interface StoredPush extends PushRecord {
  readonly setAsideAt: number;
  readonly reason: string;
}

export class DeadLetters {
  /** By push id, the oldest first. */
  readonly #held = new Map<string, Held>();
  /** Of content in the store, and in files. */
  #bytes = 0;
  #fileBytes = 0;

  private constructor(
    private readonly records: Records,
    private readonly room: ContentFiles,
    private readonly clock: Clock,
    private readonly limits: RuntimeLimits,
    private readonly log: LogSink,
  ) {}

  static async open(
    records: Records,
    room: ContentFiles,
    clock: Clock,
    limits: RuntimeLimits,
    log: LogSink,
  ): Promise<DeadLetters> {
    const aside = new DeadLetters(records, room, clock, limits, log);
    for (const push of await aside.#stored()) aside.#hold(push);
    return aside;
  }

  has(id: string): boolean {
    return this.#held.has(id);
  }

  /** The oldest first. */
  async list(): Promise<DeadLetter[]> {
    const stored = await this.#stored();
    return stored.map(({ id, app, from, to, type, size, receivedAt, setAsideAt, attempts, reason }) => ({
      id,
      app,
      from,
      to,
      contentType: type.type,
      size,
      receivedAt: new Date(receivedAt),
      setAsideAt: new Date(setAsideAt),
      attempts,
      reason,
    }));
  }

  /**
   * Moves a push here from the inbox; its content stays where it is. `more` is written with it.
   * @throws StoreError
   */
  async add(delivery: Delivery, reason: string, more: readonly Write[]): Promise<void> {
    const { record } = delivery;
    const stored: StoredPush = { ...record, setAsideAt: this.clock.now(), reason };
    const dropped = this.#toDrop(record);
    await this.records.write(
      [
        { type: 'del', key: INBOX_PREFIX + record.id },
        { type: 'put', key: DEAD_LETTER_PREFIX + record.id, value: encodeJson(stored) },
        ...dropped.flatMap(([id]) => this.removal(id)),
        ...more,
      ],
      'synced',
    );
    for (const [id, { file }] of dropped) {
      this.forget(id);
      if (file !== undefined) await this.room.remove(file);
      this.log({ level: 'warn', message: `push ${id}, the oldest set aside, was dropped to make room` });
    }
    this.#hold(record, delivery);
  }

  /**
   * Lets go of a push: `keep` writes where it is from then on, with what is given to it.
   * @returns undefined where there is no such push, or somebody else has let go of it.
   * @throws what `keep` throws, and StoreError: it is here still.
   */
  async release(
    id: string,
    keep: (delivery: Delivery, written: readonly Write[]) => Promise<void>,
  ): Promise<Delivery | undefined> {
    const held = this.#held.get(id);
    if (!held) return undefined;
    this.forget(id);
    try {
      const delivery = held.delivery ?? (await this.#read(id));
      if (delivery) await keep(delivery, [{ type: 'del', key: DEAD_LETTER_PREFIX + id }]);
      return delivery;
    } catch (error) {
      this.#held.set(id, held);
      this.#count(held, 1);
      throw error;
    }
  }

  removal(id: string): Write[] {
    return [
      { type: 'del', key: DEAD_LETTER_PREFIX + id },
      { type: 'del', key: CONTENT_PREFIX + id },
    ];
  }

  forget(id: string): void {
    const held = this.#held.get(id);
    if (held) this.#count(held, -1);
    this.#held.delete(id);
  }

  /** The files of pushes that are here. */
  *files(): Iterable<string> {
    for (const { file } of this.#held.values()) if (file !== undefined) yield file;
  }

  async #read(id: string): Promise<Delivery | undefined> {
    const bytes = await this.records.get(DEAD_LETTER_PREFIX + id);
    if (!bytes) return undefined;
    const { setAsideAt: _at, reason: _reason, ...record } = decode(bytes);
    return new Delivery(record, true);
  }

  #hold({ id, size, file }: PushRecord, delivery?: Delivery): void {
    const held = { size, ...(file === undefined ? {} : { file }), ...(delivery ? { delivery } : {}) };
    this.#held.set(id, held);
    this.#count(held, 1);
  }

  #count({ size, file }: Held, sign: 1 | -1): void {
    if (file === undefined) this.#bytes += sign * size;
    else this.#fileBytes += sign * size;
  }

  #toDrop({ size, file }: PushRecord): [id: string, Held][] {
    const { setAsideCount, setAsideBytes, setAsideFileBytes } = this.limits;
    let count = this.#held.size + 1;
    let bytes = this.#bytes + (file === undefined ? size : 0);
    let fileBytes = this.#fileBytes + (file === undefined ? 0 : size);
    const dropped: [string, Held][] = [];
    for (const [id, held] of this.#held) {
      const tooMany = count > setAsideCount;
      const tooLarge = held.file === undefined ? bytes > setAsideBytes : fileBytes > setAsideFileBytes;
      if (!tooMany && !tooLarge) continue;
      dropped.push([id, held]);
      count--;
      if (held.file === undefined) bytes -= held.size;
      else fileBytes -= held.size;
    }
    return dropped;
  }

  async #stored(): Promise<StoredPush[]> {
    const stored: StoredPush[] = [];
    for await (const [id, bytes] of this.records.entries(DEAD_LETTER_PREFIX)) {
      try {
        stored.push(decode(bytes));
      } catch (error) {
        this.log({ level: 'error', message: `push ${id}, set aside, cannot be read: ${reasonOf(error)}` });
      }
    }
    return stored.sort((one, other) => one.setAsideAt - other.setAsideAt);
  }
}

function decode(bytes: Uint8Array): StoredPush {
  const fields = decodeJson(bytes);
  const { setAsideAt, reason } = Object(fields) as Partial<StoredPush>;
  return { ...decodeRecord(bytes), setAsideAt: Number(setAsideAt) || 0, reason: String(reason) };
}

export const DEAD_LETTERS: InjectionToken<DeadLetters> = Symbol('set aside');

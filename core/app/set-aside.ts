/** Pushes that no application could be made to take: kept for people, with the reason. */

import type { Clock } from './clock.js';
import type { Delivery } from './delivery.js';
import { CONTENT, decodeJson, encodeJson, INBOX, SET_ASIDE } from './layout.js';
import type { RuntimeLimits } from './limits.js';
import type { LogSink } from './log.js';
import { reasonOf } from './outcome.js';
import { decodeRecord, type PushRecord } from './push-record.js';
import type { Records, Write } from './records.js';

export interface SetAsidePush {
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

interface StoredPush extends PushRecord {
  readonly setAsideAt: number;
  readonly reason: string;
}

export class SetAside {
  /** Push id → bytes of content, the oldest first. */
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  private constructor(
    private readonly records: Records,
    private readonly clock: Clock,
    private readonly limits: RuntimeLimits,
    private readonly log: LogSink,
  ) {}

  static async open(records: Records, clock: Clock, limits: RuntimeLimits, log: LogSink): Promise<SetAside> {
    const aside = new SetAside(records, clock, limits, log);
    for (const push of await aside.#stored()) aside.#hold(push.id, push.size);
    return aside;
  }

  has(id: string): boolean {
    return this.#sizes.has(id);
  }

  /** The oldest first. */
  async list(): Promise<SetAsidePush[]> {
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
  async add({ record }: Delivery, reason: string, more: readonly Write[]): Promise<void> {
    const stored: StoredPush = { ...record, setAsideAt: this.clock.now(), reason };
    const dropped = this.#toDrop(record.size);
    await this.records.write(
      [
        { type: 'del', key: INBOX + record.id },
        { type: 'put', key: SET_ASIDE + record.id, value: encodeJson(stored) },
        ...dropped.flatMap((id) => this.removal(id)),
        ...more,
      ],
      'synced',
    );
    for (const id of dropped) {
      this.forget(id);
      this.log({ level: 'warn', message: `push ${id}, the oldest set aside, was dropped to make room` });
    }
    this.#hold(record.id, record.size);
  }

  removal(id: string): Write[] {
    return [
      { type: 'del', key: SET_ASIDE + id },
      { type: 'del', key: CONTENT + id },
    ];
  }

  forget(id: string): void {
    this.#bytes -= this.#sizes.get(id) ?? 0;
    this.#sizes.delete(id);
  }

  #hold(id: string, size: number): void {
    this.#sizes.set(id, size);
    this.#bytes += size;
  }

  #toDrop(coming: number): string[] {
    const { setAsideCount, setAsideBytes } = this.limits;
    let count = this.#sizes.size + 1;
    let bytes = this.#bytes + coming;
    const dropped: string[] = [];
    for (const [id, size] of this.#sizes) {
      if (count <= setAsideCount && bytes <= setAsideBytes) break;
      dropped.push(id);
      count--;
      bytes -= size;
    }
    return dropped;
  }

  async #stored(): Promise<StoredPush[]> {
    const stored: StoredPush[] = [];
    for await (const [id, bytes] of this.records.entries(SET_ASIDE)) {
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

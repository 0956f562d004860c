/** The durable inbox: pushes that were, or will be, confirmed because they are on disk. */

import { LimitError } from '../errors.js';
import { Delivery } from './delivery.js';
import { CONTENT, encodeJson, INBOX } from './layout.js';
import type { RuntimeLimits } from './limits.js';
import type { LogSink } from './log.js';
import { reasonOf } from './outcome.js';
import { decodeRecord, type PushRecord } from './push-record.js';
import type { Records, Write } from './records.js';

/** The inbox's own bounds, not the push's. */
export class InboxFull extends LimitError {}

interface Held {
  delivery: Delivery;
  bytes: number;
}

/** Metadata is in memory, so that nothing is searched while pushes come in; content is on disk. */
export class Inbox {
  readonly #held = new Map<string, Held>();
  #bytes = 0;

  private constructor(
    private readonly records: Records,
    private readonly limits: RuntimeLimits,
  ) {}

  static async open(records: Records, limits: RuntimeLimits, log: LogSink): Promise<Inbox> {
    const inbox = new Inbox(records, limits);
    for await (const [id, bytes] of records.entries(INBOX)) {
      try {
        const delivery = new Delivery(decodeRecord(bytes), true);
        delivery.answered = true;
        inbox.#hold(delivery, bytes.length);
      } catch (error) {
        // Left where it is: somebody may be able to read it.
        log({ level: 'error', message: `push ${id} in the inbox cannot be read: ${reasonOf(error)}` });
      }
    }
    return inbox;
  }

  get(id: string): Delivery | undefined {
    return this.#held.get(id)?.delivery;
  }

  *deliveries(): Iterable<Delivery> {
    for (const { delivery } of this.#held.values()) yield delivery;
  }

  /**
   * On disk when it resolves.
   * @throws InboxFull, or StoreError when the store does not write.
   */
  async add(delivery: Delivery, content: Uint8Array): Promise<void> {
    const metadata = encodeJson(delivery.record);
    this.#requireRoom(metadata.length + content.length);
    this.#hold(delivery, metadata.length);
    try {
      await this.records.write(
        [
          { type: 'put', key: INBOX + delivery.id, value: metadata },
          { type: 'put', key: CONTENT + delivery.id, value: content },
        ],
        'synced',
      );
    } catch (error) {
      this.forget(delivery.id);
      throw error;
    }
  }

  /** Writes the record's new state. It need not outlive a loss of power: a count of attempts is all that changes. */
  async update(delivery: Delivery, record: PushRecord): Promise<void> {
    await this.records.write([{ type: 'put', key: INBOX + record.id, value: encodeJson(record) }], 'written');
    delivery.record = record;
  }

  content(id: string): Promise<Uint8Array | undefined> {
    return this.records.get(CONTENT + id);
  }

  /** What removes the push from the disk; `forget` follows when that was written. */
  removal(id: string): Write[] {
    return [
      { type: 'del', key: INBOX + id },
      { type: 'del', key: CONTENT + id },
    ];
  }

  forget(id: string): void {
    const held = this.#held.get(id);
    if (!held) return;
    this.#held.delete(id);
    this.#bytes -= held.bytes;
  }

  #hold(delivery: Delivery, metadata: number): void {
    const bytes = metadata + delivery.record.size;
    this.#held.set(delivery.id, { delivery, bytes });
    this.#bytes += bytes;
  }

  #requireRoom(bytes: number): void {
    const { inboxCount, inboxBytes } = this.limits;
    if (this.#held.size >= inboxCount) throw new InboxFull(`the inbox holds ${inboxCount} pushes, its most`);
    if (this.#bytes + bytes > inboxBytes) {
      throw new InboxFull(`the inbox holds ${this.#bytes} bytes; with ${bytes} more it passes ${inboxBytes}`);
    }
  }
}

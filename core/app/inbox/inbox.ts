/** The durable inbox: pushes that were, or will be, confirmed because they are on disk. */

import { type Content, memoryContent } from '../../content/content.js';
import { LimitError } from '../../errors.js';
import type { InjectionToken } from '../../injection.js';
import type { LogSink } from '../../log.js';
import type { ContentFiles } from '../../store/content-files.js';
import {
  CONTENT_PREFIX,
  encodeJson,
  INBOX_PREFIX,
  type Records,
  TRANSFER_PREFIX,
  type Write,
} from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { RuntimeLimits } from '../limits.js';
import { Delivery } from './delivery.js';
import { decodeRecord, type PushRecord } from './push-record.js';

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
    private readonly room: ContentFiles,
    private readonly limits: RuntimeLimits,
  ) {}

  static async open(
    records: Records,
    room: ContentFiles,
    limits: RuntimeLimits,
    log: LogSink,
  ): Promise<Inbox> {
    const inbox = new Inbox(records, room, limits);
    for await (const [id, bytes] of records.entries(INBOX_PREFIX)) {
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
    await this.#add(delivery, metadata, { type: 'put', key: CONTENT_PREFIX + delivery.id, value: content });
  }

  /** As `add`, of a push whose content is on disk in a file, which is no longer a transfer's to resume. */
  async addFile(delivery: Delivery): Promise<void> {
    await this.#add(delivery, encodeJson(delivery.record), {
      type: 'del',
      key: TRANSFER_PREFIX + delivery.id,
    });
  }

  /** As `add`, of a push whose content is on disk already. @param more is written with it. */
  async restore(delivery: Delivery, more: readonly Write[]): Promise<void> {
    await this.#add(delivery, encodeJson(delivery.record), ...more);
  }

  async #add(delivery: Delivery, metadata: Uint8Array, ...more: readonly Write[]): Promise<void> {
    this.#requireRoom(metadata.length + inStore(delivery.record));
    this.#hold(delivery, metadata.length);
    try {
      const record: Write = { type: 'put', key: INBOX_PREFIX + delivery.id, value: metadata };
      await this.records.write([record, ...more], 'synced');
    } catch (error) {
      this.forget(delivery.id);
      throw error;
    }
  }

  /** Writes the record's new state. It need not outlive a loss of power: a count of attempts is all that changes. */
  async update(delivery: Delivery, record: PushRecord): Promise<void> {
    await this.records.write(
      [{ type: 'put', key: INBOX_PREFIX + record.id, value: encodeJson(record) }],
      'written',
    );
    delivery.record = record;
  }

  /** Undefined when it is not there any more. */
  async content({ id, type, size, file }: PushRecord): Promise<Content | undefined> {
    if (file !== undefined) return this.room.content(type, file, size);
    const bytes = await this.records.get(CONTENT_PREFIX + id);
    return bytes && memoryContent(type, bytes);
  }

  /** What removes the push from the disk; `forget` follows when that was written. */
  removal(id: string): Write[] {
    return [
      { type: 'del', key: INBOX_PREFIX + id },
      { type: 'del', key: CONTENT_PREFIX + id },
    ];
  }

  forget(id: string): void {
    const held = this.#held.get(id);
    if (!held) return;
    this.#held.delete(id);
    this.#bytes -= held.bytes;
  }

  #hold(delivery: Delivery, metadata: number): void {
    const bytes = metadata + inStore(delivery.record);
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

/** Bytes of content; those in files are the transfers' to count. */
function inStore({ size, file }: PushRecord): number {
  return file === undefined ? size : 0;
}

export const INBOX: InjectionToken<Inbox> = Symbol('inbox');

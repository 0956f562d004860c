/** The pushes accepted last, kept so that `describe` can show them. */

import { type Content, type MediaType, memoryContent } from '../../content/content.js';
import { SipPushError } from '../../errors.js';
import type { InjectionToken } from '../../injection.js';
import type { PushRecord } from '../ledger/stored-entry.js';
import { MAX_DESCRIBED_BYTES, type RuntimeLimits } from '../limits.js';

export interface DescribablePush {
  record: PushRecord;
  content: Content;
}

export class RecentPushes {
  /** The oldest first. */
  readonly #pushes = new Map<string, DescribablePush>();
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  constructor(private readonly limits: RuntimeLimits) {}

  get(id: string): DescribablePush | undefined {
    return this.#pushes.get(id);
  }

  add(record: PushRecord, content: Content): void {
    const { size } = content;
    if (size === undefined || size > this.limits.recentBytes) return;
    this.#add(record, content, size);
  }

  /** The file of the content is about to be removed: small content is copied, of large content only its size is kept. */
  async addFile(record: PushRecord, content: Content): Promise<void> {
    const { type, size } = record;
    if (size > Math.min(MAX_DESCRIBED_BYTES, this.limits.recentBytes)) {
      this.#add(record, removedContent(type, size), 0);
      return;
    }
    const bytes = await content.bytes(MAX_DESCRIBED_BYTES).catch(() => undefined);
    this.#add(record, bytes ? memoryContent(type, bytes) : removedContent(type, size), bytes?.length ?? 0);
  }

  #add(record: PushRecord, content: Content, size: number): void {
    this.#drop(record.id);
    this.#pushes.set(record.id, { record, content });
    this.#sizes.set(record.id, size);
    this.#bytes += size;
    for (const id of this.#pushes.keys()) {
      if (this.#pushes.size <= this.limits.recentCount && this.#bytes <= this.limits.recentBytes) break;
      this.#drop(id);
    }
  }

  #drop(id: string): void {
    this.#bytes -= this.#sizes.get(id) ?? 0;
    this.#sizes.delete(id);
    this.#pushes.delete(id);
  }
}

function removedContent(type: MediaType, size: number): Content {
  const removed = () => new SipPushError('the content was removed when its push was finished');
  return {
    type,
    size,
    open: () => new ReadableStream({ start: (controller) => controller.error(removed()) }),
    bytes: () => Promise.reject(removed()),
  };
}

export const RECENT: InjectionToken<RecentPushes> = Symbol('recent pushes');

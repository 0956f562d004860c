/** The pushes taken last, so that a person can be shown what they were. */

import type { Content } from '../content/content.js';
import type { RuntimeLimits } from './limits.js';
import type { PushRecord } from './push-record.js';

export interface ShownPush {
  record: PushRecord;
  content: Content;
}

export class RecentPushes {
  /** The oldest first. */
  readonly #pushes = new Map<string, ShownPush>();
  #bytes = 0;

  constructor(private readonly limits: RuntimeLimits) {}

  get(id: string): ShownPush | undefined {
    return this.#pushes.get(id);
  }

  add(record: PushRecord, content: Content): void {
    const { size } = content;
    if (size === undefined || size > this.limits.recentBytes) return;
    this.#drop(record.id);
    this.#pushes.set(record.id, { record, content });
    this.#bytes += size;
    for (const id of this.#pushes.keys()) {
      if (this.#pushes.size <= this.limits.recentCount && this.#bytes <= this.limits.recentBytes) break;
      this.#drop(id);
    }
  }

  #drop(id: string): void {
    this.#bytes -= this.#pushes.get(id)?.content.size ?? 0;
    this.#pushes.delete(id);
  }
}

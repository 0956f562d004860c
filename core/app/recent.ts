/** The pushes taken last, so that a person can be shown what they were. */

import type { Push } from './contract.js';
import type { RuntimeLimits } from './limits.js';

export class RecentPushes {
  /** The oldest first. */
  readonly #pushes = new Map<string, Push>();
  #bytes = 0;

  constructor(private readonly limits: RuntimeLimits) {}

  get(id: string): Push | undefined {
    return this.#pushes.get(id);
  }

  add(push: Push): void {
    const { size } = push.content;
    if (size === undefined || size > this.limits.recentBytes) return;
    this.#drop(push.id);
    this.#pushes.set(push.id, push);
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

/** Changes of pushes, for whoever follows one. */

import type { OutboxRecord } from '../../core/sender/outbox/record.js';

export class PushEvents {
  readonly #followers = new Map<string, Set<(push: OutboxRecord) => void>>();

  /** A push has another receipt, or another state. */
  changed(push: OutboxRecord): void {
    for (const tell of this.#followers.get(push.id) ?? []) tell(push);
  }

  /** The push as it is, and as it is after each change; of several changes at once the last. Ends with `signal`. */
  async *of(push: OutboxRecord, signal: AbortSignal): AsyncGenerator<OutboxRecord> {
    let latest: OutboxRecord | undefined = push;
    let wake = () => {};
    const tell = (changed: OutboxRecord) => {
      latest = changed;
      wake();
    };
    const followers = this.#followers.get(push.id) ?? new Set();
    this.#followers.set(push.id, followers.add(tell));
    signal.addEventListener('abort', () => wake(), { once: true });
    try {
      while (!signal.aborted) {
        const next: OutboxRecord | undefined = latest;
        latest = undefined;
        if (next) yield next;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      followers.delete(tell);
      if (followers.size === 0) this.#followers.delete(push.id);
    }
  }
}

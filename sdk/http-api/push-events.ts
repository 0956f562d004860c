/** Notifies subscribers of the changes of a push. */

import type { OutboxRecord } from '../../core/sender/outbox/record.js';

export class PushEvents {
  readonly #followers = new Map<string, Set<(push: OutboxRecord) => void>>();

  /** Passes a changed push to its subscribers. */
  emit(push: OutboxRecord): void {
    for (const notify of this.#followers.get(push.id) ?? []) notify(push);
  }

  /** Yields the push, and its state after each change; only the last of several pending changes. Ends with `signal`. */
  async *follow(push: OutboxRecord, signal: AbortSignal): AsyncGenerator<OutboxRecord> {
    let latest: OutboxRecord | undefined = push;
    let wake = () => {};
    const notify = (changed: OutboxRecord) => {
      latest = changed;
      wake();
    };
    const followers = this.#followers.get(push.id) ?? new Set();
    this.#followers.set(push.id, followers.add(notify));
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
      followers.delete(notify);
      if (followers.size === 0) this.#followers.delete(push.id);
    }
  }
}

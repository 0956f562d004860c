/** One push in this host's hands: from its acceptance until it has ended, in exactly one way. */

import type { Refusal } from '../contract/outcome.js';
import type { PushRecord } from './push-record.js';

export type Ending = { type: 'taken' } | { type: 'refused'; refusal: Refusal };

export class Delivery {
  #ending: Ending | undefined;
  #onTaken = new Set<() => void>();

  /** Set while a commit is being written: until it is known, nothing else may end the push. */
  committing: Promise<void> | undefined;
  /** A durable push whose sender was told that it is taken: an application can no longer refuse it. */
  answered = false;
  /** In no one's care but its keeper's: its application has had its chances. */
  setAside = false;
  /** Why it was not taken the last time. */
  trouble: string | undefined;
  /** An application has it now, or it waits for its turn. */
  running = false;

  /**
   * @param landed resolves when all of its content has come, is what it should be, and is on disk where it has to be;
   * rejects when it broke off. Absent: it was there from the first.
   */
  constructor(
    public record: PushRecord,
    readonly durable: boolean,
    readonly landed?: Promise<void>,
  ) {}

  get id(): string {
    return this.record.id;
  }

  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** False when the push has ended before. */
  end(ending: Ending): boolean {
    if (this.#ending) return false;
    this.#ending = ending;
    if (ending.type === 'taken') for (const listener of this.#onTaken) listener();
    this.#onTaken.clear();
    return true;
  }

  /** Calls `listener` when the push is taken by a commit, ahead of the end of `receive`. */
  onTaken(listener: () => void): () => void {
    this.#onTaken.add(listener);
    return () => this.#onTaken.delete(listener);
  }
}

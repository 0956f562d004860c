/** Dead letters: pushes whose senders have the answer that they are accepted, but whose application refuses them. */

import { type InjectionToken, inject, injectable } from '../../injection.js';
import type { Clock } from '../../time/clock.js';
import { CLOCK } from '../foundations.js';
import { type Entry, PushEntry } from './entry.js';
import { LEDGER, type Ledger } from './ledger.js';
import { LEDGER_STORE, type LedgerStore, putEntry } from './ledger-store.js';

export interface DeadLetter {
  readonly id: string;
  readonly app: string;
  readonly from: string;
  readonly to: string;
  readonly contentType: string;
  /** Bytes of content. */
  readonly size: number;
  readonly receivedAt: Date;
  /** When the deliveries ended. */
  readonly deadSince: Date;
  /** Deliveries started. */
  readonly attempts: number;
  /** The application's last answer. */
  readonly reason: string;
}

@injectable()
export class DeadLetters {
  constructor(
    @inject(LEDGER_STORE) private readonly store: LedgerStore,
    @inject(LEDGER) private readonly ledger: Ledger,
    @inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** All dead letters, the oldest first. */
  list(): DeadLetter[] {
    return Array.from(this.store.entries.values())
      .filter((entry): entry is PushEntry => entry.state === 'dead-letter')
      .map(describe);
  }

  /**
   * Ends the deliveries of a push, even when the application's share of dead letters is used up: a confirmed push is not
   * dropped. Without effect when the push is finished.
   * @throws StoreError: the push is still in the inbox.
   */
  async add(entry: PushEntry, reason: string): Promise<void> {
    await entry.committing?.catch(() => {});
    if (entry.result || entry.state !== 'received') return;
    const { id, record } = entry;
    const now = this.clock.now();
    entry.dead = { since: now, reason };
    const dead = putEntry(id, { state: 'dead-letter', push: record, deadSince: now, reason });
    await this.store.transition(entry, 'dead-letter', [dead]);
    this.store.warn(entry, `is a dead letter after ${record.attempts} deliveries: ${reason}`);
    this.store.emit({ event: 'dead-letter', id, app: record.app, attempts: record.attempts, reason });
  }

  /**
   * Returns a dead letter to the inbox, with as many attempts as any other push.
   * @returns undefined when there is no such dead letter.
   * @throws LedgerFullError, StoreError: the push is still a dead letter.
   */
  async revive(id: string): Promise<PushEntry | undefined> {
    const entry = await this.#settled(id);
    // It may have changed since the promise resolved.
    if (entry?.state !== 'dead-letter') return undefined;
    const { record } = entry;
    entry.record = { ...record, attempts: 0, interrupted: undefined, ended: undefined };
    try {
      await this.ledger.receive(entry);
    } catch (error) {
      entry.record = record;
      throw error;
    }
    return entry;
  }

  /** Deletes a dead letter. @returns false when there is no such dead letter. @throws StoreError: the push is still a dead letter. */
  async drop(id: string): Promise<boolean> {
    const entry = await this.#settled(id);
    if (entry?.state !== 'dead-letter') return false;
    await this.store.finish([entry], (operations) => this.store.transition(entry, 'unstored', operations));
    await this.store.removeFile(entry);
    return true;
  }

  /** The entry, when no commit of an earlier delivery is being written. */
  async #settled(id: string): Promise<Entry | undefined> {
    for (;;) {
      const entry = this.store.entries.get(id);
      if (!(entry instanceof PushEntry) || !entry.committing) return entry;
      await entry.committing.catch(() => {});
    }
  }
}

function describe({ record, dead }: PushEntry): DeadLetter {
  const { id, app, from, to, type, size, receivedAt, attempts } = record;
  return {
    id,
    app,
    from,
    to,
    contentType: type.type,
    size,
    receivedAt: new Date(receivedAt),
    deadSince: new Date(dead?.since ?? receivedAt),
    attempts,
    reason: dead?.reason ?? '',
  };
}

export const DEAD_LETTERS: InjectionToken<DeadLetters> = Symbol('dead letters');

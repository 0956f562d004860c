/** How a push ends, on disk and in memory: the only place where one does. */

import { inject, injectable } from 'tsyringe';
import { AppError } from '../errors.js';
import type { Delivery } from './delivery.js';
import type { DoneMarkers } from './done-markers.js';
import type { Inbox } from './inbox.js';
import type { LogSink } from './log.js';
import { type Refusal, reasonOf } from './outcome.js';
import type { Records, Write } from './records.js';
import type { SetAside } from './set-aside.js';
import { DONE_MARKERS, INBOX, LOG_SINK, RECORDS, SET_ASIDE } from './tokens.js';

@injectable()
export class Endings {
  constructor(
    @inject(RECORDS) private readonly records: Records,
    @inject(INBOX) private readonly inbox: Inbox,
    @inject(SET_ASIDE) private readonly aside: SetAside,
    @inject(DONE_MARKERS) private readonly done: DoneMarkers,
    @inject(LOG_SINK) private readonly log: LogSink,
  ) {}

  /**
   * The application's commit: its storage, the end of the push and the marker that answers its sender's next
   * attempt, in one write.
   * @throws AppError when the push has ended, StoreError when the store does not write; it may be tried again then.
   */
  async commit(delivery: Delivery, storage: readonly Write[]): Promise<void> {
    const problem = delivery.committing ? 'is being committed' : endedWords(delivery);
    if (problem) throw new AppError(delivery.record.app, `push ${delivery.id} ${problem}`);
    delivery.committing = this.#commit(delivery, storage);
    try {
      await delivery.committing;
    } finally {
      delivery.committing = undefined;
    }
  }

  /** `receive` resolved without a commit: its application may get the push once more if power is lost now. */
  async take(delivery: Delivery): Promise<void> {
    if (!delivery.end({ type: 'taken' })) return;
    const marker = this.done.mark(delivery.id);
    try {
      await this.records.write([...this.#removal(delivery), ...marker.operations], 'written');
    } catch (error) {
      // Taken it is, whatever the store says; what is on disk is given again after a restart.
      this.#warn(delivery, `was taken, but the store does not know: ${reasonOf(error)}`);
    }
    marker.apply();
    this.#forget(delivery);
  }

  /** The sender hears of it, so nothing stays: when it tries again, that is a new decision. */
  async refuse(delivery: Delivery, refusal: Refusal): Promise<void> {
    await delivery.committing?.catch(() => {});
    if (delivery.end({ type: 'refused', refusal }) && delivery.durable) await this.remove(delivery);
  }

  /** Off the disk, and out of mind. */
  async remove(delivery: Delivery): Promise<void> {
    try {
      await this.records.write(this.#removal(delivery), 'written');
    } catch (error) {
      this.#warn(delivery, `was refused, but the store still holds it: ${reasonOf(error)}`);
    }
    this.#forget(delivery);
  }

  /** The sender was told yes, the application says no: kept for people. @throws StoreError */
  async setAside(delivery: Delivery, reason: string): Promise<void> {
    await delivery.committing?.catch(() => {});
    if (delivery.ending || delivery.setAside) return;
    delivery.setAside = true;
    const marker = this.done.mark(delivery.id);
    try {
      await this.aside.add(delivery, reason, marker.operations);
    } catch (error) {
      delivery.setAside = false;
      throw error;
    }
    marker.apply();
    this.inbox.forget(delivery.id);
    this.#warn(delivery, `was set aside after ${delivery.record.attempts} deliveries: ${reason}`);
  }

  async #commit(delivery: Delivery, storage: readonly Write[]): Promise<void> {
    const marker = this.done.mark(delivery.id);
    await this.records.write([...storage, ...this.#removal(delivery), ...marker.operations], 'synced');
    marker.apply();
    this.#forget(delivery);
    delivery.end({ type: 'taken' });
  }

  /** From wherever it is: a late commit may find its push set aside. */
  #removal({ id, durable }: Delivery): Write[] {
    return durable ? [...this.inbox.removal(id), ...this.aside.removal(id)] : [];
  }

  #forget({ id, durable }: Delivery): void {
    if (!durable) return;
    this.inbox.forget(id);
    this.aside.forget(id);
  }

  #warn({ id, record }: Delivery, message: string): void {
    this.log({ level: 'warn', app: record.app, message: `push ${id} ${message}` });
  }
}

function endedWords({ ending }: Delivery): string | undefined {
  if (!ending) return undefined;
  if (ending.type === 'taken') return 'has been taken already: commit ends a push once';
  return `can no longer be taken: its sender was told that it is not (${ending.refusal.reason})`;
}

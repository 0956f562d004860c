/** How a push ends, on disk and in memory: the only place where one does. */

import { AppError } from '../../errors.js';
import { type InjectionToken, inject, injectable } from '../../injection.js';
import type { LogSink } from '../../log.js';
import { CONTENT_FILES, type ContentFiles } from '../../store/content-files.js';
import type { Records, Write } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { Refusal } from '../contract/outcome.js';
import { LOG_SINK, RECORDS } from '../foundations.js';
import { DEAD_LETTERS, type DeadLetters } from '../inbox/dead-letters.js';
import type { Delivery } from '../inbox/delivery.js';
import { DONE_MARKERS, type DoneMarkers } from '../inbox/done-markers.js';
import { INBOX, type Inbox } from '../inbox/inbox.js';
import { PARTIAL_TRANSFERS, type PartialTransfers } from '../inbox/partial-transfers.js';
import type { AppScope } from '../services/app-scope.js';
import type { Batch } from '../services/app-writes.js';

@injectable()
export class Settlement {
  constructor(
    @inject(RECORDS) private readonly records: Records,
    @inject(INBOX) private readonly inbox: Inbox,
    @inject(DEAD_LETTERS) private readonly aside: DeadLetters,
    @inject(DONE_MARKERS) private readonly done: DoneMarkers,
    @inject(PARTIAL_TRANSFERS) private readonly partials: PartialTransfers,
    @inject(CONTENT_FILES) private readonly room: ContentFiles,
    @inject(LOG_SINK) private readonly log: LogSink,
  ) {}

  /**
   * The application's commit: its storage, the end of the push and the marker that answers its sender's next
   * attempt, in one write. While its content is still coming, it waits for that.
   * @throws AppError when the push has ended, its content broke off, or the application was stopped; StoreError when
   * the store does not write; it may be tried again then.
   */
  async commit(delivery: Delivery, own: Batch, scope: AppScope): Promise<void> {
    const problem = delivery.committing ? 'is being committed' : endedWords(delivery);
    if (problem) throw uncommitted(delivery, problem);
    delivery.committing = this.writeCommit(delivery, own, scope);
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
      await this.records.write([...this.removal(delivery), ...marker.operations], 'written');
    } catch (error) {
      // Taken it is, whatever the store says; what is on disk is given again after a restart.
      this.warn(delivery, `was taken, but the store does not know: ${reasonOf(error)}`);
    }
    marker.apply();
    await this.forget(delivery);
  }

  /**
   * The sender hears of it, so nothing stays in the inbox: when it tries again, that is a new decision. The file of a
   * transfer is the transfer's to keep or to drop.
   */
  async refuse(delivery: Delivery, refusal: Refusal): Promise<void> {
    await delivery.committing?.catch(() => {});
    if (delivery.end({ type: 'refused', refusal }) && delivery.durable) await this.remove(delivery);
  }

  /** Off the disk, and out of mind. */
  async remove(delivery: Delivery): Promise<void> {
    try {
      await this.records.write(this.removal(delivery), 'written');
    } catch (error) {
      this.warn(delivery, `was refused, but the store still holds it: ${reasonOf(error)}`);
    }
    this.leave(delivery);
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
    this.warn(delivery, `was set aside after ${delivery.record.attempts} deliveries: ${reason}`);
  }

  private async writeCommit(delivery: Delivery, own: Batch, scope: AppScope): Promise<void> {
    if (delivery.landed) await this.landed(delivery, delivery.landed, scope);
    const marker = this.done.mark(delivery.id);
    await own.write([...this.removal(delivery), ...marker.operations]);
    marker.apply();
    delivery.end({ type: 'taken' });
    await this.forget(delivery);
  }

  private async landed(delivery: Delivery, landed: Promise<void>, scope: AppScope): Promise<void> {
    await landed.catch((error: unknown) => {
      throw uncommitted(delivery, `cannot be committed: ${reasonOf(error)}`, error);
    });
    const problem = scope.active ? endedWords(delivery) : 'cannot be committed: it was stopped';
    if (problem) throw uncommitted(delivery, problem);
  }

  /** From wherever it is: a late commit may find its push set aside. */
  private removal({ id, durable, record }: Delivery): Write[] {
    return [
      ...(durable ? [...this.inbox.removal(id), ...this.aside.removal(id)] : []),
      ...(record.file === undefined ? [] : this.partials.removal(id)),
    ];
  }

  private leave({ id, durable }: Delivery): void {
    if (!durable) return;
    this.inbox.forget(id);
    this.aside.forget(id);
  }

  private async forget(delivery: Delivery): Promise<void> {
    this.leave(delivery);
    const { id, record } = delivery;
    if (record.file === undefined) return;
    this.partials.forget(id);
    await this.room.remove(record.file);
  }

  private warn({ id, record }: Delivery, message: string): void {
    this.log({ level: 'warn', app: record.app, message: `push ${id} ${message}` });
  }
}

function uncommitted({ id, record }: Delivery, problem: string, cause?: unknown): AppError {
  return new AppError(record.app, `push ${id} ${problem}`, { cause });
}

function endedWords({ ending }: Delivery): string | undefined {
  if (!ending) return undefined;
  if (ending.type === 'taken') return 'has been taken already: commit ends a push once';
  return `can no longer be taken: its sender was told that it is not (${ending.refusal.reason})`;
}

export const SETTLEMENT: InjectionToken<Settlement> = Symbol('endings');

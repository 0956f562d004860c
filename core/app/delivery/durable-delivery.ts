/** Deliveries of durable pushes: the first one, and redeliveries until the push is finished. */

import type { Content } from '../../content/content.js';
import { type InjectionToken, inject, injectable } from '../../injection.js';
import type { LogSink } from '../../log.js';
import { reasonOf } from '../../text.js';
import { retryDelay } from '../../time/backoff.js';
import type { Clock } from '../../time/clock.js';
import type { Application } from '../application/application.js';
import { REGISTRY, type Registry } from '../application/registry.js';
import type { Turn } from '../application/slots.js';
import { isRetryable, type Outcome, type Refusal, refused, resources } from '../contract/outcome.js';
import { unavailableOf } from '../contract/unavailable.js';
import { CLOCK, DELIVERY_LISTENER, KILLED, LIMITS, LOG_SINK } from '../foundations.js';
import { DEAD_LETTERS, type DeadLetters } from '../ledger/dead-letters.js';
import type { DeliveryListener } from '../ledger/delivery-event.js';
import { factsOf, type PushEntry } from '../ledger/entry.js';
import { LEDGER, type Ledger } from '../ledger/ledger.js';
import { BACKOFF_BASE, BACKOFF_MAX, type RuntimeLimits } from '../limits.js';
import { ATTEMPTS, type AttemptResult, type Attempts } from './attempt.js';

@injectable()
export class DurableDelivery {
  /** Pushes that wait for their next delivery, with the function that cancels it. */
  private readonly waiting = new Map<PushEntry, () => void>();
  /** Pushes whose delivery was in progress when the last host was killed: one of them may be the cause. */
  private readonly suspects = new Set<PushEntry>();
  private probing = false;
  private started = false;

  constructor(
    @inject(LEDGER) private readonly ledger: Ledger,
    @inject(DEAD_LETTERS) private readonly deadLetters: DeadLetters,
    @inject(REGISTRY) private readonly registry: Registry,
    @inject(ATTEMPTS) private readonly attempts: Attempts,
    @inject(CLOCK) private readonly clock: Clock,
    @inject(LIMITS) private readonly limits: RuntimeLimits,
    @inject(LOG_SINK) private readonly log: LogSink,
    @inject(KILLED) private readonly killed: boolean,
    @inject(DELIVERY_LISTENER) private readonly listener: DeliveryListener,
  ) {}

  /** Delivers the pushes in the inbox to the applications that are loaded. */
  start(): void {
    this.started = true;
    if (this.killed) {
      for (const entry of this.ledger.allReceived()) {
        if (entry.unended > 0 && !entry.delivering) this.suspects.add(entry);
      }
    }
    for (const app of this.registry.all()) this.redeliverAll(app);
  }

  stop(): void {
    this.started = false;
    for (const cancel of this.waiting.values()) cancel();
    this.waiting.clear();
  }

  /** The application was loaded: its pushes do not wait any longer. */
  redeliverAll(app: Application): void {
    if (!this.started) return;
    for (const entry of this.ledger.allReceived()) {
      if (entry.delivering || this.suspects.has(entry)) continue;
      if (this.registry.ofRecord(entry.record) === app) this.redeliver(entry);
    }
    void this.probe();
  }

  /**
   * Delivers the suspects one at a time. The one that kills the host is delivered last after the next start, since it has
   * the most deliveries that did not end, so that the others are accepted before.
   */
  private async probe(): Promise<void> {
    if (this.probing) return;
    this.probing = true;
    for (let entry = this.nextSuspect(); entry && this.started; entry = this.nextSuspect()) {
      this.suspects.delete(entry);
      if (entry.state === 'received' && !entry.delivering) await this.redelivered(entry);
    }
    this.probing = false;
  }

  private nextSuspect(): PushEntry | undefined {
    let next: PushEntry | undefined;
    for (const entry of this.suspects) {
      const sooner = !next || entry.unended < next.unended;
      if (sooner && this.registry.ofRecord(entry.record)) next = entry;
    }
    return next;
  }

  /** The push is in the inbox again. Without its application it waits there. */
  resume(entry: PushEntry): void {
    if (this.started && !entry.delivering) this.redeliver(entry);
  }

  /**
   * Delivers a push in its turn; it is stored, or will be when its content has arrived. The application can refuse it until
   * the sender has an answer. If the application throws any other error, or is late, the push is on disk and will be
   * redelivered, so it is confirmed to the sender: after `failed`, the sender would send again what the inbox already holds.
   * Rejects when the content does not arrive.
   */
  async first(app: Application, entry: PushEntry, content: Content, turn: Turn): Promise<Outcome> {
    const { id } = entry;
    try {
      if (await turn.ready) {
        const result = await this.attempts.deliver(app, entry, content, turn);
        if (result.type === 'accepted') return { accepted: true, pushId: id };
        if (result.type === 'refused' && !entry.answered) {
          await this.ledger.refuse(entry, result.refusal);
          return entry.result?.accepted === false
            ? refused(id, entry.result.refusal)
            : { accepted: true, pushId: id };
        }
        await entry.arrived;
        entry.answered = true;
        await this.conclude(entry, result);
        return { accepted: true, pushId: id };
      }
      await entry.arrived;
    } finally {
      entry.delivering = false;
    }
    // The application was unloaded meanwhile. Another version of it may be loaded.
    entry.answered = true;
    if (this.started) this.redeliver(entry);
    return { accepted: true, pushId: id };
  }

  private redeliver(entry: PushEntry): void {
    void this.redelivered(entry);
  }

  /** Never rejects. */
  private redelivered(entry: PushEntry): Promise<void> {
    this.cancel(entry);
    entry.delivering = true;
    return this.deliverAgain(entry)
      .catch((error: unknown) => this.warn(entry, `could not be redelivered: ${reasonOf(error)}`))
      .finally(() => {
        entry.delivering = false;
      });
  }

  private async deliverAgain(entry: PushEntry): Promise<void> {
    const app = this.registry.ofRecord(entry.record);
    const unavailable = app && unavailableOf(app.instance);
    if (unavailable) {
      this.whenAvailable(entry, unavailable);
      return;
    }
    const turn = app?.enterSlot('retry', factsOf(entry.record));
    // Without its application, the push stays in the inbox until the application is loaded again.
    if (!app || !turn || !(await turn.ready)) return;
    const content = await this.prepare(entry);
    if (!content) {
      turn.leave();
      return;
    }
    await this.conclude(entry, await this.attempts.deliver(app, entry, content, turn));
  }

  /** Counts the delivery and reads the content. Undefined when the push is not to be delivered now. */
  private async prepare(entry: PushEntry): Promise<Content | undefined> {
    if (await this.isOver(entry)) return undefined;
    const { record, tries } = entry;
    if (tries >= this.limits.attempts) {
      await this.moveToDeadLetters(entry, entry.failure ?? 'its deliveries ended with the host');
      return undefined;
    }
    try {
      // Counted before the delivery: a push that kills the process must not be redelivered forever.
      await this.ledger.update(entry, { ...record, attempts: record.attempts + 1 });
      const content = await this.ledger.content(entry.record);
      // An abandoned delivery may have committed meanwhile.
      if (await this.isOver(entry)) return undefined;
      if (content) return content;
      await this.moveToDeadLetters(entry, 'its content is not in the store');
    } catch (error) {
      this.retry(entry, { kind: 'resources', reason: reasonOf(error) });
    }
    return undefined;
  }

  /** Resolves when no commit is being written. */
  private async isOver(entry: PushEntry): Promise<boolean> {
    while (entry.committing) await entry.committing.catch(() => {});
    return entry.result !== undefined || entry.state === 'dead-letter';
  }

  /** After an attempt of a push that was confirmed to its sender, or is confirmed now. */
  private async conclude(entry: PushEntry, result: AttemptResult): Promise<void> {
    if (result.type === 'accepted' || entry.result) return;
    const { kind, reason, retryAfter } = result.refusal;
    await this.endDelivery(entry, result.unavailable);
    if (result.unavailable) {
      this.whenAvailable(entry, { message: reason, retryAfter });
      return;
    }
    entry.failure = reason;
    if (result.type === 'refused' && !isRetryable(kind)) {
      await this.moveToDeadLetters(entry, `refused (${kind}): ${reason}`);
    } else if (entry.tries >= this.limits.attempts) {
      await this.moveToDeadLetters(entry, reason);
    } else {
      this.retry(entry, result.refusal);
    }
  }

  private async moveToDeadLetters(entry: PushEntry, reason: string): Promise<void> {
    try {
      await this.deadLetters.add(entry, reason);
    } catch (error) {
      this.retry(entry, resources(`it cannot become a dead letter: ${reasonOf(error)}`));
    }
  }

  /**
   * Records that the delivery ended.
   * @param unavailable the application did not see the push, so the delivery does not count as an attempt.
   */
  private async endDelivery(entry: PushEntry, unavailable = false): Promise<void> {
    const record = entry.afterDelivery();
    const interrupted = unavailable ? (record.interrupted ?? 0) + 1 : record.interrupted;
    try {
      await this.ledger.update(entry, { ...record, interrupted });
    } catch (error) {
      this.warn(entry, `has a delivery whose end cannot be recorded: ${reasonOf(error)}`);
    }
  }

  /** The delay does not grow while the application is unavailable. */
  private whenAvailable(
    entry: PushEntry,
    { message, retryAfter = 0 }: { message: string; retryAfter?: number | undefined },
  ): void {
    // Random, so that not all pushes are redelivered at the same moment.
    this.wait(entry, retryAfter * 1000 * (1 + this.clock.random() / 2), message);
  }

  private retry(entry: PushEntry, { reason, retryAfter = 0 }: Refusal): void {
    const limits = { first: BACKOFF_BASE, longest: BACKOFF_MAX };
    this.wait(entry, retryDelay(limits, entry.tries, retryAfter * 1000, this.clock.random()), reason);
  }

  private wait(entry: PushEntry, time: number, reason: string): void {
    if (!this.started || !this.registry.ofRecord(entry.record)) return;
    const milliseconds = Math.ceil(time);
    this.cancel(entry);
    this.waiting.set(
      entry,
      this.clock.after(milliseconds, () => this.redeliver(entry)),
    );
    const nextInSeconds = Math.ceil(milliseconds / 1000);
    this.warn(entry, `will be redelivered in ${nextInSeconds} s: ${reason}`);
    const { id, app, attempts } = entry.record;
    this.listener({ event: 'retry', id, app, attempt: attempts, reason, nextInSeconds });
  }

  private cancel(entry: PushEntry): void {
    this.waiting.get(entry)?.();
    this.waiting.delete(entry);
  }

  private warn({ id, record }: PushEntry, message: string): void {
    this.log({ level: 'warn', app: record.app, message: `push ${id} ${message}`, push: id });
  }
}

export const DURABLE_DELIVERY: InjectionToken<DurableDelivery> = Symbol('durable delivery');

/** Durable pushes on their way to applications: the first delivery, and as many more as it takes. */

import type { Content } from '../../content/content.js';
import { type InjectionToken, inject, injectable } from '../../injection.js';
import type { LogSink } from '../../log.js';
import type { ContentFiles } from '../../store/content-files.js';
import type { Records } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import { retryDelay } from '../../time/backoff.js';
import type { Clock } from '../../time/clock.js';
import type { Application } from '../application/application.js';
import { REGISTRY, type Registry } from '../application/registry.js';
import type { Turn } from '../application/slots.js';
import { isRetryable, type Outcome, type Refusal, resources } from '../contract/outcome.js';
import { unavailableOf } from '../contract/unavailable.js';
import { CLOCK, LIMITS, LOG_SINK } from '../foundations.js';
import type { DeadLetters } from '../inbox/dead-letters.js';
import type { Delivery } from '../inbox/delivery.js';
import { INBOX, type Inbox } from '../inbox/inbox.js';
import { tries } from '../inbox/push-record.js';
import { BACKOFF_BASE, BACKOFF_MAX, type RuntimeLimits } from '../limits.js';
import { type AttemptResult, HANDOVER, type Handover } from './attempt.js';
import { SETTLEMENT, type Settlement } from './settlement.js';

@injectable()
export class DurableDelivery {
  /** Pushes that wait for their next delivery, with what cancels it. */
  private readonly waiting = new Map<Delivery, () => void>();
  private started = false;

  constructor(
    @inject(SETTLEMENT) private readonly endings: Settlement,
    @inject(INBOX) private readonly inbox: Inbox,
    @inject(REGISTRY) private readonly registry: Registry,
    @inject(HANDOVER) private readonly handover: Handover,
    @inject(CLOCK) private readonly clock: Clock,
    @inject(LIMITS) private readonly limits: RuntimeLimits,
    @inject(LOG_SINK) private readonly log: LogSink,
  ) {}

  /** Gives what the inbox holds to the applications that are loaded. */
  start(): void {
    this.started = true;
    for (const app of this.registry.all()) this.redeliver(app);
  }

  stop(): void {
    this.started = false;
    for (const cancel of this.waiting.values()) cancel();
    this.waiting.clear();
  }

  /** At once: this application was not there before, or is another version. */
  redeliver(app: Application): void {
    if (!this.started) return;
    for (const delivery of this.inbox.deliveries()) {
      if (!delivery.running && this.registry.ofRecord(delivery.record) === app) this.again(delivery);
    }
  }

  /** At once, of one that the inbox has again; without its application it waits there. */
  resume(delivery: Delivery): void {
    if (this.started && !delivery.running) this.again(delivery);
  }

  /**
   * A push that was just written to the inbox, or is there when it has landed, in its turn. Refused only while nobody was told otherwise. An
   * application that throws anything else, or is late, has the push on disk and gets it again; so its sender is
   * told that it is taken: were it told `failed`, it would send again what is kept already.
   * Rejects when it does not land.
   */
  async first(app: Application, delivery: Delivery, content: Content, turn: Turn): Promise<Outcome> {
    try {
      if (await turn.ready) return await this.deliverFirst(app, delivery, content, turn);
      await delivery.landed;
    } finally {
      delivery.running = false;
    }
    // Its application went away meanwhile: another version of it may have come.
    delivery.answered = true;
    if (this.started) this.again(delivery);
    return { taken: true, pushId: delivery.id };
  }

  private async deliverFirst(
    app: Application,
    delivery: Delivery,
    content: Content,
    turn: Turn,
  ): Promise<Outcome> {
    const { id } = delivery;
    const result = await this.handover.give(app, delivery, content, turn);
    if (result.type === 'refused' && !delivery.answered) {
      await this.endings.refuse(delivery, result.refusal);
      const { ending } = delivery;
      return ending?.type === 'refused'
        ? { taken: false, pushId: id, ...ending.refusal }
        : { taken: true, pushId: id };
    }
    await delivery.landed;
    delivery.answered = true;
    await this.conclude(delivery, result);
    return { taken: true, pushId: id };
  }

  private again(delivery: Delivery): void {
    this.cancel(delivery);
    delivery.running = true;
    void this.redelivered(delivery)
      .catch((error: unknown) => this.warn(delivery, `could not be given again: ${reasonOf(error)}`))
      .finally(() => {
        delivery.running = false;
      });
  }

  private async redelivered(delivery: Delivery): Promise<void> {
    const app = this.registry.ofRecord(delivery.record);
    const away = app && unavailableOf(app.instance);
    if (away) {
      this.whenBack(delivery, away);
      return;
    }
    const turn = app?.slots.enter('again');
    if (!app || !turn) return;
    // Without its application it stays in the inbox, until that is loaded again.
    if (!(await turn.ready)) return;
    const content = await this.prepare(delivery);
    if (!content) {
      turn.leave();
      return;
    }
    await this.conclude(delivery, await this.handover.give(app, delivery, content, turn));
  }

  /** Counts the delivery and reads the content; undefined when there is to be no delivery now. */
  private async prepare(delivery: Delivery): Promise<Content | undefined> {
    if (await this.over(delivery)) return undefined;
    // One began just now: what is written behind it would be a push that has ended.
    if (delivery.committing) return this.prepare(delivery);
    const { record } = delivery;
    if (tries(record) >= this.limits.attempts) {
      await this.setAside(delivery, delivery.trouble ?? 'its deliveries ended with the host');
      return undefined;
    }
    try {
      // Counted ahead: a push that ends the process must not come back for ever.
      await this.inbox.update(delivery, { ...record, attempts: record.attempts + 1 });
      const content = await this.inbox.content(delivery.record);
      // An earlier delivery, given up, may have committed meanwhile.
      if (await this.over(delivery)) return undefined;
      if (content) return content;
      await this.setAside(delivery, 'its content is not in the store');
    } catch (error) {
      this.later(delivery, { kind: 'resources', reason: reasonOf(error) });
    }
    return undefined;
  }

  private async over(delivery: Delivery): Promise<boolean> {
    await delivery.committing?.catch(() => {});
    return delivery.ending !== undefined || delivery.setAside;
  }

  /** After an attempt whose sender was, or is now, told that the push is taken. */
  private async conclude(delivery: Delivery, result: AttemptResult): Promise<void> {
    if (result.type === 'taken' || delivery.ending) return;
    const { kind, reason, retryAfter } = result.refusal;
    if (result.away) {
      await this.uncount(delivery);
      this.whenBack(delivery, { message: reason, retryAfter });
      return;
    }
    delivery.trouble = reason;
    if (result.type === 'refused' && !isRetryable(kind)) {
      await this.setAside(delivery, `refused (${kind}): ${reason}`);
    } else if (tries(delivery.record) >= this.limits.attempts) {
      await this.setAside(delivery, reason);
    } else {
      this.later(delivery, result.refusal);
    }
  }

  private async setAside(delivery: Delivery, reason: string): Promise<void> {
    try {
      await this.endings.setAside(delivery, reason);
    } catch (error) {
      this.later(delivery, resources(`it cannot be set aside: ${reasonOf(error)}`));
    }
  }

  /** The attempt was not its application's. */
  private async uncount(delivery: Delivery): Promise<void> {
    const { record } = delivery;
    try {
      await this.inbox.update(delivery, { ...record, broken: (record.broken ?? 0) + 1 });
    } catch (error) {
      this.warn(delivery, `has one attempt less than it should: ${reasonOf(error)}`);
    }
  }

  /** Its application is away: that is no attempt, and no reason to wait the longer. */
  private whenBack(
    delivery: Delivery,
    { message, retryAfter = 0 }: { message: string; retryAfter?: number | undefined },
  ): void {
    // Not all in the same moment.
    this.wait(delivery, retryAfter * 1000 * (1 + this.clock.random() / 2), message);
  }

  private later(delivery: Delivery, { reason, retryAfter = 0 }: Refusal): void {
    const limits = { first: BACKOFF_BASE, longest: BACKOFF_MAX };
    const failures = tries(delivery.record);
    this.wait(delivery, retryDelay(limits, failures, retryAfter * 1000, this.clock.random()), reason);
  }

  private wait(delivery: Delivery, time: number, reason: string): void {
    if (!this.started || !this.registry.ofRecord(delivery.record)) return;
    const milliseconds = Math.ceil(time);
    this.cancel(delivery);
    this.waiting.set(
      delivery,
      this.clock.after(milliseconds, () => this.again(delivery)),
    );
    this.warn(delivery, `will be given again in ${Math.ceil(milliseconds / 1000)} s: ${reason}`);
  }

  private cancel(delivery: Delivery): void {
    this.waiting.get(delivery)?.();
    this.waiting.delete(delivery);
  }

  private warn({ id, record }: Delivery, message: string): void {
    this.log({ level: 'warn', app: record.app, message: `push ${id} ${message}` });
  }
}

/** Pushes that were set aside, when a person has decided: given again, as if they had just come, or dropped. */

/**
 * Back into the inbox, with as many attempts as any other.
 * @returns false where there is no such push.
 * @throws InboxFull, StoreError: it is set aside still.
 */
export async function redeliverDeadLetter(
  id: string,
  { aside, inbox, deliveries }: { aside: DeadLetters; inbox: Inbox; deliveries: DurableDelivery },
): Promise<boolean> {
  const delivery = await aside.release(id, async (released, written) => {
    const { attempts: _attempts, broken: _broken, ...record } = released.record;
    released.record = { ...record, attempts: 0 };
    await inbox.restore(released, written);
    // Its sender was told that it is taken: no application refuses it any longer.
    released.answered = true;
    released.setAside = false;
  });
  if (delivery) deliveries.resume(delivery);
  return delivery !== undefined;
}

/** @returns false where there is no such push. @throws StoreError: it is set aside still. */
export async function dropDeadLetter(
  id: string,
  { aside, records, room }: { aside: DeadLetters; records: Records; room: ContentFiles },
): Promise<boolean> {
  const delivery = await aside.release(id, () => records.write(aside.removal(id), 'synced'));
  if (delivery?.record.file !== undefined) await room.remove(delivery.record.file);
  return delivery !== undefined;
}

export const DURABLE_DELIVERY: InjectionToken<DurableDelivery> = Symbol('deliveries');

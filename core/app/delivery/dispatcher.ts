/** The way of a push from an agent to its application, and of the answer back. */

import { type Content, memoryContent } from '../../content/content.js';
import { LimitError } from '../../errors.js';
import { type InjectionToken, inject, injectable } from '../../injection.js';
import { StoreError } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { deadline, orLate } from '../../time/deadline.js';
import type { AppHandle, Application } from '../application/application.js';
import { REGISTRY, type Registry } from '../application/registry.js';
import type { Turn } from '../application/slots.js';
import { busy, type Outcome, type Refusal, refused, resources, tooLarge } from '../contract/outcome.js';
import type { PushMode } from '../contract/push-app.js';
import { CLOCK, LIMITS } from '../foundations.js';
import { DEAD_LETTERS, type DeadLetters } from '../inbox/dead-letters.js';
import { Delivery } from '../inbox/delivery.js';
import { DONE_MARKERS, type DoneMarkers } from '../inbox/done-markers.js';
import { INBOX, type Inbox, InboxFull } from '../inbox/inbox.js';
import { type PushRecord, pushId } from '../inbox/push-record.js';
import { ANSWER_WITHIN, type RuntimeLimits } from '../limits.js';
import { HANDOVER, type Handover } from './attempt.js';
import { DURABLE_DELIVERY, type DurableDelivery } from './durable-delivery.js';
import { RECENT, type RecentPushes } from './recent.js';
import { SETTLEMENT, type Settlement } from './settlement.js';

export interface IncomingPush {
  /** As `PushRuntime.resolve` gave it. */
  app: AppHandle;
  /** What tells this push from every other, and is the same when its sender tries again. */
  key: string;
  from: string;
  to: string;
  mode: PushMode;
  content: Content;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  fileName?: string;
}

@injectable()
export class Dispatcher {
  private readonly underWay = new Map<string, Promise<Outcome>>();

  constructor(
    @inject(REGISTRY) private readonly registry: Registry,
    @inject(INBOX) private readonly inbox: Inbox,
    @inject(DEAD_LETTERS) private readonly aside: DeadLetters,
    @inject(DONE_MARKERS) private readonly done: DoneMarkers,
    @inject(DURABLE_DELIVERY) private readonly deliveries: DurableDelivery,
    @inject(SETTLEMENT) private readonly endings: Settlement,
    @inject(HANDOVER) private readonly handover: Handover,
    @inject(RECENT) private readonly recent: RecentPushes,
    @inject(CLOCK) private readonly clock: Clock,
    @inject(LIMITS) private readonly limits: RuntimeLimits,
  ) {}

  /** Resolves within 16 s, and never rejects. A push that is under way already is joined. */
  dispatch(incoming: IncomingPush): Promise<Outcome> {
    const id = pushId(incoming.key);
    const joined = this.underWay.get(id);
    if (joined) return joined;
    const outcome = this.dispatchOnce(id, incoming)
      .catch((error: unknown) => refused(id, { kind: 'failed', reason: reasonOf(error) }))
      .finally(() => this.underWay.delete(id));
    this.underWay.set(id, outcome);
    return outcome;
  }

  /** When no push is under way any more. */
  async idle(): Promise<void> {
    await Promise.all(this.underWay.values());
  }

  private async dispatchOnce(id: string, incoming: IncomingPush): Promise<Outcome> {
    const known = this.known(id);
    if (known) return known;
    const app = this.registry.loaded(incoming.app);
    if (!app) return refused(id, busy(`${incoming.app.eventAppId} is not loaded any longer`));
    const most = this.largest(app);
    if (incoming.content.size !== undefined && incoming.content.size > most) {
      return refused(id, tooLarge(app.eventAppId, most));
    }
    const turn = app.slots.enter('sender');
    if (!turn) return refused(id, busy(`${app.eventAppId} has ${this.limits.waiting} pushes waiting`));
    if (app.manifest.delivery === 'durable') return this.durable(app, id, incoming, turn);
    return this.direct(app, id, incoming, turn);
  }

  /** How a push has been answered that its sender sends again. */
  known(id: string): Outcome | undefined {
    const held = this.inbox.get(id);
    if (held?.ending?.type === 'refused') return refused(id, busy('it is being removed from the inbox'));
    if (held || this.done.has(id) || this.aside.has(id)) return { taken: true, pushId: id };
    return undefined;
  }

  /** Bytes of content. What goes through the inbox is in memory as a whole. */
  largest({ manifest: { size = Number.POSITIVE_INFINITY, delivery } }: Application): number {
    return delivery === 'durable' ? Math.min(size, this.limits.contentBytes) : size;
  }

  private async direct(app: Application, id: string, incoming: IncomingPush, turn: Turn): Promise<Outcome> {
    // Its whole deadline is the application's; what is left may be spent in the queue.
    const patience = ANSWER_WITHIN - app.manifest.receiveSeconds * 1000;
    if ((await orLate(this.clock, patience, turn.ready)) !== true) {
      turn.leave();
      return refused(id, busy(`${app.eventAppId} has had no time for it`));
    }
    const { content } = incoming;
    const delivery = new Delivery(this.record(app, id, incoming, content.size ?? 0), false);
    const result = await this.handover.give(app, delivery, content, turn);
    return result.type === 'taken' ? { taken: true, pushId: id } : refused(id, result.refusal);
  }

  private async durable(app: Application, id: string, incoming: IncomingPush, turn: Turn): Promise<Outcome> {
    const late = deadline(this.clock, ANSWER_WITHIN);
    try {
      const stored = await this.store(app, id, incoming, late.passed);
      if (!('delivery' in stored)) {
        turn.leave();
        return refused(id, stored);
      }
      const { delivery, content } = stored;
      const outcome = await Promise.race([this.deliveries.first(app, delivery, content, turn), late.passed]);
      if (outcome !== 'late') return outcome;
      delivery.answered = true;
      this.recent.add(delivery.record, content);
      if (delivery.ending?.type === 'refused') return refused(id, delivery.ending.refusal);
      return { taken: true, pushId: id };
    } finally {
      late.cancel();
    }
  }

  /** On disk when it resolves with a delivery. */
  private async store(
    app: Application,
    id: string,
    incoming: IncomingPush,
    late: Promise<'late'>,
  ): Promise<{ delivery: Delivery; content: Content } | Refusal> {
    const { content } = incoming;
    const most = this.largest(app);
    try {
      const bytes = await Promise.race([content.bytes(most), late]);
      if (bytes === 'late') return { kind: 'failed', reason: 'its content could not be read in time' };
      if (bytes.length > most) return tooLarge(app.eventAppId, most);
      const delivery = new Delivery(this.record(app, id, incoming, bytes.length), true);
      delivery.running = true;
      const added = this.inbox.add(delivery, bytes);
      if ((await Promise.race([added, late])) === 'late') {
        this.withdraw(delivery, added, 'the store takes too long');
        return resources('the store takes too long');
      }
      return { delivery, content: memoryContent(content.type, bytes) };
    } catch (error) {
      if (error instanceof StoreError || error instanceof InboxFull) return resources(error.message);
      if (error instanceof LimitError) return tooLarge(app.eventAppId, most);
      return { kind: 'failed', reason: `its content cannot be read: ${reasonOf(error)}` };
    }
  }

  /** Its sender is told no: when it reaches the disk after all, it is removed. */
  private withdraw(delivery: Delivery, added: Promise<void>, reason: string): void {
    const refusal = resources(reason);
    delivery.end({ type: 'refused', refusal });
    added.then(() => this.endings.remove(delivery)).catch(() => {});
  }

  private record(app: Application, id: string, incoming: IncomingPush, size: number): PushRecord {
    const { from, to, mode, content, headers, fileName } = incoming;
    const { eventAppId, iari } = app;
    return {
      id,
      app: eventAppId,
      iari,
      from,
      to,
      mode,
      type: content.type,
      size,
      headers: { ...headers },
      fileName,
      receivedAt: this.clock.now(),
      attempts: 1,
    };
  }
}

export const DISPATCHER: InjectionToken<Dispatcher> = Symbol('dispatcher');

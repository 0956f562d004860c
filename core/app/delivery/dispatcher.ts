/** Delivers a push of an agent to its application, and returns the outcome. */

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
import {
  busy,
  internalFailure,
  internalResources,
  type Outcome,
  type Refusal,
  refused,
  resources,
  tooLarge,
} from '../contract/outcome.js';
import type { PushMode } from '../contract/push.js';
import { CLOCK, LIMITS } from '../foundations.js';
import { LedgerFullError, PushEntry, pushId } from '../ledger/entry.js';
import { LEDGER, type Ledger } from '../ledger/ledger.js';
import type { PushRecord } from '../ledger/stored-entry.js';
import { ANSWER_WITHIN, type RuntimeLimits } from '../limits.js';
import { ATTEMPTS, type Attempts } from './attempt.js';
import { DURABLE_DELIVERY, type DurableDelivery } from './durable-delivery.js';
import { RECENT, type RecentPushes } from './recent.js';

export interface IncomingPush {
  /** From `PushRuntime.resolve`. */
  app: AppHandle;
  /** Identifies the push; the same when its sender tries again. */
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
  private readonly running = new Map<string, Promise<Outcome>>();

  constructor(
    @inject(REGISTRY) private readonly registry: Registry,
    @inject(LEDGER) private readonly ledger: Ledger,
    @inject(DURABLE_DELIVERY) private readonly deliveries: DurableDelivery,
    @inject(ATTEMPTS) private readonly attempts: Attempts,
    @inject(RECENT) private readonly recent: RecentPushes,
    @inject(CLOCK) private readonly clock: Clock,
    @inject(LIMITS) private readonly limits: RuntimeLimits,
  ) {}

  /** Resolves within 16 s, and never rejects. A push that is in progress has one outcome for all its requests. */
  dispatch(incoming: IncomingPush): Promise<Outcome> {
    const id = pushId(incoming.key);
    const running = this.running.get(id);
    if (running) return running;
    if (!this.ledger.reserve(id)) return Promise.resolve(refused(id, busy('it is arriving in a session')));
    const outcome = this.dispatchOnce(id, incoming)
      .catch((error: unknown) => refused(id, failureOf(error)))
      .finally(() => {
        this.running.delete(id);
        this.ledger.release(id);
      });
    this.running.set(id, outcome);
    return outcome;
  }

  /** Resolves when no push is in progress. */
  async idle(): Promise<void> {
    await Promise.all(this.running.values());
  }

  private async dispatchOnce(id: string, incoming: IncomingPush): Promise<Outcome> {
    const known = await this.ledger.outcomeOf(id);
    if (known) return known;
    const app = this.registry.loaded(incoming.app);
    if (!app) return refused(id, busy(`${incoming.app.eventAppId} is no longer loaded`));
    const most = this.largest(app);
    if (incoming.content.size !== undefined && incoming.content.size > most) {
      return refused(id, tooLarge(app.eventAppId, most));
    }
    const { content, ...facts } = incoming;
    const turn = app.enterSlot('sender', { ...facts, id, app: app.eventAppId, type: content.type.type });
    if (!turn) return refused(id, busy(`${app.eventAppId} has ${this.limits.waiting} pushes waiting`));
    if (app.manifest.delivery === 'durable') return this.durable(app, id, incoming, turn);
    return this.direct(app, id, incoming, turn);
  }

  /** Size limit in bytes. The inbox holds the whole content in memory while it is written. */
  largest({ manifest: { maxSize: size = Number.POSITIVE_INFINITY, delivery } }: Application): number {
    return delivery === 'durable' ? Math.min(size, this.limits.contentBytes) : size;
  }

  private async direct(app: Application, id: string, incoming: IncomingPush, turn: Turn): Promise<Outcome> {
    // The application has its whole deadline; the rest of the time may be spent waiting for the turn.
    const patience = ANSWER_WITHIN - app.manifest.timeout * 1000;
    if ((await orLate(this.clock, patience, turn.ready)) !== true) {
      turn.leave();
      const why = app.slots.held
        ? 'waits for the host, which is behind with its events'
        : 'is at its concurrency limit';
      return refused(id, busy(`${app.eventAppId} ${why}`));
    }
    const { content } = incoming;
    const entry = new PushEntry(this.record(app, id, incoming, content.size ?? 0), false);
    const result = await this.attempts.deliver(app, entry, content, turn);
    return result.type === 'accepted' ? { accepted: true, pushId: id } : refused(id, result.refusal);
  }

  private async durable(app: Application, id: string, incoming: IncomingPush, turn: Turn): Promise<Outcome> {
    const late = deadline(this.clock, ANSWER_WITHIN);
    try {
      const stored = await this.store(app, id, incoming, late.passed);
      if (!('entry' in stored)) {
        turn.leave();
        return refused(id, stored);
      }
      const { entry, content } = stored;
      const outcome = await Promise.race([this.deliveries.first(app, entry, content, turn), late.passed]);
      if (outcome !== 'late') return outcome;
      entry.answered = true;
      this.recent.add(entry.record, content);
      if (entry.result?.accepted === false) return refused(id, entry.result.refusal);
      return { accepted: true, pushId: id };
    } finally {
      late.cancel();
    }
  }

  /** The push is on disk when this resolves with an entry. */
  private async store(
    app: Application,
    id: string,
    incoming: IncomingPush,
    late: Promise<'late'>,
  ): Promise<{ entry: PushEntry; content: Content } | Refusal> {
    const { content } = incoming;
    const most = this.largest(app);
    try {
      const bytes = await Promise.race([content.bytes(most), late]);
      if (bytes === 'late') return { kind: 'failed', reason: 'its content could not be read in time' };
      if (bytes.length > most) return tooLarge(app.eventAppId, most);
      const entry = new PushEntry(this.record(app, id, incoming, bytes.length), true);
      entry.delivering = true;
      const received = this.ledger.receive(entry, bytes);
      if ((await Promise.race([received, late])) === 'late') {
        const refusal = resources('the store takes too long');
        this.withdraw(entry, received, refusal);
        return refusal;
      }
      return { entry, content: memoryContent(content.type, bytes) };
    } catch (error) {
      if (error instanceof StoreError || error instanceof LedgerFullError)
        return internalResources(error.message);
      if (error instanceof LimitError) return tooLarge(app.eventAppId, most);
      return internalFailure(`its content cannot be read: ${reasonOf(error)}`);
    }
  }

  /** The sender has the answer that the push is refused: if it is stored after all, it is removed. */
  private withdraw(entry: PushEntry, received: Promise<void>, refusal: Refusal): void {
    entry.finish({ accepted: false, refusal });
    received.then(() => this.ledger.remove(entry)).catch(() => {});
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

/** While the store cannot be read, it is unknown whether a push is finished. */
export function failureOf(error: unknown): Refusal {
  const reason = reasonOf(error);
  return error instanceof StoreError ? internalResources(reason) : internalFailure(reason);
}

export const DISPATCHER: InjectionToken<Dispatcher> = Symbol('dispatcher');

/** Pushes by reference (8.1.1-04): content is retrieved in time for the answer, or the reference is stored for later. */

import { platform } from '#platform';
import type { ExternalBody } from '../../content/external-body.js';
import { Download } from '../../content/fetch/download.js';
import { FetchError } from '../../content/fetch/fetch-error.js';
import type { GuardedFetch } from '../../content/fetch/guarded-fetch.js';
import { type InjectionToken, inject, injectable } from '../../injection.js';
import type { LogSink } from '../../log.js';
import type { Spool } from '../../platform/files.js';
import { reasonOf } from '../../text.js';
import { LinkedSignal } from '../../time/abort-signal.js';
import type { Clock } from '../../time/clock.js';
import { orLate } from '../../time/deadline.js';
import type { Application } from '../application/application.js';
import { REGISTRY, type Registry } from '../application/registry.js';
import { Slots, type Turn, type Urgency } from '../application/slots.js';
import { busy, internalResources, type Outcome, type Refusal } from '../contract/outcome.js';
import { CLOCK, FETCHER, LIMITS, LOG_SINK } from '../foundations.js';
import { pushId } from '../ledger/entry.js';
import { LEDGER, type Ledger } from '../ledger/ledger.js';
import type { ReferenceRecord } from '../ledger/stored-entry.js';
import { RETRIEVE_WITHIN, type RuntimeLimits } from '../limits.js';
import { DISPATCHER, type Dispatcher, failureOf, type IncomingPush } from './dispatcher.js';
import { expiredRefusal, Retrieval, type RetrievalEnd } from './retrieval.js';

export const RETRIEVALS: InjectionToken<Retrievals> = Symbol('retrievals');

export const RETRIEVAL_SPOOL: InjectionToken<RetrievalSpool> = Symbol('retrieval spool');

export const RETRIEVAL_SINK: InjectionToken<RetrievalSink> = Symbol('retrieval sink');

/** Content that is too large for memory, opened at its first use. */
export class RetrievalSpool {
  #opened: Promise<Spool> | undefined;

  /** @param folder emptied when it is opened; absent: a temporary one. */
  constructor(private readonly folder?: string) {}

  /** Rejects when the folder cannot be created. The next call tries again. */
  open(): Promise<Spool> {
    this.#opened ??= platform.openSpool(this.folder).catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async close(): Promise<void> {
    await (await this.#opened)?.close();
  }
}

export interface IncomingReference extends Omit<IncomingPush, 'mode' | 'content'> {
  reference: ExternalBody;
}

/** The state of a push by reference when its sender is answered. */
export interface ReferenceAnswer {
  outcome: Outcome;
  /** The content, if it was retrieved. */
  retrieved?: { size: number; sha256: string };
  /** Accepted because the reference is on disk, or the push was known. The sink learns of its end. */
  later?: true;
}

/** The end of a push whose sender was answered before. */
export interface LateEnd {
  readonly record: ReferenceRecord;
  readonly outcome: Outcome;
  readonly retrieved?: { size: number; sha256: string };
}

export type RetrievalSink = (end: LateEnd) => void;

@injectable()
export class Retrievals {
  private readonly running = new Map<string, Promise<ReferenceAnswer>>();
  private readonly later = new Map<string, Promise<void>>();
  /** The retrievals of both `running` and `later`. */
  private readonly retrieving = new Map<string, Retrieval>();
  private readonly stopping = new AbortController();
  private readonly slots: Slots;
  /** By event-app-id: an application uses at most half of the slots, so that the others find one. */
  private readonly slotsOfApps = new Map<string, Slots>();

  constructor(
    @inject(FETCHER) private readonly fetcher: GuardedFetch,
    @inject(RETRIEVAL_SPOOL) private readonly spool: RetrievalSpool,
    @inject(LEDGER) private readonly ledger: Ledger,
    @inject(REGISTRY) private readonly registry: Registry,
    @inject(DISPATCHER) private readonly dispatcher: Dispatcher,
    @inject(RETRIEVAL_SINK) private readonly sink: RetrievalSink,
    @inject(CLOCK) private readonly clock: Clock,
    @inject(LIMITS) private readonly limits: RuntimeLimits,
    @inject(LOG_SINK) private readonly log: LogSink,
  ) {
    this.slots = new Slots(limits.retrievals, limits.waiting);
  }

  /** Resumes the retrievals whose references are on disk. */
  start(): void {
    for (const record of [...this.ledger.allReferences()]) {
      this.continueLater(record, this.retrieval(record, 'retry', true));
    }
  }

  /** Stops the retrievals. Their references stay on disk. */
  async stop(): Promise<void> {
    this.stopping.abort(new Error('the host is being stopped'));
    for (const slots of [this.slots, ...this.slotsOfApps.values()]) slots.close();
    await Promise.all([...this.running.values(), ...this.later.values()]);
    await this.spool.close();
  }

  /** Resolves within 15 s and never rejects. A push that is in progress has one answer for all its requests. */
  receive(incoming: IncomingReference): Promise<ReferenceAnswer> {
    const id = pushId(incoming.key);
    const running = this.running.get(id);
    if (running) return this.join(running, id, incoming);
    const answer = this.receiveOnce(id, incoming)
      .catch((error: unknown) => refused(id, failureOf(error)))
      .finally(() => this.running.delete(id));
    this.running.set(id, answer);
    return answer;
  }

  /** The sender sends the push again while it is in progress, possibly with another reference. */
  private async join(
    running: Promise<ReferenceAnswer>,
    id: string,
    incoming: IncomingReference,
  ): Promise<ReferenceAnswer> {
    const retrieval = this.retrieving.get(id);
    retrieval?.replace(this.recordOf(id, incoming));
    const answer = await running;
    // Refused before its retrieval learned of this reference.
    return answer.outcome.accepted || retrieval ? answer : this.receive(incoming);
  }

  private async receiveOnce(id: string, incoming: IncomingReference): Promise<ReferenceAnswer> {
    const ending = this.retrieving.has(id) ? undefined : this.later.get(id);
    // Its reference is about to be removed.
    await ending;
    if (this.ledger.hasReference(id)) return await this.replace(this.recordOf(id, incoming));
    const known = await this.ledger.outcomeOf(id);
    if (known) return { outcome: known, later: true };
    const app = this.registry.loaded(incoming.app);
    if (!app) return refused(id, busy(`${incoming.app.eventAppId} is no longer loaded`));
    const { reference } = incoming;
    const refusal = expiredRefusal(reference, this.clock.now()) ?? this.tooLarge(app, reference);
    if (refusal) return refused(id, refusal);
    const record = this.recordOf(id, incoming);
    const running = this.retrieval(record, 'sender', false);
    return await this.inTime(record, running);
  }

  /** The push waits for its content. The reference that its sender sends again can be another one. */
  private async replace(record: ReferenceRecord): Promise<ReferenceAnswer> {
    const { id, reference } = record;
    const retrieval = this.retrieving.get(id);
    if (!expiredRefusal(reference, this.clock.now())) {
      try {
        await this.ledger.addReference(record);
      } catch (error) {
        return refused(id, internalResources(reasonOf(error)));
      }
      retrieval?.replace(record);
    }
    return { outcome: { accepted: true, pushId: id }, later: true };
  }

  private tooLarge(app: Application, { size = 0 }: ExternalBody): Refusal | undefined {
    const most = this.largest(app);
    if (size <= most) return undefined;
    return {
      kind: 'size',
      reason: `the reference declares ${size} bytes; ${app.eventAppId} accepts at most ${most}`,
    };
  }

  private largest(app: Application): number {
    return Math.min(this.dispatcher.largest(app), this.fetcher.maxSize);
  }

  private async inTime(record: ReferenceRecord, running: RunningRetrieval): Promise<ReferenceAnswer> {
    const end = await orLate(this.clock, RETRIEVE_WITHIN, running.ended);
    if (end !== 'late') {
      await running.release();
      return answerOf(end);
    }
    // The sender is answered that the push is accepted, if the reference can be stored: a busy application is retried.
    running.retrieval.answered = true;
    try {
      await this.ledger.addReference(running.retrieval.record);
    } catch (error) {
      running.abandon(error);
      void running.ended.then(() => running.release());
      return refused(record.id, internalResources(reasonOf(error)));
    }
    this.continueLater(record, running);
    return { outcome: { accepted: true, pushId: record.id }, later: true };
  }

  /** Continues a retrieval whose sender is answered. */
  private continueLater(record: ReferenceRecord, running: RunningRetrieval): void {
    const later = this.conclude(record, running).finally(() => this.later.delete(record.id));
    this.later.set(record.id, later);
  }

  private async conclude(record: ReferenceRecord, running: RunningRetrieval): Promise<void> {
    const end = await running.ended;
    await running.release();
    if (this.stopping.signal.aborted && !end.outcome.accepted) return;
    const { outcome, retrieved } = answerOf(end);
    if (!outcome.accepted)
      this.warn(record, `was confirmed, but is refused (${outcome.kind}): ${outcome.reason}`);
    this.sink({ record, outcome, retrieved });
    await this.forget(record);
  }

  private async forget(record: ReferenceRecord): Promise<void> {
    try {
      await this.ledger.removeReference(record.id);
    } catch (error) {
      this.warn(record, `is finished, but its reference is still on disk: ${reasonOf(error)}`);
    }
  }

  /**
   * Waits for a slot of the application, then for one of all. Rejects when too many wait, or the host is being stopped.
   * @returns releases both.
   */
  private async enter(app: string, urgency: Urgency): Promise<() => void> {
    const { retrievals, waiting } = this.limits;
    const own = this.slotsOfApps.get(app) ?? new Slots(Math.ceil(retrievals / 2), waiting);
    this.slotsOfApps.set(app, own);
    const turns: Turn[] = [];
    const leave = () => {
      for (const turn of turns) turn.leave();
    };
    for (const slots of [own, this.slots]) {
      const turn = slots.enter(urgency);
      if (turn) turns.push(turn);
      if (turn && (await turn.ready)) continue;
      leave();
      if (turn) throw new Error('the host is being stopped');
      throw new FetchError('unreachable', 'too many retrievals wait');
    }
    return leave;
  }

  private retrieval(record: ReferenceRecord, urgency: Urgency, answered: boolean): RunningRetrieval {
    const abandoned = new AbortController();
    const linked = new LinkedSignal(this.stopping.signal, abandoned.signal);
    const { signal } = linked;
    let download: { reference: ExternalBody; content: Download } | undefined;
    const retrieval = new Retrieval(record, {
      clock: this.clock,
      signal,
      attempt: async ({ reference }) => {
        const app = this.application(record);
        const leave = await this.enter(record.app, urgency);
        try {
          if (download?.reference !== reference) {
            await download?.content.remove();
            const spool = await this.spool.open();
            const content = new Download(this.fetcher, spool, reference, this.largest(app));
            download = { reference, content };
          }
          return await download.content.attempt(signal);
        } finally {
          leave();
        }
      },
      deliver: ({ content }) => {
        const { key, from, to, headers, fileName } = record;
        const app = this.application(record);
        const push = { app, key, from, to, mode: 'indirect' as const, content, headers };
        return this.dispatcher.dispatch({ ...push, fileName });
      },
    });
    retrieval.answered = answered;
    this.retrieving.set(record.id, retrieval);
    return {
      retrieval,
      ended: retrieval.run().finally(() => {
        linked.release();
        this.retrieving.delete(record.id);
      }),
      abandon: (why) => abandoned.abort(why),
      release: async () => download?.content.remove(),
    };
  }

  /** The application as it is loaded now, possibly another version. @throws a transient FetchError when it is not loaded. */
  private application(record: ReferenceRecord): Application {
    const running = this.registry.ofRecord(record);
    if (!running) throw new FetchError('unreachable', `${record.app} is not loaded`);
    return running;
  }

  private recordOf(
    id: string,
    { app, key, from, to, headers, fileName, reference }: IncomingReference,
  ): ReferenceRecord {
    const { eventAppId, iari } = app;
    return {
      id,
      app: eventAppId,
      iari,
      key,
      from,
      to,
      headers: { ...headers },
      fileName,
      reference,
      receivedAt: this.clock.now(),
    };
  }

  private warn({ id, app }: ReferenceRecord, message: string): void {
    this.log({ level: 'warn', app, message: `push ${id} by reference ${message}` });
  }
}

/** A retrieval in progress. */
interface RunningRetrieval {
  retrieval: Retrieval;
  ended: Promise<RetrievalEnd>;
  abandon(why: unknown): void;
  /** Removes its file, after its end. */
  release(): Promise<void>;
}

function answerOf({ outcome, downloaded }: RetrievalEnd): ReferenceAnswer {
  if (!downloaded) return { outcome };
  const { content, sha256 } = downloaded;
  return { outcome, retrieved: { size: content.size ?? 0, sha256 } };
}

function refused(id: string, refusal: Refusal): ReferenceAnswer {
  return { outcome: { accepted: false, pushId: id, ...refusal } };
}

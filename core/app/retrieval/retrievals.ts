/** Where content goes that is too large for memory: opened when the first of it comes. */

import { platform } from '#platform';
import type { ExternalBody } from '../../content/external-body.js';
import { Download } from '../../content/fetch/download.js';
import { FetchError } from '../../content/fetch/fetch-error.js';
import type { GuardedFetch } from '../../content/fetch/guarded-fetch.js';
import { type InjectionToken, inject, injectable } from '../../injection.js';
import type { LogSink } from '../../log.js';
import type { Spool } from '../../platform/files.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { orLate } from '../../time/deadline.js';
import type { Application } from '../application/application.js';
import { REGISTRY, type Registry } from '../application/registry.js';
import { Slots, type Urgency } from '../application/slots.js';
import { busy, type Outcome, type Refusal, resources } from '../contract/outcome.js';
import { DISPATCHER, type Dispatcher, type IncomingPush } from '../delivery/dispatcher.js';
import { CLOCK, FETCHER, LIMITS, LOG_SINK } from '../foundations.js';
import { pushId, type ReferenceRecord } from '../ledger/entry.js';
import { LEDGER, type Ledger } from '../ledger/ledger.js';
import { RETRIEVE_WITHIN, type RuntimeLimits } from '../limits.js';
import { expiredRefusal, Retrieval, type RetrievalEnd } from './retrieval.js';

export const RETRIEVALS: InjectionToken<Retrievals> = Symbol('retrievals');

export const RETRIEVAL_SPOOL: InjectionToken<RetrievalSpool> = Symbol('spool room');

export const RETRIEVAL_SINK: InjectionToken<RetrievalSink> = Symbol('retrieval sink');

export class RetrievalSpool {
  #opened: Promise<Spool> | undefined;

  /** @param folder emptied when it is opened; a temporary one when absent. */
  constructor(private readonly folder?: string) {}

  /** Rejects, this time, when the folder cannot be made. */
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

/** Pushes whose content is elsewhere (8.1.1-04): in time for their sender's answer, or later from the disk. */

export interface IncomingReference extends Omit<IncomingPush, 'mode' | 'content'> {
  reference: ExternalBody;
}

/** What came of a reference by the time its sender is answered. */
export interface ReferenceAnswer {
  outcome: Outcome;
  /** Of the content, where it was had. */
  retrieved?: { size: number; sha256: string };
  /** Taken because it is on disk, or was before: how it ends is told to the sink. */
  later?: true;
}

/** A push that ended after its sender had been told that it is taken. */
export interface LateEnd {
  readonly record: ReferenceRecord;
  readonly outcome: Outcome;
  readonly retrieved?: { size: number; sha256: string };
}

export type RetrievalSink = (end: LateEnd) => void;

@injectable()
export class Retrievals {
  private readonly underWay = new Map<string, Promise<ReferenceAnswer>>();
  private readonly later = new Map<string, Promise<void>>();
  private readonly stopping = new AbortController();
  private readonly slots: Slots;

  constructor(
    @inject(FETCHER) private readonly fetcher: GuardedFetch,
    @inject(RETRIEVAL_SPOOL) private readonly room: RetrievalSpool,
    @inject(LEDGER) private readonly ledger: Ledger,
    @inject(REGISTRY) private readonly registry: Registry,
    @inject(DISPATCHER) private readonly dispatcher: Dispatcher,
    @inject(RETRIEVAL_SINK) private readonly sink: RetrievalSink,
    @inject(CLOCK) private readonly clock: Clock,
    @inject(LIMITS) limits: RuntimeLimits,
    @inject(LOG_SINK) private readonly log: LogSink,
  ) {
    this.slots = new Slots(limits.retrievals, limits.waiting);
  }

  /** Goes on with what is on disk. */
  start(): void {
    for (const record of [...this.ledger.allReferences()]) {
      this.goOn(record, this.retrieval(record, 'retry', true));
    }
  }

  /** What is on disk stays there. */
  async stop(): Promise<void> {
    this.stopping.abort(new Error('the host is being stopped'));
    this.slots.close();
    await Promise.all([...this.underWay.values(), ...this.later.values()]);
    await this.room.close();
  }

  /** Resolves within 15 s, and never rejects. A push that is under way already is joined. */
  receive(incoming: IncomingReference): Promise<ReferenceAnswer> {
    const id = pushId(incoming.key);
    const joined = this.underWay.get(id);
    if (joined) return joined;
    const answer = this.receiveOnce(id, incoming)
      .catch((error: unknown) => refused(id, { kind: 'failed', reason: reasonOf(error) }))
      .finally(() => this.underWay.delete(id));
    this.underWay.set(id, answer);
    return answer;
  }

  private async receiveOnce(id: string, incoming: IncomingReference): Promise<ReferenceAnswer> {
    const known = this.ledger.hasReference(id)
      ? { accepted: true as const, pushId: id }
      : this.ledger.outcomeOf(id);
    if (known) return { outcome: known, later: true };
    const app = this.registry.loaded(incoming.app);
    if (!app) return refused(id, busy(`${incoming.app.eventAppId} is not loaded any longer`));
    const { reference } = incoming;
    const refusal = expiredRefusal(reference, this.clock.now()) ?? this.tooLarge(app, reference);
    if (refusal) return refused(id, refusal);
    const record = this.recordOf(id, incoming);
    const running = this.retrieval(record, 'sender', false);
    return await this.inTime(record, running);
  }

  private tooLarge(app: Application, { size = 0 }: ExternalBody): Refusal | undefined {
    const most = this.largest(app);
    if (size <= most) return undefined;
    return {
      kind: 'size',
      reason: `the reference says ${size} bytes; ${app.eventAppId} is given at most ${most}`,
    };
  }

  private largest(app: Application): number {
    return Math.min(this.dispatcher.largest(app), this.fetcher.maxSize);
  }

  private async inTime(record: ReferenceRecord, running: Running): Promise<ReferenceAnswer> {
    const end = await orLate(this.clock, RETRIEVE_WITHIN, running.ended);
    if (end !== 'late') {
      await running.release();
      return answerOf(end);
    }
    // From here on an application that is busy is asked again: whoever asked us is told yes, if the disk takes it.
    running.retrieval.answered = true;
    try {
      await this.ledger.addReference(record);
    } catch (error) {
      running.abandon(error);
      void running.ended.then(() => running.release());
      return refused(record.id, resources(reasonOf(error)));
    }
    this.goOn(record, running);
    return { outcome: { accepted: true, pushId: record.id }, later: true };
  }

  /** To its end, whose sender has been answered. */
  private goOn(record: ReferenceRecord, running: Running): void {
    const later = this.conclude(record, running).finally(() => this.later.delete(record.id));
    this.later.set(record.id, later);
  }

  private async conclude(record: ReferenceRecord, running: Running): Promise<void> {
    const end = await running.ended;
    await running.release();
    if (this.stopping.signal.aborted && !end.outcome.accepted) return;
    const { outcome, retrieved } = answerOf(end);
    if (!outcome.accepted) this.warn(record, `was confirmed, but ended: ${outcome.kind}, ${outcome.reason}`);
    this.sink({ record, outcome, retrieved });
    await this.forget(record);
  }

  private async forget(record: ReferenceRecord): Promise<void> {
    try {
      await this.ledger.removeReference(record.id);
    } catch (error) {
      this.warn(record, `is still in the store: ${reasonOf(error)}`);
    }
  }

  private retrieval(record: ReferenceRecord, urgency: Urgency, answered: boolean): Running {
    const abandoned = new AbortController();
    const signal = AbortSignal.any([this.stopping.signal, abandoned.signal]);
    let download: Download | undefined;
    const retrieval = new Retrieval({
      record,
      clock: this.clock,
      signal,
      attempt: async () => {
        const app = this.application(record);
        const turn = this.slots.enter(urgency);
        if (!turn) throw new FetchError('unreachable', 'too many others wait to be retrieved');
        try {
          if (!(await turn.ready)) throw new Error('the host is being stopped');
          download ??= new Download(
            this.fetcher,
            await this.room.open(),
            record.reference,
            this.largest(app),
          );
          return await download.attempt(signal);
        } finally {
          turn.leave();
        }
      },
      handOver: ({ content }) => {
        const { key, from, to, headers, fileName } = record;
        const app = this.application(record);
        const push = { app, key, from, to, mode: 'indirect' as const, content, headers };
        return this.dispatcher.dispatch({ ...push, fileName });
      },
    });
    retrieval.answered = answered;
    return {
      retrieval,
      ended: retrieval.run(),
      abandon: (why) => abandoned.abort(why),
      release: async () => download?.remove(),
    };
  }

  /** As it is loaded now, which may be another version. @throws FetchError, a transient one, when it is not. */
  private application({ app, iari, reference }: ReferenceRecord): Application {
    const found = this.registry.resolve([app], reference.type.type, iari);
    const running = typeof found === 'string' ? undefined : this.registry.loaded(found);
    if (!running) throw new FetchError('unreachable', `${app} is not loaded`);
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

/** A retrieval and what it holds. */
interface Running {
  retrieval: Retrieval;
  ended: Promise<RetrievalEnd>;
  abandon(why: unknown): void;
  /** Its files: after its end. */
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

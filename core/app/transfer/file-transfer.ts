/** What it means for a transfer that something went wrong. */

import { LimitError, MalformedError, PushRefused, SipPushError } from '../../errors.js';
import type { OpenFile } from '../../platform/files.js';
import { StoreError } from '../../store/records.js';
import { reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { orLate } from '../../time/deadline.js';
import type { Application } from '../application/application.js';
import type { Turn } from '../application/slots.js';
import {
  busy,
  isRetryable,
  type Outcome,
  type Refusal,
  refusalOf,
  refused,
  resources,
} from '../contract/outcome.js';
import type { Attempts } from '../delivery/attempt.js';
import type { DurableDelivery } from '../delivery/durable-delivery.js';
import { LedgerFullError } from '../ledger/entries.js';
import { PushEntry, type PushRecord } from '../ledger/entry.js';
import type { Ledger } from '../ledger/ledger.js';
import { ANSWER_WITHIN } from '../limits.js';
import { Arrival } from './arrival.js';
import { EitherTurn, GrowingContent } from './growing-content.js';
import type { Transfer, TransferOutcome } from './transfer.js';

/** A store or a disk that does not write is not the sender's fault, nor the application's. */
export function refusalFor(error: unknown): Refusal {
  const known = refusalOf(error);
  if (known) return known;
  const reason = reasonOf(error);
  if (error instanceof StoreError || error instanceof LedgerFullError) return resources(reason);
  return { kind: error instanceof LimitError ? 'size' : 'failed', reason };
}

export function asRefused(error: unknown): PushRefused {
  if (error instanceof PushRefused) return error;
  const { kind, reason, retryAfter } = refusalFor(error);
  return new PushRefused(kind, reason, { cause: error, retryAfter });
}

/** One file on its way in: written as it comes, read by its application meanwhile, and confirmed in the end. */

/** What it does with the rest of the runtime. */
export interface TransferServices {
  readonly attempts: Attempts;
  readonly deliveries: DurableDelivery;
  readonly ledger: Ledger;
  readonly clock: Clock;
}

/** The transfer's place on disk. */
export interface PartialFile {
  readonly file: OpenFile;
  /** Bytes from the first on that are in the file, which has no more. */
  readonly have: number;
  /** Counts it with so many bytes; false when there is no room. */
  reserve(bytes: number): boolean;
  /** So many bytes from the first on are there, and the file may be longer; undefined: all that it has. */
  sound(bytes: number | undefined): Promise<void>;
  /** It has ended: it may be resumed, with so many bytes. `given`: its application has seen it. */
  keep(bytes: number, given: boolean): Promise<void>;
  /** It has ended: nothing of it stays. */
  drop(): Promise<void>;
  /** Nobody writes to the file, or reads it, any more. */
  close(): Promise<void>;
}

export interface TransferParts {
  readonly app: Application;
  /** Its `size` is what was offered, or 0. */
  readonly record: PushRecord;
  /** What was offered. */
  readonly size: number | undefined;
  readonly sha1: string | undefined;
  /** Whether the outcome has the SHA-256. */
  readonly sha256: boolean;
  readonly largest: number;
  readonly turn: Turn;
  readonly place: PartialFile;
  readonly services: TransferServices;
  /** No one has to do with it any more, but for a durable application that is late. */
  onEnded(): void;
}

/** The content is not what was offered. */
class Mismatch extends MalformedError {}

export class FileTransfer implements Transfer {
  readonly pushId: string;
  readonly have: number;
  readonly largest: number;
  readonly #arrival: Arrival;
  readonly #content: GrowingContent;
  readonly #push: PushEntry;
  readonly #turn: EitherTurn;
  readonly #answer: Promise<Outcome>;
  #arrive: { resolve(): void; reject(why: Error): void } = { resolve() {}, reject() {} };
  /** Bytes counted of content whose size was not told. */
  #reserved: number;
  #ending: Promise<TransferOutcome> | undefined;
  #over: Promise<void> = Promise.resolve();
  #closed: Promise<void> = Promise.resolve();
  #begun = false;
  /** Of the file: the transfer itself, and the application's `receive`. */
  #users = 2;

  constructor(private readonly parts: TransferParts) {
    const { app, record, size, sha1, sha256, largest, turn, place } = parts;
    const { file, have } = place;
    this.pushId = record.id;
    this.have = have;
    this.largest = largest;
    this.#reserved = size ?? 0;
    const arrived = new Promise<void>((resolve, reject) => {
      this.#arrive = { resolve, reject };
    });
    // Not everybody who may wait for it does.
    arrived.catch(() => {});
    this.#arrival = new Arrival({
      file,
      have,
      sha1: sha1 !== undefined,
      sha256,
      onGap: (sound) => place.sound(sound),
    });
    this.#content = new GrowingContent(record.type, this.#arrival, size);
    this.#push = new PushEntry(record, app.manifest.delivery === 'durable', arrived);
    this.#turn = new EitherTurn(turn, () => this.#release());
    void this.#turn.ready.then((ready) => {
      this.#begun = ready;
    });
    this.#answer = this.#deliver();
    void this.#answer.then((outcome) => {
      if (!outcome.accepted && !this.#ending)
        this.#break(new PushRefused(outcome.kind, outcome.reason, outcome));
    });
  }

  get received(): number {
    return this.#arrival.watermark;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const end = offset + bytes.length;
    const { size, app } = this.parts;
    if (size !== undefined && end > size) throw new LimitError(`more than the ${size} bytes offered`);
    if (end > this.largest) throw new LimitError(`${app.eventAppId} takes at most ${this.largest} bytes`);
    if (this.#ending) throw new PushRefused('failed', 'the transfer has ended');
    try {
      this.#reserve(end);
      await this.#arrival.write(offset, bytes);
    } catch (error) {
      // What was written before stays good.
      if (error instanceof MalformedError) throw error;
      throw asRefused(error);
    }
  }

  complete(size: number): Promise<TransferOutcome> {
    return this.#ending ?? this.#end(this.#complete(size).catch((error: unknown) => this.#fail(error)));
  }

  async abort(why: Error): Promise<TransferOutcome> {
    const outcome = await (this.#ending ?? this.#end(this.#fail(why)));
    await this.#over;
    return outcome;
  }

  #end(ending: Promise<TransferOutcome>): Promise<TransferOutcome> {
    this.#ending = ending;
    this.#over = ending.then(async ({ accepted }) => {
      // Nobody else is to have the file while an application still may.
      if (!accepted) {
        await this.#answer;
        await this.#closed;
      }
      this.parts.onEnded();
    });
    return ending;
  }

  async #complete(size: number): Promise<TransferOutcome> {
    const sha256 = await this.#check(size);
    const { services, app, place } = this.parts;
    this.#push.record = { ...this.#push.record, size };
    if (this.#push.durable && !this.#push.result) {
      await place.file.sync();
      // Its application may have refused it meanwhile.
      if (!this.#push.result) {
        await services.ledger.receive(this.#push);
      }
    }
    this.#content.size = size;
    this.#arrival.finish();
    this.#arrive.resolve();
    // Its sender waits from now on, as that of any other push.
    const turn = this.#begun ? undefined : app.slots.enter('sender');
    if (turn) this.#turn.add(turn);
    const outcome = await this.#inTime();
    if (outcome.accepted) this.#release();
    else await this.#leave(isRetryable(outcome.kind));
    return { ...outcome, sha256, size };
  }

  /** @throws Mismatch, or whatever it broke off with. */
  async #check(size: number): Promise<string | undefined> {
    await this.#arrival.idle();
    const { error, watermark, end } = this.#arrival;
    if (error) throw error;
    const offered = this.parts.size ?? size;
    if (size !== offered) throw new Mismatch(`the content has ${size} bytes; ${offered} were offered`);
    if (end > size) throw new Mismatch(`the content has ${end} bytes, not ${size}`);
    if (watermark < size) throw new SipPushError(`${watermark} of ${size} bytes have come`);
    const { sha1, sha256 } = await this.#arrival.digests();
    if (sha1 !== this.parts.sha1) {
      throw new Mismatch(`the content has SHA-1 ${sha1}; ${this.parts.sha1} was offered`);
    }
    return sha256;
  }

  async #deliver(): Promise<Outcome> {
    const { services, app, record } = this.parts;
    const push = this.#push;
    try {
      if (push.durable) {
        push.delivering = true;
        return await services.deliveries.first(app, push, this.#content, this.#turn);
      }
      if (!(await this.#turn.ready))
        return refused(record.id, busy(`${app.eventAppId} is at its concurrency limit`));
      const result = await services.attempts.deliver(app, push, this.#content, this.#turn);
      return result.type === 'accepted'
        ? { accepted: true, pushId: record.id }
        : refused(record.id, result.refusal);
    } catch (error) {
      return refused(record.id, refusalFor(error));
    }
  }

  /** The answer: of a direct application by its deadline, of a durable one within 15 s, since it is on disk. */
  async #inTime(): Promise<Outcome> {
    const { services, app, record } = this.parts;
    const push = this.#push;
    const patience = push.durable ? ANSWER_WITHIN : ANSWER_WITHIN - app.manifest.receiveSeconds * 1000;
    const outcome = await orLate(services.clock, patience, this.#answer);
    if (outcome !== 'late') return outcome;
    if (!push.durable) {
      // Its whole deadline is the application's, once it has it.
      this.#turn.giveUp();
      return this.#answer;
    }
    push.answered = true;
    return push.result?.accepted === false
      ? refused(record.id, push.result.refusal)
      : { accepted: true, pushId: record.id };
  }

  /** It does not land. */
  async #fail(error: unknown): Promise<TransferOutcome> {
    // What came first is why.
    const why = this.#arrival.error ?? (error instanceof Error ? error : new SipPushError(reasonOf(error)));
    const refusal = refusalFor(why);
    this.#break(why);
    this.#push.finish({ accepted: false, refusal });
    await this.#leave(!(why instanceof Mismatch) && isRetryable(refusal.kind));
    return refused(this.parts.record.id, refusal);
  }

  #break(why: Error): void {
    this.#arrival.break(why);
    this.#arrive.reject(why);
    this.#turn.giveUp();
  }

  /** What there is of it is kept for another attempt, or dropped. */
  async #leave(keep: boolean): Promise<void> {
    const { place } = this.parts;
    await this.#arrival.idle();
    // A commit that was given up may be written still.
    await this.#push.committing?.catch(() => {});
    if (keep) await place.keep(this.#arrival.watermark, this.#begun);
    else await place.drop();
    this.#release();
    // Its sender may offer the file again as soon as it knows.
    await this.#closed;
  }

  #reserve(end: number): void {
    if (end <= this.#reserved) return;
    if (!this.parts.place.reserve(end)) {
      const { kind, reason, retryAfter = 0 } = resources('there is no room for so much content');
      throw new PushRefused(kind, reason, { retryAfter });
    }
    this.#reserved = end;
  }

  #release(): void {
    if (--this.#users > 0) return;
    this.#arrival.break(new SipPushError('the push has ended'));
    this.#closed = this.parts.place.close();
  }
}

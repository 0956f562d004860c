/** One file that is arriving: it is written, read by its application meanwhile, and confirmed in the end. */

import { LimitError, MalformedError, PushRefused, SipPushError } from '../../errors.js';
import { StoreError } from '../../store/records.js';
import { asError, reasonOf } from '../../text.js';
import type { Clock } from '../../time/clock.js';
import { orLate } from '../../time/deadline.js';
import type { Application } from '../application/application.js';
import { TransferTurn, type Turn } from '../application/slots.js';
import {
  busy,
  internalFailure,
  internalResources,
  isRetryable,
  type Outcome,
  type Refusal,
  refusalOf,
  refused,
  resources,
  senderReason,
} from '../contract/outcome.js';
import type { Attempts } from '../delivery/attempt.js';
import type { DurableDelivery } from '../delivery/durable-delivery.js';
import { factsOf, LedgerFullError, PushEntry } from '../ledger/entry.js';
import type { Ledger } from '../ledger/ledger.js';
import type { PushRecord } from '../ledger/stored-entry.js';
import { ANSWER_WITHIN } from '../limits.js';
import { Arrival } from './arrival.js';
import { GrowingContent } from './growing-content.js';
import type { PartialFile } from './partial-files.js';
import type { Transfer, TransferOutcome } from './transfer.js';

/** A store or a disk that does not write is neither the sender's fault nor the application's. */
function refusalFor(error: unknown): Refusal {
  const known = refusalOf(error);
  if (known) return known;
  const reason = reasonOf(error);
  if (error instanceof StoreError || error instanceof LedgerFullError) return internalResources(reason);
  if (error instanceof LimitError) return { kind: 'size', reason };
  return error instanceof SipPushError ? { kind: 'failed', reason } : internalFailure(reason);
}

function asRefused(error: unknown): PushRefused {
  if (error instanceof PushRefused) return error;
  const refusal = refusalFor(error);
  const { kind, retryAfter } = refusal;
  return new PushRefused(kind, senderReason(refusal), { cause: error, retryAfter });
}

/** The parts of the runtime that a transfer uses. */
export interface TransferServices {
  readonly attempts: Attempts;
  readonly deliveries: DurableDelivery;
  readonly ledger: Ledger;
  readonly clock: Clock;
}

export interface TransferParts {
  readonly app: Application;
  /** `size` is the offered size, or 0. */
  readonly record: PushRecord;
  /** As offered. */
  readonly size: number | undefined;
  readonly sha1: string | undefined;
  /** Whether the outcome has the SHA-256. */
  readonly sha256: boolean;
  readonly largest: number;
  readonly turn: Turn;
  readonly partialFile: PartialFile;
  readonly services: TransferServices;
  /** The transfer has ended. A durable application may still be reading. */
  onEnded(): void;
}

/** The content differs from the offered one. */
class MismatchError extends MalformedError {
  static {
    MismatchError.prototype.name = 'MismatchError';
  }
}

export class FileTransfer implements Transfer {
  readonly pushId: string;
  readonly have: number;
  readonly largest: number;
  readonly #arrival: Arrival;
  readonly #content: GrowingContent;
  readonly #push: PushEntry;
  readonly #turn: TransferTurn;
  readonly #answer: Promise<Outcome>;
  #arrive: { resolve(): void; reject(why: Error): void } = { resolve() {}, reject() {} };
  /** Bytes reserved for content without an offered size. */
  #reserved: number;
  #ending: Promise<TransferOutcome> | undefined;
  #ended: Promise<void> = Promise.resolve();
  #closed: Promise<void> = Promise.resolve();
  #begun = false;
  /** Users of the file: the transfer, and the application's `receive`. */
  #users = 2;

  constructor(private readonly parts: TransferParts) {
    const { app, record, size, sha1, sha256, largest, turn, partialFile } = parts;
    const { file, have } = partialFile;
    this.pushId = record.id;
    this.have = have;
    this.largest = largest;
    this.#reserved = size ?? 0;
    const arrived = new Promise<void>((resolve, reject) => {
      this.#arrive = { resolve, reject };
    });
    // There may be no listener.
    arrived.catch(() => {});
    this.#arrival = new Arrival({
      file,
      have,
      sha1: sha1 !== undefined,
      sha256,
      onGap: (contiguous) => partialFile.recordContiguous(contiguous),
    });
    this.#content = new GrowingContent(record.type, this.#arrival, size);
    this.#push = new PushEntry(record, app.manifest.delivery === 'durable', arrived);
    this.#turn = new TransferTurn(turn, () => this.#release());
    void this.#turn.ready.then((ready) => {
      this.#begun = ready;
    });
    this.#answer = this.#deliver();
    void this.#answer.then((outcome) => {
      if (!outcome.accepted && !this.#ending)
        this.#break(new PushRefused(outcome.kind, senderReason(outcome), outcome));
    });
  }

  get received(): number {
    return this.#arrival.watermark;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const end = offset + bytes.length;
    const { size, app } = this.parts;
    if (size !== undefined && end > size)
      throw new LimitError(`more than the ${size} bytes that were offered`);
    if (end > this.largest) throw new LimitError(`${app.eventAppId} accepts at most ${this.largest} bytes`);
    if (this.#ending) throw new PushRefused('failed', 'the transfer has ended');
    try {
      this.#reserve(end);
      await this.#arrival.write(offset, bytes);
    } catch (error) {
      // Bytes that were written before stay valid.
      if (error instanceof MalformedError) throw error;
      throw asRefused(error);
    }
  }

  complete(size: number): Promise<TransferOutcome> {
    return this.#ending ?? this.#end(this.#complete(size).catch((error: unknown) => this.#fail(error)));
  }

  async abort(why: Error): Promise<TransferOutcome> {
    const outcome = await (this.#ending ?? this.#end(this.#fail(why)));
    await this.#ended;
    return outcome;
  }

  #end(ending: Promise<TransferOutcome>): Promise<TransferOutcome> {
    this.#ending = ending;
    this.#ended = ending.then(async ({ accepted }) => {
      // The file can be offered again only when the application no longer uses it.
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
    const { services, app, partialFile } = this.parts;
    this.#push.record = { ...this.#push.record, size };
    if (this.#push.durable && !this.#push.result) {
      await partialFile.file.sync();
      // The application may have refused it meanwhile.
      if (!this.#push.result) {
        await services.ledger.receive(this.#push);
      }
    }
    this.#content.size = size;
    this.#arrival.finish();
    this.#arrive.resolve();
    // From now on its sender waits for the answer, so it also waits for a slot of ordinary pushes.
    const turn = this.#begun ? undefined : app.enterSlot('sender', factsOf(this.#push.record));
    if (turn) this.#turn.add(turn);
    const outcome = await this.#inTime();
    if (outcome.accepted) this.#release();
    else await this.#leave(isRetryable(outcome.kind));
    return { ...outcome, sha256, size };
  }

  /** @throws MismatchError, or the error that broke it off. */
  async #check(size: number): Promise<string | undefined> {
    await this.#arrival.idle();
    const { error, watermark, end } = this.#arrival;
    if (error) throw error;
    const offered = this.parts.size ?? size;
    if (size !== offered) throw new MismatchError(`the content has ${size} bytes; ${offered} were offered`);
    if (end > size) throw new MismatchError(`the content has ${end} bytes; ${size} were announced`);
    if (watermark < size) throw new SipPushError(`${watermark} of ${size} bytes arrived`);
    const { sha1, sha256 } = await this.#arrival.digests();
    if (sha1 !== this.parts.sha1) {
      throw new MismatchError(`the content has SHA-1 ${sha1}; ${this.parts.sha1} was offered`);
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

  /** The answer: by the deadline of a direct application; within 15 s for a durable one, since the push is on disk. */
  async #inTime(): Promise<Outcome> {
    const { services, app, record } = this.parts;
    const push = this.#push;
    const patience = push.durable ? ANSWER_WITHIN : ANSWER_WITHIN - app.manifest.timeout * 1000;
    const outcome = await orLate(services.clock, patience, this.#answer);
    if (outcome !== 'late') return outcome;
    if (!push.durable) {
      // An application that has the push keeps its whole deadline.
      this.#turn.giveUp();
      return this.#answer;
    }
    push.answered = true;
    return push.result?.accepted === false
      ? refused(record.id, push.result.refusal)
      : { accepted: true, pushId: record.id };
  }

  /** The transfer does not complete. */
  async #fail(error: unknown): Promise<TransferOutcome> {
    // The first error is the reason.
    const why = this.#arrival.error ?? asError(error);
    const refusal = refusalFor(why);
    this.#break(why);
    this.#push.finish({ accepted: false, refusal });
    await this.#leave(!(why instanceof MismatchError) && isRetryable(refusal.kind));
    return refused(this.parts.record.id, refusal);
  }

  #break(why: Error): void {
    this.#arrival.break(why);
    this.#arrive.reject(why);
    this.#turn.giveUp();
  }

  /** Keeps the received bytes for another attempt, or removes them. */
  async #leave(keep: boolean): Promise<void> {
    const { partialFile } = this.parts;
    await this.#arrival.idle();
    // A commit past its deadline may still be written.
    await this.#push.committing?.catch(() => {});
    if (keep) await partialFile.keep(this.#arrival.watermark, this.#begun);
    else await partialFile.drop();
    this.#release();
    // The sender may offer the file again as soon as it has the answer.
    await this.#closed;
  }

  #reserve(end: number): void {
    if (end <= this.#reserved) return;
    if (!this.parts.partialFile.reserve(end)) {
      const { kind, reason, retryAfter = 0 } = resources('there is no disk space for the content');
      throw new PushRefused(kind, reason, { retryAfter });
    }
    this.#reserved = end;
  }

  #release(): void {
    if (--this.#users > 0) return;
    this.#arrival.break(new SipPushError('the push is finished'));
    this.#closed = this.parts.partialFile.close();
  }
}

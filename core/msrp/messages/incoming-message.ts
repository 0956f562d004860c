/** One message that comes: its chunks, their answers, and its sink (RFC 4975 7.3.1). */

import { ByteRanges } from '../../byte-ranges.js';
import { SipPushError, TimeoutError } from '../../errors.js';
import { Timer } from '../../time/clock.js';
import type { Intake, Piece } from '../connections/intake.js';
import type { ByteRange, ContinuationFlag, MsrpRequest } from '../frames/frame.js';
import type { MessageReporter, MessageSink } from './message.js';
import { asComment, MsrpRefused } from './status.js';

/** Takes what follows the head of a request. */
export interface BodyHandler {
  onBody(bytes: Uint8Array): void;
  onEnd(flag: ContinuationFlag): void;
}

export interface IncomingOptions {
  sink: MessageSink;
  intake: Intake;
  /** Parts with something missing between them, at most. */
  parts: number;
  /** How long the sink may take nothing, milliseconds. */
  patience: number;
  /** It comes through a relay. */
  relayed: boolean;
  respond(request: MsrpRequest, status: number, comment?: string): void;
  /** REPORTs on the message, which has `size` bytes where that is known. */
  reporter(size: number | undefined): MessageReporter;
  /** Nothing more is taken; what comes all the same is to be answered with this status. */
  onOver(status: number, comment?: string): void;
}

interface Chunk {
  readonly request: MsrpRequest;
  readonly range: ByteRange;
  /** Of its next byte. */
  offset: number;
  /** Writes that the sink has not resolved. */
  pending: number;
  ended: boolean;
  answered: boolean;
  /** It had ended by the last look. */
  waited: boolean;
}

/** RFC 4975 7.1.1 leaves us 30 s: a chunk that the sink holds is answered after one or two looks all the same. */
const LOOKS = 6;

export class IncomingMessage {
  readonly #options: IncomingOptions;
  readonly #ranges = new ByteRanges();
  /** Those that have not ended, were not answered, or are not taken. */
  readonly #chunks = new Set<Chunk>();
  /** Of each write under way, what it holds. */
  readonly #writes = new Set<{ piece: Piece }>();
  readonly #look = new Timer();
  /** In a row, and the sink had taken nothing. */
  #idleLooks = 0;
  #size: number | undefined;
  /** The chunk with the `$` has ended. */
  #lastSeen = false;
  #over = false;

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  /** A chunk begins. */
  chunk(request: MsrpRequest, range: ByteRange): BodyHandler {
    const { start: first } = range;
    const chunk: Chunk = {
      ...{ request, range, offset: first - 1, pending: 0 },
      ...{ ended: false, answered: false, waited: false },
    };
    this.#chunks.add(chunk);
    this.#size ??= range.total;
    if (range.total !== undefined && range.total !== this.#size) {
      this.#fail(new MsrpRefused(400, 'chunks of one message differ on its size'));
    }
    return {
      onBody: (bytes) => this.#onBody(chunk, bytes),
      onEnd: (flag) => this.#onEnd(chunk, flag),
    };
  }

  /**
   * Nothing more comes.
   * @param status to answer with what was not answered; absent: nobody is there to be answered.
   */
  abort(error: Error, status?: number): void {
    for (const { request, answered } of this.#chunks) {
      if (!answered && status !== undefined) this.#options.respond(request, status);
    }
    this.#close(error, status ?? GIVEN_UP);
  }

  #onBody(chunk: Chunk, bytes: Uint8Array): void {
    if (this.#over) return;
    const { sink, parts } = this.#options;
    const start = chunk.offset;
    chunk.offset += bytes.length;
    if (chunk.offset > Math.min(chunk.range.end ?? MAX_OFFSET, this.#size ?? MAX_OFFSET)) {
      this.#fail(new MsrpRefused(400, 'more bytes than Byte-Range says'));
      return;
    }
    this.#ranges.add(start, chunk.offset);
    if (this.#ranges.count > parts) {
      this.#fail(new MsrpRefused(413, `more than ${parts} parts with something missing between them`));
      return;
    }
    try {
      const written = sink.write(start, bytes);
      if (written) this.#await(chunk, written);
    } catch (error) {
      this.#fail(error);
    }
  }

  #onEnd(chunk: Chunk, flag: ContinuationFlag): void {
    if (this.#over) return;
    chunk.ended = true;
    if (flag === '#') {
      this.#answer(chunk);
      this.abort(new SipPushError('the sender gave the message up'), GIVEN_UP);
      return;
    }
    if (flag === '$') {
      this.#lastSeen = true;
      this.#size ??= chunk.offset;
      if (chunk.offset !== this.#size) {
        this.#fail(new MsrpRefused(400, 'the last chunk does not end where the message does'));
        return;
      }
    }
    this.#settle(chunk);
  }

  #await(chunk: Chunk, written: Promise<void>): void {
    const write = { piece: this.#options.intake.hold() };
    this.#writes.add(write);
    chunk.pending++;
    if (!this.#look.running) this.#lookLater();
    const taken = () => {
      if (!this.#writes.delete(write)) return false;
      this.#options.intake.release(write.piece);
      chunk.pending--;
      this.#idleLooks = 0;
      return true;
    };
    written.then(
      () => {
        if (taken()) this.#settle(chunk);
      },
      (error: unknown) => {
        if (this.#writes.has(write)) this.#fail(error);
      },
    );
  }

  /** Answers the chunk when it has come and was taken; and ends the message, when that was the last one. */
  #settle(chunk: Chunk): void {
    if (!chunk.ended || chunk.pending > 0) return;
    this.#answer(chunk);
    this.#chunks.delete(chunk);
    const size = this.#size;
    if (!this.#lastSeen || size === undefined || this.#writes.size > 0 || !this.#ranges.covers(size)) return;
    const { sink, onOver } = this.#options;
    const reporter = this.#options.reporter(size);
    this.#over = true;
    this.#look.clear();
    onOver(200);
    try {
      sink.end(size, reporter);
    } catch (error) {
      const { status, message } = asRefusal(error);
      reporter.failure(status, message);
    }
  }

  #answer(chunk: Chunk): void {
    if (chunk.answered) return;
    chunk.answered = true;
    this.#options.respond(chunk.request, 200);
  }

  #lookLater(): void {
    this.#look.set(this.#options.patience / LOOKS, () => {
      if (++this.#idleLooks === LOOKS) {
        this.#fail(new TimeoutError(`nothing was taken for ${this.#options.patience / 1000} s`));
        return;
      }
      for (const chunk of this.#chunks) {
        if (chunk.ended && chunk.waited) this.#answer(chunk);
        chunk.waited = chunk.ended;
      }
      if (this.#writes.size > 0) this.#lookLater();
    });
  }

  /** What of it was not answered is answered with the status of this error; a REPORT tells of what was. */
  #fail(error: unknown): void {
    if (this.#over) return;
    const { respond, reporter } = this.#options;
    const { status, message } = asRefusal(error);
    // RFC 4976 6.4.3: a relay tells the sender by a REPORT. Kamailio's does not.
    let told = !this.#options.relayed;
    for (const chunk of this.#chunks) {
      if (chunk.answered) told = false;
      else respond(chunk.request, status, message);
    }
    if (!told) reporter(this.#size).failure(status, message);
    this.#close(error instanceof Error ? error : new Error(message), status, message);
  }

  #close(error: Error, status: number, comment?: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#look.clear();
    for (const { piece } of this.#writes) this.#options.intake.release(piece);
    this.#writes.clear();
    this.#chunks.clear();
    this.#options.onOver(status, comment);
    try {
      this.#options.sink.abort(error);
    } catch {
      // It was told.
    }
  }
}

const MAX_OFFSET = Number.MAX_SAFE_INTEGER;
/** What comes of a message that its sender has given up: it shall stop sending. */
const GIVEN_UP = 413;

/** RFC 4975 10: 408 and 413 are for the sender to stop as well, 400 for all that has no status of its own. */
export function asRefusal(error: unknown): { status: number; message: string } {
  if (error instanceof MsrpRefused) return { status: error.status, message: asComment(error.message) };
  if (error instanceof TimeoutError) return { status: 408, message: asComment(error.message) };
  return { status: 400, message: 'the content was not taken' };
}

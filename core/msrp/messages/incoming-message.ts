/** An incoming message: its chunks, their answers, and its sink (RFC 4975 §7.3.1). */

import { ByteRanges } from '../../byte-ranges.js';
import { SipPushError, TimeoutError } from '../../errors.js';
import { Timer } from '../../time/clock.js';
import type { Piece, ReadControl } from '../connections/flow-control.js';
import type { ByteRange, ContinuationFlag, MsrpRequest } from '../frames/frame.js';
import type { MessageReporter, MessageSink } from './message.js';
import { asComment, MsrpRefusedError } from './status.js';

/** Receives the body of a request. */
export interface BodyHandler {
  onBody(bytes: Uint8Array): void;
  onEnd(flag: ContinuationFlag): void;
}

export interface IncomingOptions {
  sink: MessageSink;
  readControl: ReadControl;
  /** The largest number of separate parts. */
  parts: number;
  /** How long the sink can take to write, in milliseconds. */
  patience: number;
  /** The message arrives through a relay. */
  relayed: boolean;
  respond(request: MsrpRequest, status: number, comment?: string): void;
  /** Sends REPORTs on the message; `size` is undefined while it is unknown. */
  reporter(size: number | undefined): MessageReporter;
  /** The message is over: later chunks are answered with this status. */
  onEnd(status: number, comment?: string): void;
}

interface Chunk {
  readonly request: MsrpRequest;
  readonly range: ByteRange;
  /** Offset of its next byte. */
  offset: number;
  /** Pending writes. */
  pending: number;
  ended: boolean;
  answered: boolean;
  /** It had ended at the last check. */
  waited: boolean;
}

/** Checks within `patience`: a chunk is answered after one or two of them, because the sender waits 30 s (RFC 4975 §7.1.1). */
const CHECKS = 6;

export class IncomingMessage {
  readonly #options: IncomingOptions;
  readonly #ranges = new ByteRanges();
  /** Chunks that have not ended, are not answered, or are not written. */
  readonly #chunks = new Set<Chunk>();
  /** Pending writes, and the piece that each holds. */
  readonly #writes = new Set<{ piece: Piece }>();
  readonly #check = new Timer();
  /** Consecutive checks without a completed write. */
  #idleChecks = 0;
  #size: number | undefined;
  /** The chunk with `$` has ended. */
  #lastSeen = false;
  #ended = false;

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
      this.#fail(new MsrpRefusedError(400, 'the chunks of one message have different total sizes'));
    }
    return {
      onBody: (bytes) => this.#onBody(chunk, bytes),
      onEnd: (flag) => this.#onEnd(chunk, flag),
    };
  }

  /**
   * Ends the message.
   * @param status answers the unanswered chunks; absent: the connection is lost.
   */
  abort(error: Error, status?: number): void {
    for (const { request, answered } of this.#chunks) {
      if (!answered && status !== undefined) this.#options.respond(request, status);
    }
    this.#close(error, status ?? ABORTED);
  }

  #onBody(chunk: Chunk, bytes: Uint8Array): void {
    if (this.#ended) return;
    const { sink, parts } = this.#options;
    const start = chunk.offset;
    chunk.offset += bytes.length;
    if (chunk.offset > Math.min(chunk.range.end ?? MAX_OFFSET, this.#size ?? MAX_OFFSET)) {
      this.#fail(new MsrpRefusedError(400, 'the chunk has more bytes than its Byte-Range'));
      return;
    }
    this.#ranges.add(start, chunk.offset);
    if (this.#ranges.count > parts) {
      this.#fail(new MsrpRefusedError(413, `more than ${parts} separate parts`));
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
    if (this.#ended) return;
    chunk.ended = true;
    if (flag === '#') {
      this.#answer(chunk);
      this.abort(new SipPushError('the sender aborted the message'), ABORTED);
      return;
    }
    if (flag === '$') {
      this.#lastSeen = true;
      this.#size ??= chunk.offset;
      if (chunk.offset !== this.#size) {
        this.#fail(new MsrpRefusedError(400, 'the last chunk does not end at the end of the message'));
        return;
      }
    }
    this.#settle(chunk);
  }

  #await(chunk: Chunk, written: Promise<void>): void {
    const write = { piece: this.#options.readControl.hold() };
    this.#writes.add(write);
    chunk.pending++;
    if (!this.#check.running) this.#checkLater();
    const finish = () => {
      if (!this.#writes.delete(write)) return false;
      this.#options.readControl.release(write.piece);
      chunk.pending--;
      this.#idleChecks = 0;
      return true;
    };
    written.then(
      () => {
        if (finish()) this.#settle(chunk);
      },
      (error: unknown) => {
        if (this.#writes.has(write)) this.#fail(error);
      },
    );
  }

  /** Answers a chunk that has ended and is written, and ends the message after the last one. */
  #settle(chunk: Chunk): void {
    if (!chunk.ended || chunk.pending > 0) return;
    this.#answer(chunk);
    this.#chunks.delete(chunk);
    const size = this.#size;
    if (!this.#lastSeen || size === undefined || this.#writes.size > 0 || !this.#ranges.covers(size)) return;
    const { sink, onEnd } = this.#options;
    const reporter = this.#options.reporter(size);
    this.#ended = true;
    this.#check.clear();
    onEnd(200);
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

  #checkLater(): void {
    this.#check.set(this.#options.patience / CHECKS, () => {
      if (++this.#idleChecks === CHECKS) {
        this.#fail(new TimeoutError(`the receiver wrote nothing for ${this.#options.patience / 1000} s`));
        return;
      }
      for (const chunk of this.#chunks) {
        if (chunk.ended && chunk.waited) this.#answer(chunk);
        chunk.waited = chunk.ended;
      }
      if (this.#writes.size > 0) this.#checkLater();
    });
  }

  /** Answers the unanswered chunks with the status of this error, and reports it for answered ones. */
  #fail(error: unknown): void {
    if (this.#ended) return;
    const { respond, reporter } = this.#options;
    const { status, message } = asRefusal(error);
    // RFC 4976 §6.4.3: a relay reports the refusal to the sender. Kamailio's relay does not.
    let reported = !this.#options.relayed;
    for (const chunk of this.#chunks) {
      if (chunk.answered) reported = false;
      else respond(chunk.request, status, message);
    }
    if (!reported) reporter(this.#size).failure(status, message);
    this.#close(error instanceof Error ? error : new Error(message), status, message);
  }

  #close(error: Error, status: number, comment?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#check.clear();
    for (const { piece } of this.#writes) this.#options.readControl.release(piece);
    this.#writes.clear();
    this.#chunks.clear();
    this.#options.onEnd(status, comment);
    try {
      this.#options.sink.abort(error);
    } catch {
      // The error is reported already.
    }
  }
}

const MAX_OFFSET = Number.MAX_SAFE_INTEGER;
/** The answer to later chunks of a message that its sender aborted. */
const ABORTED = 413;

/** RFC 4975 §10: 408 and 413 ask the sender to stop; 400 is for errors without their own status. */
export function asRefusal(error: unknown): { status: number; message: string } {
  if (error instanceof MsrpRefusedError) return { status: error.status, message: asComment(error.message) };
  if (error instanceof TimeoutError) return { status: 408, message: asComment(error.message) };
  return { status: 400, message: 'the content was not accepted' };
}

/** An outgoing message: its chunks, their answers, the REPORT (RFC 4975 §7.1). */

import { ByteRanges } from '../../byte-ranges.js';
import { ConfigurationError, MalformedError, TimeoutError } from '../../errors.js';
import { Timer } from '../../time/clock.js';
import type { QueuedMessage, SendQueue } from '../connections/flow-control.js';
import { InFlight, type RequestLink } from '../connections/in-flight.js';
import { type MsrpRequest, type MsrpResponse, newMessageId, parseByteRange } from '../frames/frame.js';
import type { MsrpLimits } from '../frames/limits.js';
import type { MessageResult, OutgoingMessage } from './message.js';
import { ContentReader, OutgoingChunks } from './outgoing-chunks.js';
import { commentOf, isSuccess, parseStatus } from './status.js';

export interface OutgoingRoute {
  link: RequestLink & { readonly sendQueue: SendQueue };
  toPath: readonly string[];
  fromPath: readonly string[];
  /** Size of the largest chunk, in bytes. */
  chunkSize: number;
}

/** The state of a started message. */
interface Sending {
  route: OutgoingRoute;
  chunks: OutgoingChunks;
  content: ContentReader;
  inFlight: InFlight;
}

export class OutgoingTransfer implements QueuedMessage {
  readonly messageId = newMessageId();
  readonly result: Promise<MessageResult>;
  #resolve: (result: MessageResult) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #sending: Sending | undefined;
  /** Bytes in sent chunks. */
  #sent = 0;
  #lastSent = false;
  /** Bytes in chunks that were answered 200, or sent if no answers are requested. */
  #acknowledged = 0;
  /** Bytes whose success was reported; `#anyReport` is for empty messages. */
  readonly #reported = new ByteRanges();
  #anyReport = false;
  /** Waits for the REPORT, or for a refusal if successful chunks are not answered. */
  readonly #deadline = new Timer();
  #over = false;
  readonly #onAbort = () => this.fail(this.message.signal?.reason);

  /** @param onOver called when the message ends. */
  constructor(
    private readonly message: OutgoingMessage,
    private readonly limits: MsrpLimits,
    private readonly onOver: () => void,
  ) {
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    message.signal?.addEventListener('abort', this.#onAbort);
  }

  get started(): boolean {
    return this.#sending !== undefined;
  }

  start(route: OutgoingRoute): void {
    const { message, limits } = this;
    const { link, chunkSize } = route;
    const { failureReport = 'yes' } = message;
    try {
      if (route.toPath.length === 0) throw new ConfigurationError('the path of the MSRP peer is unknown');
      const chunks = new OutgoingChunks(message, this.messageId, route);
      // A byte more than a chunk: whether anything comes after the last one.
      const content = new ContentReader(message.open(), chunkSize + 1, (error) => {
        if (error) this.fail(error);
        else this.#wake();
      });
      const inFlight = new InFlight({
        ...{ link, limits, chunkSize, failureReport },
        onAnswer: (response, bytes) => this.#onAnswer(response, bytes),
        onSilence: (error) => this.fail(error),
      });
      this.#sending = { route, chunks, content, inFlight };
      this.#wake();
    } catch (error) {
      this.fail(error);
    }
  }

  sendChunk(): boolean {
    const sending = this.#sending;
    if (!sending || !this.#ready) return false;
    try {
      this.#sendNext(sending);
    } catch (error) {
      // For example, an invalid path.
      this.fail(error);
    }
    return this.#ready;
  }

  /** Handles a REPORT on this message (RFC 4975 §7.1.2). */
  onReport(report: MsrpRequest): void {
    const status = parseStatus(report.headers.get('Status') ?? '');
    const range = parseByteRange(report.headers.get('Byte-Range') ?? '1-*/*');
    if (status?.namespace !== '000' || !range) return;
    const { code, comment } = status;
    if (!isSuccess(code)) {
      this.#end({ status: code, comment, reported: true, bytes: this.#acknowledged });
      return;
    }
    // Receivers report from the first byte on, or the whole message.
    if (this.#reported.count >= this.limits.parts) return;
    this.#anyReport = true;
    // Unsent bytes cannot be reported.
    this.#reported.add(range.start - 1, Math.min(range.end ?? this.#sent, this.#sent));
    this.#settleIfDone();
  }

  /** Ends the message with an error. If the peer has a part of it and is connected, it receives an abort. */
  fail(error: unknown, connected = true): void {
    if (this.#over) return;
    const sending = this.#sending;
    if (connected && sending && this.#sent > 0 && !this.#lastSent) {
      sending.route.link.sendRequest(sending.chunks.abort(this.#sent), '#');
    }
    this.#close(error);
    this.#reject(error);
  }

  get #ready(): boolean {
    const sending = this.#sending;
    if (!sending || this.#over || this.#lastSent) return false;
    const { content, inFlight } = sending;
    const { available, ended } = content;
    const { size } = this.message;
    // The last chunk waits for the end of the content, which may be longer than was said.
    const isLast = size !== undefined && available === size - this.#sent && available <= inFlight.room;
    if (isLast && available > 0 && !ended) return false;
    return (available > 0 || ended || size === 0) && inFlight.room > 0;
  }

  #sendNext({ chunks, content, inFlight }: Sending): void {
    const { size, failureReport = 'yes' } = this.message;
    const left = size === undefined ? Number.POSITIVE_INFINITY : size - this.#sent;
    const body = content.take(Math.min(inFlight.room, left));
    const bytes = body.reduce((sum, piece) => sum + piece.length, 0);
    const end = this.#sent + bytes;
    const exhausted = content.ended && content.available === 0;
    if (size !== undefined) checkSize(end, size, exhausted, content.available);
    const last = size === undefined ? exhausted : end === size;
    inFlight.send(chunks.request(this.#sent, body, last), last ? '$' : '+', body, bytes);
    this.#sent = end;
    this.#lastSent = last;
    if (last) content.cancel();
    if (failureReport !== 'yes') this.#progress(bytes);
    this.#settleIfDone();
  }

  #wake(): void {
    if (this.#ready) this.#sending?.route.link.sendQueue.request(this);
  }

  #onAnswer({ status, comment }: MsrpResponse, bytes: number): void {
    if (this.#over) return;
    if (!isSuccess(status)) {
      this.#end({ status, comment, reported: false, bytes: this.#acknowledged });
      return;
    }
    this.#progress(bytes);
    this.#settleIfDone();
    this.#wake();
  }

  #progress(bytes: number): void {
    this.#acknowledged += bytes;
    try {
      this.message.onProgress?.(this.#acknowledged);
    } catch (error) {
      this.fail(error);
    }
  }

  #settleIfDone(): void {
    if (this.#over || !this.#lastSent) return;
    const { successReport, failureReport } = this.message;
    if (this.#sending?.inFlight.waiting && !this.#isReported) return;
    if (successReport) {
      if (this.#isReported) this.#succeed();
      else this.#setDeadline(this.limits.reportTimeout, (error) => this.fail(error));
    } else if (failureReport === 'partial') {
      // RFC 4975 §7.1.1: only refused chunks are answered, so silence counts as success.
      this.#setDeadline(this.limits.transactionTimeout, () => this.#succeed());
    } else {
      this.#succeed();
    }
  }

  get #isReported(): boolean {
    return this.message.successReport && this.#anyReport && this.#reported.covers(this.#sent);
  }

  #setDeadline(milliseconds: number, onDeadline: (error: TimeoutError) => void): void {
    if (this.#deadline.running) return;
    this.#deadline.set(milliseconds, () =>
      onDeadline(new TimeoutError(`no REPORT within ${milliseconds / 1000} s`)),
    );
  }

  #succeed(): void {
    const { successReport: reported } = this.message;
    const bytes = reported ? this.#sent : this.#acknowledged;
    this.#end({ status: 200, comment: commentOf(200), reported, bytes });
  }

  #end(result: MessageResult): void {
    if (this.#over) return;
    this.#close();
    this.#resolve(result);
  }

  #close(reason?: unknown): void {
    this.#over = true;
    this.#deadline.clear();
    this.message.signal?.removeEventListener('abort', this.#onAbort);
    const { route, content, inFlight } = this.#sending ?? {};
    route?.link.sendQueue.withdraw(this);
    content?.cancel(reason);
    inFlight?.clear();
    this.onOver();
  }
}

/**
 * @param exhausted the content ended after `end` bytes.
 * @param more available bytes beyond them.
 * @throws MalformedError
 */
function checkSize(end: number, size: number, exhausted: boolean, more: number): void {
  if (exhausted && end < size) throw new MalformedError(`the content ended after ${end} of ${size} bytes`);
  if (end === size && more > 0)
    throw new MalformedError(`the content has more than its declared ${size} bytes`);
}

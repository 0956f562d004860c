/** A message on its way to the peer: its chunks, their answers, the REPORT (RFC 4975 7.1). */

import { ConfigurationError, MalformedError, TimeoutError } from '../errors.js';
import { Alarm } from '../time/alarm.js';
import { parseByteRange } from './byte-range.js';
import { ContentReader } from './content-reader.js';
import type { MsrpRequest, MsrpResponse } from './frame.js';
import { InFlight, type RequestLink } from './in-flight.js';
import type { Line, LineUser } from './line.js';
import type { MessageResult, OutgoingMessage } from './message.js';
import type { MsrpLimits } from './msrp-limits.js';
import { OutgoingChunks } from './outgoing-chunks.js';
import { ReceivedRanges } from './received-ranges.js';
import { commentOf, isSuccess } from './refused.js';
import { parseStatus } from './status.js';
import { newMessageId } from './transaction-id.js';

export interface OutgoingRoute {
  link: RequestLink & { readonly line: Line };
  toPath: readonly string[];
  fromPath: readonly string[];
  /** Bytes of a chunk at most. */
  chunkSize: number;
}

/** What there is once the message may be sent. */
interface Sending {
  route: OutgoingRoute;
  chunks: OutgoingChunks;
  content: ContentReader;
  inFlight: InFlight;
}

export class OutgoingTransfer implements LineUser {
  readonly messageId = newMessageId();
  readonly result: Promise<MessageResult>;
  #resolve: (result: MessageResult) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #sending: Sending | undefined;
  /** Bytes that chunks have carried. */
  #sent = 0;
  #lastSent = false;
  /** Bytes of chunks that were answered 200; where nobody answers, that were sent. */
  #acknowledged = 0;
  /** What success was reported of, and whether it was at all: an empty message has no bytes to tell by. */
  readonly #reported = new ReceivedRanges();
  #anyReport = false;
  /** For the REPORT, or for the errors of a message that is not answered otherwise. */
  readonly #deadline = new Alarm();
  #over = false;
  readonly #onAbort = () => this.fail(this.message.signal?.reason);

  /** @param onOver nothing happens any more. */
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
      if (route.toPath.length === 0) throw new ConfigurationError('the path of the MSRP peer is not known');
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

  /** Takes its turn on the line. */
  sendChunk(): boolean {
    const sending = this.#sending;
    if (!sending || !this.#ready) return false;
    try {
      this.#sendNext(sending);
    } catch (error) {
      // A path that cannot be written, for example.
      this.fail(error);
    }
    return this.#ready;
  }

  /** A REPORT on this message (RFC 4975 7.1.2). */
  onReport(report: MsrpRequest): void {
    const status = parseStatus(report.headers.get('Status') ?? '');
    const range = parseByteRange(report.headers.get('Byte-Range') ?? '1-*/*');
    if (status?.namespace !== '000' || !range) return;
    const { code, comment } = status;
    if (!isSuccess(code)) {
      this.#end({ status: code, comment, reported: true, bytes: this.#acknowledged });
      return;
    }
    // A receiver reports from the start on, or all at once.
    if (this.#reported.count >= this.limits.parts) return;
    this.#anyReport = true;
    // Of what was not sent there is nothing to report.
    this.#reported.add(range.start - 1, Math.min(range.end ?? this.#sent, this.#sent));
    this.#settleIfDone();
  }

  /** It comes to nothing. The peer is told when it has a part of it, unless nothing can be sent any more. */
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
    if (this.#ready) this.#sending?.route.link.line.request(this);
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
      // RFC 4975 7.1.1: only what went wrong is answered, so that silence has to do.
      this.#setDeadline(this.limits.transactionTimeout, () => this.#succeed());
    } else {
      this.#succeed();
    }
  }

  get #isReported(): boolean {
    return this.message.successReport && this.#anyReport && this.#reported.cover(this.#sent);
  }

  #setDeadline(milliseconds: number, onDeadline: (error: TimeoutError) => void): void {
    if (this.#deadline.running) return;
    this.#deadline.set(milliseconds, () =>
      onDeadline(new TimeoutError(`no REPORT came within ${milliseconds / 1000} s`)),
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
    route?.link.line.withdraw(this);
    content?.cancel(reason);
    inFlight?.clear();
    this.onOver();
  }
}

/**
 * @param exhausted nothing comes after the first `end` bytes.
 * @param more bytes at hand beyond them.
 * @throws MalformedError
 */
function checkSize(end: number, size: number, exhausted: boolean, more: number): void {
  if (exhausted && end < size) throw new MalformedError(`the content ended after ${end} of ${size} bytes`);
  if (end === size && more > 0) throw new MalformedError(`the content is longer than its ${size} bytes`);
}

/**
 * MSRP frames out of a byte stream (RFC 4975 7). Every byte is looked at once, wherever the stream was cut; bodies
 * are handed on as views.
 */

import { defined } from '../../defined.js';
import { BodyReader, CUT_SHORT, flagBefore, matchEndLine, NO_END_LINE } from './body-reader.js';
import { type ContinuationFlag, MalformedMsrp, type MsrpRequest, type MsrpResponse } from './frame.js';
import { HeadParser, HeadReader, type RawHead } from './head.js';
import { FRAME_LIMITS, type FrameLimits } from './limits.js';

export interface FrameHandlers {
  /** Its headers are complete. Its body follows, if it has one, and then always its end. */
  onRequest(request: MsrpRequest): void;
  /** Whole. */
  onResponse(response: MsrpResponse): void;
  /** A piece of the body of the request announced last: bytes that were pushed, to be kept or not. Never of a malformed one. */
  onBody(bytes: Uint8Array): void;
  /** Of the request announced last. */
  onEnd(flag: ContinuationFlag): void;
}

const encoder = new TextEncoder();
const CRLF_LENGTH = 2;

export class MsrpParser {
  readonly #handlers: FrameHandlers;
  readonly #headParser: HeadParser;
  readonly #headReader: HeadReader;
  readonly #headerBytes: number;
  /** While the body of `#frame` is being read. */
  #body: BodyReader | undefined;
  #frame: MsrpRequest | MsrpResponse | undefined;
  #failed = false;

  constructor(handlers: FrameHandlers, limits: Partial<FrameLimits> = {}) {
    const { headerBytes, headers } = { ...FRAME_LIMITS, ...defined(limits) };
    this.#handlers = handlers;
    this.#headerBytes = headerBytes;
    this.#headParser = new HeadParser(headers);
    this.#headReader = new HeadReader(headerBytes);
  }

  /**
   * `chunk` is the parser's from here on. Nothing is reported any more once this has thrown.
   * @throws MalformedMsrp where the stream makes no sense: the connection has to be closed.
   */
  push(chunk: Uint8Array): void {
    if (this.#failed) return;
    // A view of a Node.js Buffer would be a Buffer, whose `slice` means something else.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    try {
      for (let at = 0; at < bytes.length; )
        at = this.#body ? this.#readBody(this.#body, bytes, at) : this.#readHead(bytes, at);
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  #readHead(bytes: Uint8Array, from: number): number {
    const { next, head } = this.#headReader.push(bytes, from);
    if (head) this.#beginFrame(head);
    return next;
  }

  #beginFrame({ bytes, lastLine, tooLong }: RawHead): void {
    const problem = tooLong ? `headers of more than ${this.#headerBytes} bytes` : undefined;
    const frame = this.#headParser.parse(bytes.subarray(0, lastLine), problem);
    const bodyFollows = tooLong || bytes.length - lastLine === CRLF_LENGTH;
    const flag = bodyFollows ? undefined : readEndLine(bytes, lastLine, frame.transactionId);
    this.#frame = frame;
    if ('method' in frame) this.#handlers.onRequest(frame);
    if (flag !== undefined) {
      this.#endFrame(flag);
      return;
    }
    this.#body = new BodyReader(frame.transactionId, this.#bodyHandler(frame));
    // What there is of a header beyond the limit may be an end-line.
    if (tooLong) this.#readBody(this.#body, bytes, lastLine);
  }

  #bodyHandler(frame: MsrpRequest | MsrpResponse): (bytes: Uint8Array) => void {
    const wanted = 'method' in frame && frame.malformed === undefined;
    return wanted ? (bytes) => this.#handlers.onBody(bytes) : () => {};
  }

  #readBody(body: BodyReader, bytes: Uint8Array, from: number): number {
    const end = body.push(bytes, from);
    if (end < 0) return bytes.length;
    this.#body = undefined;
    this.#endFrame(body.flag);
    return end;
  }

  #endFrame(flag: ContinuationFlag): void {
    const frame = this.#frame;
    this.#frame = undefined;
    if (!frame) return;
    if ('method' in frame) this.#handlers.onEnd(flag);
    else this.#handlers.onResponse(frame);
  }
}

/** Of the line at `at`, which is the last one and has a CRLF before it. */
function readEndLine(bytes: Uint8Array, at: number, transactionId: string): ContinuationFlag {
  const length = matchEndLine(bytes, at - CRLF_LENGTH, encoder.encode(transactionId));
  if (length !== NO_END_LINE && length !== CUT_SHORT) return flagBefore(bytes, bytes.length);
  throw new MalformedMsrp('a line of hyphens that is not the end-line of its frame');
}

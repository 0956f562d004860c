/** Splits the bytes of one direction of an MSRP connection into frames for a trace, which limits bodies. */

import { MalformedMsrpError } from '../../core/msrp/frames/frame.js';
import { HeadReader, type RawHead } from '../../core/msrp/frames/head.js';
import { FRAME_LIMITS } from '../../core/msrp/frames/limits.js';
import { BodyReader } from '../../core/msrp/frames/parser.js';

/** The transaction id in a start line (RFC 4975 §9), `MSRP a786hjs2 SEND`. */
const TRANSACTION_ID = /^MSRP ([!-~]{1,64}) /;
const CRLF_LENGTH = 2;
const START_LINE = 100;

/** Receives the bytes of each frame, and the number of bytes of its body that were omitted. */
export type FrameObserver = (bytes: Uint8Array, omitted: number) => void;

export class MsrpFrames {
  readonly #onFrame: FrameObserver;
  readonly #bodyLimit: number;
  readonly #heads = new HeadReader(FRAME_LIMITS.headerBytes);
  #id = '';
  #body: BodyReader | undefined;
  /** Pieces of the current frame. */
  #parts: Uint8Array[] = [];
  #kept = 0;
  #omitted = 0;
  #malformed = false;

  /** @param bodyLimit kept bytes of each body. */
  constructor(bodyLimit: number, onFrame: FrameObserver) {
    this.#bodyLimit = bodyLimit;
    this.#onFrame = onFrame;
  }

  /** Copies the bytes that it keeps. Ignores the rest of a stream that is not MSRP. */
  push(chunk: Uint8Array): void {
    if (this.#malformed) return;
    // `slice` of a Node.js Buffer is a view, `slice` of a Uint8Array a copy.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    try {
      for (let at = 0; at < bytes.length; )
        at = this.#body ? this.#readBody(this.#body, bytes, at) : this.#readHead(bytes, at);
    } catch (error) {
      if (!(error instanceof MalformedMsrpError)) throw error;
      this.#malformed = true;
      this.#parts = [];
    }
  }

  #readHead(bytes: Uint8Array, from: number): number {
    const { next, head } = this.#heads.push(bytes, from);
    if (head) this.#begin(head);
    return next;
  }

  #begin({ bytes, lastLine, tooLong }: RawHead): void {
    const start = new TextDecoder('latin1').decode(bytes.subarray(0, START_LINE));
    const [, id] = TRANSACTION_ID.exec(start) ?? [];
    if (id === undefined || tooLong) throw new MalformedMsrpError('invalid head of a frame');
    // A copy: the buffer belongs to the agent.
    this.#parts = [bytes.slice()];
    const bodyFollows = bytes.length - lastLine === CRLF_LENGTH;
    if (!bodyFollows) {
      this.#end();
      return;
    }
    this.#id = id;
    this.#kept = 0;
    this.#omitted = 0;
    this.#body = new BodyReader(id, (piece) => this.#keep(piece));
  }

  #keep(piece: Uint8Array): void {
    const kept = piece.subarray(0, this.#bodyLimit - this.#kept);
    if (kept.length > 0) this.#parts.push(kept.slice());
    this.#kept += kept.length;
    this.#omitted += piece.length - kept.length;
  }

  #readBody(body: BodyReader, bytes: Uint8Array, from: number): number {
    const end = body.push(bytes, from);
    if (end < 0) return bytes.length;
    this.#parts.push(new TextEncoder().encode(`\r\n-------${this.#id}${body.flag}\r\n`));
    this.#body = undefined;
    this.#end();
    return end;
  }

  #end(): void {
    const frame = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#onFrame(frame, this.#omitted);
    this.#omitted = 0;
  }
}

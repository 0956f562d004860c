/** Cuts what one end of an MSRP connection sends into frames, as bytes: for a trace, which bodies need not be in. */

import { MalformedMsrpError } from '../../core/msrp/frames/frame.js';
import { HeadReader, type RawHead } from '../../core/msrp/frames/head.js';
import { FRAME_LIMITS } from '../../core/msrp/frames/limits.js';
import { BodyReader } from '../../core/msrp/frames/parser.js';

/** What is needed of a start line (RFC 4975 9): `MSRP a786hjs2 SEND`. */
const TRANSACTION_ID = /^MSRP ([!-~]{1,64}) /;
const CRLF_LENGTH = 2;
const START_LINE = 100;

/** Told of each frame: its bytes, and how many of its body are not among them. */
export type FrameObserver = (bytes: Uint8Array, left: number) => void;

export class MsrpFrames {
  readonly #onFrame: FrameObserver;
  readonly #bodyLimit: number;
  readonly #heads = new HeadReader(FRAME_LIMITS.headerBytes);
  #id = '';
  #body: BodyReader | undefined;
  /** Of the frame under way. */
  #parts: Uint8Array[] = [];
  #kept = 0;
  #left = 0;
  #foreign = false;

  /** @param bodyLimit bytes of each body that are kept. */
  constructor(bodyLimit: number, onFrame: FrameObserver) {
    this.#bodyLimit = bodyLimit;
    this.#onFrame = onFrame;
  }

  /** Copies what it keeps. What turns out to be no MSRP is passed over from there on. */
  push(chunk: Uint8Array): void {
    if (this.#foreign) return;
    // Of a Node.js Buffer `slice` would be no copy, but a view.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    try {
      for (let at = 0; at < bytes.length; )
        at = this.#body ? this.#readBody(this.#body, bytes, at) : this.#readHead(bytes, at);
    } catch (error) {
      if (!(error instanceof MalformedMsrpError)) throw error;
      this.#foreign = true;
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
    if (id === undefined || tooLong) throw new MalformedMsrpError('no head of a frame');
    // The agent keeps no more of its bytes than a trace may: they are copied.
    this.#parts = [bytes.slice()];
    const bodyFollows = bytes.length - lastLine === CRLF_LENGTH;
    if (!bodyFollows) {
      this.#end();
      return;
    }
    this.#id = id;
    this.#kept = 0;
    this.#left = 0;
    this.#body = new BodyReader(id, (piece) => this.#keep(piece));
  }

  #keep(piece: Uint8Array): void {
    const kept = piece.subarray(0, this.#bodyLimit - this.#kept);
    if (kept.length > 0) this.#parts.push(kept.slice());
    this.#kept += kept.length;
    this.#left += piece.length - kept.length;
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
    this.#onFrame(frame, this.#left);
    this.#left = 0;
  }
}

/** The chunks of an outgoing message: their content, their size, their requests. */

import { asError } from '../../text.js';
import {
  formatByteRange,
  MsrpHeaders,
  type MsrpRequest,
  newTransactionId,
  transactionIdFor,
} from '../frames/frame.js';
import type { OutgoingMessage } from './message.js';

/** Reads the content about one chunk ahead. */
export class ContentReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #ahead: number;
  readonly #onChange: (error?: Error) => void;
  /** In order. */
  #pieces: Uint8Array[] = [];
  #available = 0;
  #ended = false;
  #reading = false;

  /**
   * @param ahead bytes to read ahead.
   * @param onChange called for more bytes, for the end, and with the error of the stream.
   */
  constructor(stream: ReadableStream<Uint8Array>, ahead: number, onChange: (error?: Error) => void) {
    this.#reader = stream.getReader();
    this.#ahead = ahead;
    this.#onChange = onChange;
    void this.#fill();
  }

  /** Bytes read ahead. */
  get available(): number {
    return this.#available;
  }

  /** The stream ended after the available bytes. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Removes up to `limit` of the available bytes. */
  take(limit: number): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let left = Math.min(limit, this.#available);
    this.#available -= left;
    let count = 0;
    for (const piece of this.#pieces) {
      if (left === 0) break;
      if (piece.length > left) {
        pieces.push(piece.subarray(0, left));
        this.#pieces[count] = piece.subarray(left);
        break;
      }
      pieces.push(piece);
      left -= piece.length;
      count++;
    }
    this.#pieces.splice(0, count);
    void this.#fill();
    return pieces;
  }

  /** Never rejects. */
  cancel(reason?: unknown): void {
    this.#ended = true;
    this.#pieces = [];
    this.#available = 0;
    this.#reader.cancel(reason).catch(() => {});
  }

  async #fill(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      while (!this.#ended && this.#available < this.#ahead) {
        const { done, value } = await this.#reader.read();
        if (this.#ended) return;
        if (done) this.#ended = true;
        else if (value.length === 0) continue;
        else this.#add(value);
        this.#onChange();
      }
    } catch (error) {
      if (!this.#ended) this.#onChange(asError(error));
    } finally {
      this.#reading = false;
    }
  }

  #add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#available += piece.length;
  }
}

/** Initial and smallest window, in bytes. */
const FIRST_WINDOW = 64 * 1024;
/** The smallest chunk, in bytes: a window has about four chunks. */
const SMALL_CHUNK = 16 * 1024;
/** Milliseconds to the answer of a chunk within which the window grows: more than the round trip of a satellite. */
const FAST = 1000;
/** Milliseconds beyond which the window shrinks. */
const SLOW = 2000;

/**
 * Adapts the bytes in flight and the chunk size to the path. On a slow path both stay small, because other messages wait
 * behind them and the peer has 30 s to answer each chunk (RFC 4975 §7.1.1). On a fast path they grow until it is full.
 */
export class Pace {
  #window: number;

  /**
   * @param largestWindow bytes.
   * @param largestChunk bytes.
   */
  constructor(
    private readonly largestWindow: number,
    private readonly largestChunk: number,
  ) {
    this.#window = Math.min(FIRST_WINDOW, largestWindow);
  }

  /** Largest size of the next chunk with this number of bytes in flight; 0 to wait for answers. */
  nextChunkSize(inFlight: number): number {
    const chunk = Math.min(Math.max(this.#window >> 2, SMALL_CHUNK), this.largestChunk);
    return inFlight === 0 || inFlight + chunk <= this.#window ? chunk : 0;
  }

  /** A chunk was answered after `elapsed` milliseconds. */
  answered(bytes: number, elapsed: number): void {
    // Doubles or halves in the time of one window.
    if (elapsed <= FAST) this.#window = Math.min(this.#window + bytes, this.largestWindow);
    else if (elapsed > SLOW)
      this.#window = Math.max(this.#window - (bytes >> 1), Math.min(FIRST_WINDOW, this.largestWindow));
  }
}

/** RFC 4975 §7.1.1: a longer chunk is interruptible, and its Byte-Range has no end. */
const MAX_UNINTERRUPTIBLE = 2048;

/** Makes the SEND requests of one message (RFC 4975 §7.1.1). */
export class OutgoingChunks {
  readonly #headers = new MsrpHeaders();

  /** @throws MalformedError for an invalid header. */
  constructor(
    private readonly message: OutgoingMessage,
    messageId: string,
    private readonly paths: { toPath: readonly string[]; fromPath: readonly string[] },
  ) {
    const { successReport, failureReport = 'yes', headers = [], contentType } = message;
    this.#headers.set('Message-ID', messageId).set('Byte-Range', '1-0/0');
    if (successReport) this.#headers.set('Success-Report', 'yes');
    if (failureReport !== 'yes') this.#headers.set('Failure-Report', failureReport);
    for (const [name, value] of headers) this.#headers.set(name, value);
    this.#headers.set('Content-Type', contentType);
  }

  /** @param sent bytes of the message before this chunk. */
  request(sent: number, body: readonly Uint8Array[], last: boolean): MsrpRequest {
    const length = body.reduce((sum, piece) => sum + piece.length, 0);
    const end = sent + length;
    const total = this.message.size ?? (last ? end : undefined);
    const start = sent + 1;
    this.#headers.set(
      'Byte-Range',
      formatByteRange({ start, end: length > MAX_UNINTERRUPTIBLE ? undefined : end, total }),
    );
    return this.#request(transactionIdFor(...body));
  }

  /** A SEND without a body that aborts the message. */
  abort(sent: number): MsrpRequest {
    const start = sent + 1;
    this.#headers.set('Byte-Range', formatByteRange({ start, end: sent, total: this.message.size }));
    return this.#request(newTransactionId());
  }

  #request(transactionId: string): MsrpRequest {
    const { toPath, fromPath } = this.paths;
    return { method: 'SEND', transactionId, toPath, fromPath, headers: this.#headers };
  }
}

/** The content of an outgoing message, read ahead by about one chunk. */

import {
  formatByteRange,
  MsrpHeaders,
  type MsrpRequest,
  newTransactionId,
  transactionIdFor,
} from '../frames/frame.js';
import type { OutgoingMessage } from './message.js';

export class ContentReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #ahead: number;
  readonly #onChange: (error?: Error) => void;
  /** In order; those before `#next` were taken. */
  #pieces: Uint8Array[] = [];
  #available = 0;
  #ended = false;
  #reading = false;

  /**
   * @param ahead bytes to have at hand.
   * @param onChange there are more bytes, or their end; with the error when the stream failed.
   */
  constructor(stream: ReadableStream<Uint8Array>, ahead: number, onChange: (error?: Error) => void) {
    this.#reader = stream.getReader();
    this.#ahead = ahead;
    this.#onChange = onChange;
    void this.#fill();
  }

  /** Bytes at hand. */
  get available(): number {
    return this.#available;
  }

  /** Nothing comes after what is at hand. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Up to so many bytes of those at hand, as they came. */
  take(limit: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let left = Math.min(limit, this.#available);
    this.#available -= left;
    let count = 0;
    for (const piece of this.#pieces) {
      if (left === 0) break;
      if (piece.length > left) {
        taken.push(piece.subarray(0, left));
        this.#pieces[count] = piece.subarray(left);
        break;
      }
      taken.push(piece);
      left -= piece.length;
      count++;
    }
    this.#pieces.splice(0, count);
    void this.#fill();
    return taken;
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
      if (!this.#ended) this.#onChange(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#reading = false;
    }
  }

  #add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#available += piece.length;
  }
}

/**
 * How much of a message may be under way, and in what pieces. On a slow path it stays little: whatever is sent next
 * waits behind it, and the peer has 30 s to answer each chunk (RFC 4975 7.1.1). On a fast one it grows until the path
 * is full.
 */

/** Bytes in flight at first, and at least. */
const FIRST_WINDOW = 64 * 1024;
/** A window is some four chunks, of so many bytes at least. */
const SMALL_CHUNK = 16 * 1024;
/** A chunk that is answered within this time had room to spare, milliseconds: the longest round trip of a satellite. */
const FAST = 1000;
/** Past it, too much is under way. */
const SLOW = 2000;

export class Pace {
  #window: number;

  /**
   * @param largestWindow bytes in flight at most.
   * @param largestChunk bytes.
   */
  constructor(
    private readonly largestWindow: number,
    private readonly largestChunk: number,
  ) {
    this.#window = Math.min(FIRST_WINDOW, largestWindow);
  }

  /** Bytes of the next chunk at most, while so many are in flight; 0 when answers have to come first. */
  room(inFlight: number): number {
    const chunk = Math.min(Math.max(this.#window >> 2, SMALL_CHUNK), this.largestChunk);
    return inFlight === 0 || inFlight + chunk <= this.#window ? chunk : 0;
  }

  /** A chunk of so many bytes was answered after so many milliseconds. */
  answered(bytes: number, elapsed: number): void {
    // Doubled, or halved, by the time that a whole window was answered.
    if (elapsed <= FAST) this.#window = Math.min(this.#window + bytes, this.largestWindow);
    else if (elapsed > SLOW)
      this.#window = Math.max(this.#window - (bytes >> 1), Math.min(FIRST_WINDOW, this.largestWindow));
  }
}

/** The SEND requests of one message (RFC 4975 7.1.1), but for what differs from chunk to chunk. */

/** RFC 4975 7.1.1: a longer chunk is interruptible, and then its end is not told. */
const MAX_UNINTERRUPTIBLE = 2048;

export class OutgoingChunks {
  readonly #headers = new MsrpHeaders();

  /** @throws MalformedError when a header cannot be written. */
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

  /** @param sent bytes of the message ahead of this chunk. */
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

  /** Says that nothing more comes; without a body. */
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

/** Flow control of a connection: when it stops reading, and which message sends next. */

import { TimeoutError } from '../../errors.js';
import type { Channel } from '../../platform/sockets.js';
import { Timer } from '../../time/clock.js';
import { FRAMED_MESSAGE } from '../frames/limits.js';

/** The largest piece of a stream, in bytes; as many can arrive after `pause`. */
const STREAM_PIECE = 64 * 1024;

/** Unsent responses and reports, in bytes: beyond it, the connection stops reading. */
const MAX_BACKLOG = 1024 * 1024;

/** Bytes that arrived together: a sink that keeps one of them keeps all in memory. */
export interface Piece {
  readonly size: number;
  holders: number;
}

/** Stops reading while sinks hold received bytes, or the peer does not read our responses. */
export class ReadControl {
  readonly #pauseAt: number;
  #piece: Piece = { size: 0, holders: 0 };
  #unresolved = 0;
  #backlogged = false;
  #paused = false;

  /** @param unresolvedBytes the limit of bytes that sinks hold, if it is more than two pieces. */
  constructor(
    private readonly channel: Channel,
    unresolvedBytes: number,
  ) {
    const piece = channel.framed ? FRAMED_MESSAGE : STREAM_PIECE;
    this.#pauseAt = Math.max(1, unresolvedBytes - 2 * piece);
  }

  /** A piece arrived. */
  begin(size: number): void {
    this.#piece = { size, holders: 0 };
  }

  /** A sink holds a part of the current piece, until `release`. */
  hold(): Piece {
    const piece = this.#piece;
    if (piece.holders++ === 0) {
      this.#unresolved += piece.size;
      this.#update();
    }
    return piece;
  }

  release(piece: Piece): void {
    if (--piece.holders === 0) {
      this.#unresolved -= piece.size;
      this.#update();
    }
  }

  /** A response or report was sent. */
  sent(): void {
    if (!this.#backlogged && this.channel.buffered > MAX_BACKLOG) {
      this.#backlogged = true;
      this.#update();
    }
  }

  drained(): void {
    if (!this.#backlogged) return;
    this.#backlogged = false;
    this.#update();
  }

  #update(): void {
    const paused = this.#backlogged || this.#unresolved >= this.#pauseAt;
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.channel.pause();
    else this.channel.resume();
  }
}

/** Unsent bytes at which messages wait: a response waits for no more than these. */
const HIGH_WATER = 256 * 1024;

export interface QueuedMessage {
  /** Sends a chunk. True if another one can follow. */
  sendChunk(): boolean;
}

/**
 * The sending half of a connection. Responses and reports are sent at once. Messages send one chunk each in turn, while
 * the network accepts bytes, so that no message waits for the end of a long one (RFC 4975 §5.1).
 */
export class SendQueue {
  /** Messages with a chunk to send, in turn. */
  readonly #waiting = new Set<QueuedMessage>();
  readonly #stall = new Timer();
  #pumping = false;

  /**
   * @param patience milliseconds in which the network must accept a byte.
   * @param onStall called if it does not.
   */
  constructor(
    private readonly channel: Channel,
    private readonly patience: number,
    private readonly onStall: (error: Error) => void,
  ) {}

  /** The message has a chunk to send. */
  request(user: QueuedMessage): void {
    this.#waiting.add(user);
    this.pump();
  }

  withdraw(user: QueuedMessage): void {
    this.#waiting.delete(user);
  }

  /** The network accepted bytes. */
  drained(): void {
    this.#stall.clear();
    this.pump();
  }

  /** Sends chunks while the network accepts bytes. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.channel.buffered < HIGH_WATER) {
        const [next] = this.#waiting;
        if (!next) break;
        this.#waiting.delete(next);
        if (next.sendChunk()) this.#waiting.add(next);
      }
    } finally {
      this.#pumping = false;
    }
    this.watch();
  }

  /** While bytes are unsent, the network must accept some within `patience`. */
  watch(): void {
    const { buffered } = this.channel;
    if (buffered === 0) this.#stall.clear();
    else if (!this.#stall.running) this.#stall.set(this.patience, () => this.#check(buffered));
  }

  close(): void {
    this.#stall.clear();
    this.#waiting.clear();
  }

  #check(before: number): void {
    const { buffered } = this.channel;
    if (buffered < before) this.watch();
    else this.onStall(new TimeoutError(`the peer read nothing for ${this.patience / 1000} s`));
  }
}

/**
 * Stops reading a connection while what was read waits for its sinks, or our answers wait for the peer. What counts
 * is memory: a sink that keeps a byte keeps all that was read with it.
 */

import { TimeoutError } from '../../errors.js';
import type { Channel } from '../../platform/platform.js';
import { Timer } from '../../time/timer.js';
import { FRAMED_MESSAGE } from '../frames/limits.js';

/** What a stream's channel hands over at a time, and what may come after `pause`, bytes. */
const STREAM_PIECE = 64 * 1024;

/** Answers and reports that the peer does not read, bytes: beyond it we do not read, either. */
const MAX_BACKLOG = 1024 * 1024;

/** What the network handed over at a time. */
export interface Piece {
  readonly size: number;
  holders: number;
}

export class Intake {
  readonly #pauseAt: number;
  #piece: Piece = { size: 0, holders: 0 };
  #unresolved = 0;
  #backlogged = false;
  #paused = false;

  /** @param unresolvedBytes never exceeded, unless it is less than two pieces. */
  constructor(
    private readonly channel: Channel,
    unresolvedBytes: number,
  ) {
    const piece = channel.framed ? FRAMED_MESSAGE : STREAM_PIECE;
    this.#pauseAt = Math.max(1, unresolvedBytes - 2 * piece);
  }

  /** The network has handed over so many bytes. */
  begin(size: number): void {
    this.#piece = { size, holders: 0 };
  }

  /** A sink holds a part of what came last. To be released once. */
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

  /** An answer was sent. */
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

/**
 * The sending half of a connection. Responses and reports go at once; messages take turns, a chunk each, as long as
 * the network takes them (RFC 4975 5.1: nobody waits for the end of a long message).
 */

/** What may wait in the channel before messages do, bytes: what a response of ours has to wait for at most. */
const HIGH_WATER = 256 * 1024;

export interface LineUser {
  /** Sends a chunk. True when another one can follow. */
  sendChunk(): boolean;
}

export class Line {
  /** Those that have a chunk to send, in the order of their turns. */
  readonly #waiting = new Set<LineUser>();
  readonly #stall = new Timer();
  #pumping = false;

  /**
   * @param patience how long the network may take nothing at all, milliseconds.
   * @param onStall the peer reads no more.
   */
  constructor(
    private readonly channel: Channel,
    private readonly patience: number,
    private readonly onStall: (error: Error) => void,
  ) {}

  /** This one has a chunk to send. */
  request(user: LineUser): void {
    this.#waiting.add(user);
    this.pump();
  }

  withdraw(user: LineUser): void {
    this.#waiting.delete(user);
  }

  /** The network has taken something. */
  drained(): void {
    this.#stall.clear();
    this.pump();
  }

  /** Called after everything that may have made room. */
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

  /** Bytes were sent: as long as some wait, the network has to take one now and then. */
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
    else this.onStall(new TimeoutError(`the peer has taken nothing for ${this.patience / 1000} s`));
  }
}

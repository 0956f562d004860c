/**
 * Stops reading a connection while what was read waits for its sinks, or our answers wait for the peer. What counts
 * is memory: a sink that keeps a byte keeps all that was read with it.
 */

import type { Channel } from '../../platform/sockets.js';
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

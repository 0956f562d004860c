/** A push that waits in more than one queue, and goes when its turn comes in any. */

import { type ByteRange, type Content, type MediaType, readAll } from '../../content/content.js';
import { LimitError } from '../../errors.js';
import type { Turn } from '../application/slots.js';
import type { Arrival } from './arrival.js';

export class EitherTurn implements Turn {
  readonly ready: Promise<boolean>;
  readonly #waiting = new Set<Turn>();
  #resolve: (ready: boolean) => void = () => {};
  /** Its turn has come, or never will. */
  #decided = false;
  #mine: Turn | undefined;

  constructor(
    turn: Turn,
    private readonly onLeft: () => void,
  ) {
    this.ready = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.add(turn);
  }

  /** Waits there as well. */
  add(turn: Turn): void {
    if (this.#decided) {
      turn.leave();
      return;
    }
    this.#waiting.add(turn);
    void turn.ready.then((goes) => (goes ? this.#come(turn) : this.#gone(turn)));
  }

  /** Waits no longer; a turn that has come stays. */
  giveUp(): void {
    if (this.#decided) return;
    this.#decide(false);
    this.onLeft();
  }

  leave(): void {
    this.giveUp();
    if (!this.#mine) return;
    this.#mine.leave();
    this.#mine = undefined;
    this.onLeft();
  }

  #come(turn: Turn): void {
    this.#waiting.delete(turn);
    if (this.#decided) {
      turn.leave();
      return;
    }
    this.#mine = turn;
    this.#decide(true);
  }

  #gone(turn: Turn): void {
    this.#waiting.delete(turn);
    if (this.#waiting.size === 0) this.giveUp();
  }

  #decide(ready: boolean): void {
    this.#decided = true;
    for (const turn of this.#waiting) turn.leave();
    this.#waiting.clear();
    this.#resolve(ready);
  }
}

/** Content that is still coming. */

/** Bytes that a stream gives at once. */
const CHUNK = 262_144;

/**
 * Streams follow the file as it comes, and end when all of it is there and is what it should be; they error when it
 * breaks off. One that ends ahead of the content's end does so as soon as its bytes are there.
 */
export class GrowingContent implements Content {
  /** As offered; where nobody said, it is known when all has come. */
  size?: number;
  readonly #arrival: Arrival;

  constructor(
    readonly type: MediaType,
    arrival: Arrival,
    offered: number | undefined,
  ) {
    this.#arrival = arrival;
    if (offered !== undefined) this.size = offered;
  }

  open({ start, end = Number.MAX_SAFE_INTEGER - 1 }: ByteRange = { start: 0 }): ReadableStream<Uint8Array> {
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start - 1) {
      throw new RangeError(`bytes ${start} to ${end}: expected whole numbers, 0 <= start <= end`);
    }
    let at = start;
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const bytes = await this.#next(at, end + 1);
          if (bytes.length === 0) controller.close();
          else controller.enqueue(bytes);
          at += bytes.length;
        },
      },
      { highWaterMark: 0 },
    );
  }

  async bytes(limit: number): Promise<Uint8Array> {
    if (this.size !== undefined && this.size > limit) {
      throw new LimitError(`the content has ${this.size} bytes: expected at most ${limit}`);
    }
    return readAll(this.open(), limit);
  }

  /** None at the end. */
  async #next(at: number, until: number): Promise<Uint8Array> {
    const last = at >= until;
    // Its last byte may be the content's, which has not been checked: an end is only given when more is known.
    if (last && this.size !== undefined && until < this.size) return new Uint8Array();
    await this.#arrival.beyond(last ? until : at);
    const there = Math.min(until, this.#arrival.watermark) - at;
    return there > 0 ? this.#arrival.read(at, Math.min(CHUNK, there)) : new Uint8Array();
  }
}

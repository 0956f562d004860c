/**
 * The sending half of a connection. Responses and reports go at once; messages take turns, a chunk each, as long as
 * the network takes them (RFC 4975 5.1: nobody waits for the end of a long message).
 */

import { TimeoutError } from '../../errors.js';
import type { Channel } from '../../platform/sockets.js';
import { Timer } from '../../time/clock.js';

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

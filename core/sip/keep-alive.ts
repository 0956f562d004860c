/** Keep-alives of a client's flow: CRLFCRLF, answered by CRLF over connections (RFC 5626 4.4.1). */

import { Alarm } from '../time/alarm.js';

export const PING: Uint8Array = new Uint8Array([0x0d, 0x0a, 0x0d, 0x0a]);
export const PONG: Uint8Array = new Uint8Array([0x0d, 0x0a]);

/**
 * Longest wait between pings; each is 80 to 100 % of it, so that a thousand devices do not ping together
 * (RFC 5626 4.4). NATs forget UDP bindings after 30 s (RFC 4787 4.3 asks for minutes and is not heard).
 */
const INTERVAL_MS = 29_000;
/** RFC 5626 4.4.1. */
const PONG_TIMEOUT_MS = 10_000;

export class KeepAlive {
  readonly #alarm = new Alarm();
  #peerAnswers = false;
  #awaiting = false;

  constructor(
    private readonly ping: () => void,
    /** The peer, which has answered pings before, is silent. Never called over UDP, where nobody answers. */
    private readonly onDead: () => void,
  ) {
    this.#wait();
  }

  pong(): void {
    this.#peerAnswers = true;
  }

  /** Bytes came. While a long message arrives the pong has to queue behind it: any byte is a sign of life. */
  heard(): void {
    if (this.#awaiting) this.#wait();
  }

  stop(): void {
    this.#alarm.clear();
  }

  #wait(): void {
    this.#awaiting = false;
    this.#alarm.set(INTERVAL_MS * (0.8 + 0.2 * Math.random()), () => {
      this.#wait();
      if (this.#peerAnswers) {
        this.#awaiting = true;
        this.#alarm.set(PONG_TIMEOUT_MS, this.onDead);
      }
      this.ping();
    });
  }
}

/** Timer values of RFC 3261 17 (table 4), milliseconds. */

import type { Timer } from '../../time/clock.js';

export interface SipTimers {
  /** Estimate of the round trip. */
  T1: number;
  /** Longest interval between retransmissions. */
  T2: number;
  /** Longest time that a message stays in the network. */
  T4: number;
}

export const DEFAULT_TIMERS: SipTimers = { T1: 500, T2: 4000, T4: 5000 };

/** Timers B, F, H, J, L and M: how long a transaction may take, and how long its echoes are awaited. */
export function transactionTimeout({ T1 }: SipTimers): number {
  return 64 * T1;
}

/** RFC 3261 17.1.1.2: "at least 32 seconds", whatever T1 is. */
export const TIMER_D = 32_000;

/** RFC 3261 17.2.1: an INVITE that was not answered by then gets a 100. */
export const INVITE_TRYING_DELAY = 200;

/** RFC 4320 4.1: when the peer's Timer E has grown to T2; from then on a non-INVITE may, and must, get a 100. */
export function nonInviteTryingDelay({ T1, T2 }: SipTimers): number {
  let elapsed = 0;
  for (let interval = T1; interval < T2; interval *= 2) elapsed += interval;
  return elapsed;
}

export interface RetransmissionPlan {
  /** Milliseconds until `expire`. */
  deadline: number;
  /** The first interval; undefined on a reliable transport, where only the deadline counts. */
  interval: number | undefined;
  /** The interval that follows. */
  next(interval: number): number;
  retransmit(): void;
  expire(): void;
}

/**
 * Retransmission at growing intervals until a deadline, with one timer: A and B, E and F, G and H of RFC 3261.
 * The time left is counted by the intervals waited, so that no clock is asked.
 */
export class Retransmission {
  #left: number;
  #interval: number;

  constructor(
    private readonly alarm: Timer,
    private readonly plan: RetransmissionPlan,
  ) {
    this.#left = plan.deadline;
    this.#interval = plan.interval ?? Number.POSITIVE_INFINITY;
    this.#wait();
  }

  #wait(): void {
    const wait = Math.min(this.#interval, this.#left);
    this.alarm.set(wait, () => {
      this.#left -= wait;
      if (this.#left <= 0) {
        this.plan.expire();
        return;
      }
      this.#interval = this.plan.next(this.#interval);
      // Waits first: what `retransmit` sets off may clear the alarm.
      this.#wait();
      this.plan.retransmit();
    });
  }
}

/**
 * The timers of SIP (RFC 3261 §17 and table 4, RFC 6026 §7, RFC 4320 §4). All values are in milliseconds. The line that
 * sets a timer names it in a comment: `grep -rn "Timer F (RFC" core`.
 *
 * | timer   | value                   | runs in             | at its end                                        |
 * | ------- | ----------------------- | ------------------- | ------------------------------------------------- |
 * | A       | T1, doubles             | `client-invite.ts`  | retransmits the INVITE, over UDP                  |
 * | B       | 64 T1                   | `client-invite.ts`  | the INVITE was not answered: TimeoutError         |
 * | C       | more than 3 minutes     | `branch.ts` of sdk/network | a proxy cancels an INVITE that still rings        |
 * | D       | 32 s, reliable: 0       | `client-invite.ts`  | ends the transaction after its ACK                |
 * | E       | T1, doubles up to T2    | `client-non-invite.ts` | retransmits the request, over UDP              |
 * | F       | 64 T1                   | `client-non-invite.ts` | the request was not answered: TimeoutError     |
 * | G       | T1, doubles up to T2    | `server-invite.ts`  | retransmits the final response                    |
 * | H       | 64 T1                   | `server-invite.ts`  | no ACK of the final response: TimeoutError        |
 * | I       | T4, reliable: 0         | `server-invite.ts`  | ends the transaction after its ACK                |
 * | J       | 64 T1, reliable: 0      | `server-machine.ts` | ends the transaction after its response           |
 * | K       | T4, reliable: 0         | `client-non-invite.ts` | ends the transaction after its response        |
 * | L       | 64 T1                   | `server-invite.ts`  | ends the transaction after its 2xx                |
 * | M       | 64 T1                   | `client-invite.ts`  | ends the transaction after its 2xx                |
 * | N       | 64 T1                   | `subscription.ts`   | the SUBSCRIBE caused no NOTIFY (RFC 6665 §4.1.2.4) |
 * | 100     | 200 ms, non-INVITE 3.5 s | `server-invite.ts`, `server-machine.ts` | sends a 100                   |
 */

import type { Timer } from '../../time/clock.js';

export interface TimerBase {
  /** Estimate of the round trip. */
  T1: number;
  /** Longest interval between retransmissions. */
  T2: number;
  /** Longest time that a message stays in the network. */
  T4: number;
}

export interface SipTimers extends Readonly<TimerBase> {
  /** Timers B, F, H, J, L, M and N: how long a transaction waits, and how long it absorbs retransmissions. */
  readonly timeout: number;
  /** Timer D: "at least 32 seconds" (RFC 3261 §17.1.1.2), independent of T1. */
  readonly D: number;
  /** An INVITE without a response gets a 100 after this time (RFC 3261 §17.2.1). */
  readonly inviteTrying: number;
  /**
   * Another request without a response gets a 100 after this time: when the peer's Timer E has reached T2. RFC 4320 §4.1
   * forbids it earlier.
   */
  readonly nonInviteTrying: number;
}

/** Computed once for each transaction layer. */
export function sipTimers({ T1 = 500, T2 = 4000, T4 = 5000 }: Partial<TimerBase> = {}): SipTimers {
  let nonInviteTrying = 0;
  for (let interval = T1; interval < T2; interval *= 2) nonInviteTrying += interval;
  return { T1, T2, T4, timeout: 64 * T1, D: 32_000, inviteTrying: 200, nonInviteTrying };
}

export const DEFAULT_TIMERS: SipTimers = sipTimers();

export interface RetransmissionPlan {
  /** Milliseconds until `expire`. */
  deadline: number;
  /** The first interval; undefined on a reliable transport, which needs no retransmission. */
  interval: number | undefined;
  /** The interval after this one. */
  next(interval: number): number;
  retransmit(): void;
  expire(): void;
}

/**
 * Retransmits at growing intervals until a deadline, with one timer: A and B, E and F, G and H. The intervals are added
 * up, so no clock is needed.
 */
export class Retransmission {
  #left: number;
  #interval: number;

  constructor(
    private readonly timer: Timer,
    private readonly plan: RetransmissionPlan,
  ) {
    this.#left = plan.deadline;
    this.#interval = plan.interval ?? Number.POSITIVE_INFINITY;
    this.#wait();
  }

  #wait(): void {
    const wait = Math.min(this.#interval, this.#left);
    this.timer.set(wait, () => {
      this.#left -= wait;
      if (this.#left <= 0) {
        this.plan.expire();
        return;
      }
      this.#interval = this.plan.next(this.#interval);
      // Before `retransmit`, which can clear the timer.
      this.#wait();
      this.plan.retransmit();
    });
  }
}

/** Session timers (RFC 4028): one end refreshes the session, and the other ends it if no refresh arrives. */

import { Timer } from '../../time/clock.js';
import type { SipHeaders, SipRequest, SipResponse } from '../message/message.js';
import { parseDeltaSeconds } from '../values/parameters.js';

/** The smallest interval in seconds (RFC 4028 §4). */
export const MIN_SE = 90;

/** The longest interval in seconds, a day: a JavaScript timer is limited to 24 days. */
const MAX_SE = 86_400;

/** RFC 4028 §10: the end that waits for a refresh ends the session this many seconds before the interval is over. */
const MARGIN = 32;

export interface SessionInterval {
  readonly seconds: number;
  /** This end refreshes the session. */
  readonly local: boolean;
}

type Header = [name: string, value: string];

function supportsTimer(headers: SipHeaders): boolean {
  return ['Supported', 'Require'].some((name) => headers.getAll(name).some((tag) => /^timer$/i.test(tag)));
}

function secondsOf(headers: SipHeaders): number | undefined {
  return parseDeltaSeconds(headers.get('Session-Expires')?.split(';', 1)[0]?.trim());
}

function refresherOf(headers: SipHeaders): string | undefined {
  return /;\s*refresher\s*=\s*(ua[cs])/i.exec(headers.get('Session-Expires') ?? '')?.[1]?.toLowerCase();
}

/** Whether to answer 422, since the interval is too short and its sender can try again (RFC 4028 §9). */
export function isTooShort(headers: SipHeaders): boolean {
  return (secondsOf(headers) ?? MIN_SE) < MIN_SE && supportsTimer(headers);
}

/** The headers of our 2xx to a request with Session-Expires (RFC 4028 §9): a peer that supports timers refreshes. */
export function acceptInterval({ headers }: SipRequest): Header[] {
  const seconds = secondsOf(headers);
  if (seconds === undefined) return [];
  const refresher = supportsTimer(headers) ? (refresherOf(headers) ?? 'uac') : 'uas';
  const accepted: Header = ['Session-Expires', `${Math.max(seconds, MIN_SE)};refresher=${refresher}`];
  return refresher === 'uac' ? [accepted, ['Require', 'timer']] : [accepted];
}

/** The interval that a 2xx agrees on. @param sent whether it answers a request of this end. */
export function agreedInterval(headers: SipHeaders, sent: boolean): SessionInterval | undefined {
  const seconds = secondsOf(headers);
  if (seconds === undefined) return undefined;
  // RFC 4028 §7.2: without a refresher, the client of the request refreshes.
  const client = (refresherOf(headers) ?? 'uac') === 'uac';
  return { seconds: Math.min(Math.max(seconds, MIN_SE), MAX_SE), local: client === sent };
}

/** The headers of our next request after a 422 (RFC 4028 §7.3). */
export function longerInterval(headers: SipHeaders): Header[] {
  const least = Math.min(parseDeltaSeconds(headers.get('Min-SE')) ?? MIN_SE, MAX_SE);
  return [
    ['Session-Expires', String(Math.max(least, MIN_SE))],
    ['Min-SE', String(least)],
  ];
}

/** The timer of a session with an interval. */
export class SessionTimer {
  readonly #timer = new Timer();
  #interval: SessionInterval | undefined;
  /** The Min-SE of a 422. */
  #least: Header | undefined;

  /**
   * @param refresh sends a request with `headers`, and calls `set` with the interval of its 2xx.
   * @param expire called when no refresh succeeded in time.
   */
  constructor(
    private readonly refresh: () => Promise<SipResponse>,
    private readonly expire: () => void,
  ) {}

  /** Headers of our requests that refresh the session (RFC 4028 §7.4). */
  get headers(): Header[] {
    if (!this.#interval) return [];
    const { seconds, local } = this.#interval;
    const headers: Header[] = [
      ['Supported', 'timer'],
      ['Session-Expires', `${seconds};refresher=${local ? 'uac' : 'uas'}`],
    ];
    return this.#least ? [...headers, this.#least] : headers;
  }

  /** The session was refreshed. @param interval undefined: it needs no more refreshes. */
  set(interval: SessionInterval | undefined): void {
    this.#interval = interval;
    this.#timer.clear();
    if (!interval) return;
    const { seconds, local } = interval;
    if (local) this.#timer.set((seconds / 2) * 1000, () => void this.#refresh(interval));
    else this.#timer.set(lastMoment(seconds) * 1000, this.expire);
  }

  clear(): void {
    this.#interval = undefined;
    this.#timer.clear();
  }

  /** If it fails, a request of the peer can refresh the session until the interval is over. */
  async #refresh(interval: SessionInterval): Promise<void> {
    const { seconds } = interval;
    this.#timer.set((lastMoment(seconds) - seconds / 2) * 1000, this.expire);
    try {
      const { status, headers } = await this.refresh();
      if (status !== 422 || this.#interval !== interval) return;
      const least = Math.min(parseDeltaSeconds(headers.get('Min-SE')) ?? MIN_SE, MAX_SE);
      // RFC 4028 §7.4: tried again at once, with the interval of the 422.
      this.#least = ['Min-SE', String(least)];
      this.#interval = { ...interval, seconds: Math.max(seconds, least) };
      await this.refresh();
    } catch {
      // Either the failure has ended the session, or `expire` ends it.
    }
  }
}

function lastMoment(seconds: number): number {
  return seconds - Math.min(MARGIN, seconds / 3);
}

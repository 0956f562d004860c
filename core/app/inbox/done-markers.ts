/** Pushes that have been taken, for as long as their senders may ask again. */

import type { InjectionToken } from '../../injection.js';
import { DONE_PREFIX, type Records, type Write } from '../../store/records.js';
import type { Clock } from '../../time/clock.js';
import { DONE_FOR } from '../limits.js';

/** Digits of a time in a key: enough until the year 2286. */
const TIME_DIGITS = 13;

/** Old markers deleted with each new one: more than one, so that a backlog shrinks. */
const PURGED_AT_ONCE = 4;

const NOTHING = new Uint8Array();

export interface Marker {
  /** To be written together with what ends the push. */
  operations: Write[];
  /** To be called when that was written. */
  apply(): void;
}

/**
 * Everything is in the keys, which are ordered by time: the oldest are the first to go, and nothing is read while
 * pushes come in.
 */
export class DoneMarkers {
  /** Push id → time; in the order of time, since Map keeps insertion order. */
  readonly #times = new Map<string, number>();

  private constructor(
    private readonly clock: Clock,
    private readonly maximum: number,
  ) {}

  static async open(records: Records, clock: Clock, maximum: number): Promise<DoneMarkers> {
    const markers = new DoneMarkers(clock, maximum);
    for await (const [key] of records.entries(DONE_PREFIX)) {
      const time = Number(key.slice(0, TIME_DIGITS));
      if (Number.isFinite(time)) markers.#times.set(key.slice(TIME_DIGITS + 1), time);
    }
    return markers;
  }

  has(id: string): boolean {
    const time = this.#times.get(id);
    return time !== undefined && !this.#expired(time);
  }

  mark(id: string): Marker {
    const now = Math.max(0, Math.floor(this.clock.now()));
    const purged = this.#purgeable(id);
    return {
      operations: [
        // Deleted first: an old marker of this push may have the very key of the new one.
        ...purged.map(([old, time]): Write => ({ type: 'del', key: keyOf(time, old) })),
        { type: 'put', key: keyOf(now, id), value: NOTHING },
      ],
      apply: () => {
        for (const [old, time] of purged) {
          if (this.#times.get(old) === time) this.#times.delete(old);
        }
        this.#times.set(id, now);
      },
    };
  }

  #purgeable(id: string): [id: string, time: number][] {
    const purged: [string, number][] = [];
    const previous = this.#times.get(id);
    if (previous !== undefined) purged.push([id, previous]);
    let excess = this.#times.size + 1 - this.maximum;
    for (const [old, time] of this.#times) {
      if (purged.length === PURGED_AT_ONCE || (excess <= 0 && !this.#expired(time))) break;
      if (old !== id) purged.push([old, time]);
      excess--;
    }
    return purged;
  }

  #expired(time: number): boolean {
    return this.clock.now() - time > DONE_FOR;
  }
}

function keyOf(time: number, id: string): string {
  return `${DONE_PREFIX}${String(time).padStart(TIME_DIGITS, '0')}-${id}`;
}

export const DONE_MARKERS: InjectionToken<DoneMarkers> = Symbol('done markers');

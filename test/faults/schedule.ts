/** Schedules of faults, generated from a seed: what happens to both ends of a push, and to the network between them. */

import { integer, pick, type Random, randomFrom } from '../support/random.js';

export const MODES = ['pager', 'session', 'indirect'] as const;
export const ENDS = ['host', 'sender'] as const;
export const PHASES = ['before', 'during', 'after'] as const;
export type Mode = (typeof MODES)[number];
export type End = (typeof ENDS)[number];

/** What happens to one process, at numbers of its writes to disk. `faulty-process.mjs` does it. */
export interface Life {
  /** Kills the process (SIGKILL) before a write, while the system writes, or after the write. */
  kill?: { write: number; phase: (typeof PHASES)[number] };
  /** Milliseconds that the date is wrong at the start. */
  date: number;
  /** Changes the date by this number of milliseconds. */
  step?: { write: number; by: number };
  /** Milliseconds for which the disk is full. */
  full?: { write: number; milliseconds: number };
}

export interface Schedule {
  seed: number;
  mode: Mode;
  isolation: 'none' | 'worker';
  /** SIP between each end and the core. */
  transport: Record<End, 'udp' | 'tcp'>;
  /** Shares of the datagrams that are dropped and doubled, and of the pieces of a stream after which it is reset. */
  dropped: number;
  doubled: number;
  reset: number;
  /** Each life ends with a kill; further lives have no faults. */
  lives: Record<End, readonly Life[]>;
}

/** Kills of each end in one schedule. */
export const KILLS = 5;
const LOSS = 0.05;
/** A connection has a few pieces for each push. */
const RESETS = 0.005;
/** A start has up to ten writes, and a push has two to ten in each process. */
const MOST_WRITES = 60;
/** A process does not start on a full disk. */
const STARTED = 15;
/**
 * The date is wrong by a day at most. A reference expires at a date, an hour after it was sent: the dates of both ends
 * differ by less than that.
 */
const MOST_DATE: Readonly<Record<Mode, number>> = {
  pager: 24 * 3_600_000,
  session: 24 * 3_600_000,
  indirect: 10 * 60_000,
};

/** Neighboring seeds have different modes and transports, so that a few schedules have all of them. */
export function scheduleOf(seed: number): Schedule {
  const random = randomFrom(seed);
  const isolation = random() < 0.25 ? 'worker' : 'none';
  const mode = MODES[seed % MODES.length] ?? 'pager';
  const lives = (end: End) =>
    Array.from({ length: KILLS }, () =>
      lifeFrom(random, MOST_DATE[mode], end === 'host' && isolation === 'worker'),
    );
  return {
    seed,
    mode,
    isolation,
    transport: {
      host: Math.floor(seed / MODES.length) % 2 === 0 ? 'tcp' : 'udp',
      sender: pick(random, ['udp', 'tcp']),
    },
    dropped: pick(random, [0, LOSS]),
    doubled: pick(random, [0, LOSS]),
    reset: pick(random, [0, RESETS]),
    lives: { host: lives('host'), sender: lives('sender') },
  };
}

/** A worker has its date from the start of the process: a later step would only change the date of the host. */
function lifeFrom(random: Random, most: number, dateFromStart: boolean): Life {
  const write = integer(random, 1, MOST_WRITES);
  const life: Life = {
    kill: { write, phase: pick(random, PHASES) },
    date: random() < 0.25 ? integer(random, -most, most) : 0,
  };
  if (!dateFromStart && random() < 0.25)
    life.step = { write: integer(random, 1, write), by: integer(random, -most, most) };
  if (write > STARTED && random() < 0.2)
    life.full = { write: integer(random, STARTED, write), milliseconds: integer(random, 1, 1000) };
  return life;
}

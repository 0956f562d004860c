/** Random numbers that are the same for the same seed. */

export type Random = () => number;

/** Mulberry32: small, and uniform enough for tests. @returns numbers of at least 0, less than 1. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from `least` to `most`. */
export function integer(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

export function pick<T>(random: Random, [first, ...others]: readonly [T, ...T[]]): T {
  return others[Math.floor(random() * (others.length + 1)) - 1] ?? first;
}

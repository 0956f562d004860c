/** The cost of larger inputs: a reader is linear if an input of four times the size costs about four times as much. */

import fc from 'fast-check';
import { type Repetition, repetition, repetitionsFrom } from './inputs.js';
import type { Surface } from './surface.js';

export interface Growth {
  /** The worst cost of an input of four times the size. */
  ratio: number;
  failure?: string;
}

const FACTOR = 4;
/** Linear is 4, quadratic 16. Caches and garbage collection explain the difference to 4. */
const MAX_RATIO = 10;
/** Milliseconds of CPU: the largest input that costs less is harmless, and its ratio is noise. */
const MEASURABLE = 40;
const PIECES = 40;
const ATTEMPTS = 3;

/** @param seconds for all pieces; a fixed number of pieces if absent. */
export async function growthOf(surface: Surface, seed: number, seconds?: number): Promise<Growth> {
  const end = performance.now() + (seconds ?? 0) * 1000;
  const worst: Growth = { ratio: 0 };
  for (let batch = 0; ; batch++) {
    const pieces = fc.sample(repetitionsFrom(surface.seeds, surface.words), {
      seed: seed + batch,
      numRuns: PIECES,
    });
    for (const piece of pieces) {
      if (seconds !== undefined && performance.now() > end) return worst;
      const ratio = await ratioOf(surface, piece);
      if (ratio <= worst.ratio) continue;
      worst.ratio = ratio;
      if (ratio <= MAX_RATIO) continue;
      worst.failure = `${surface.name}, seed ${seed}: ${FACTOR} times the size costs ${ratio.toFixed(1)} times as much: ${shown(piece)}`;
      return worst;
    }
    if (seconds === undefined) return worst;
  }
}

/** The least of several measurements, because other processes can only make a measurement larger. 0: not measurable. */
async function ratioOf(surface: Surface, piece: Repetition): Promise<number> {
  const large = repetition(piece, surface.limit);
  if ((await costOf(surface, large)) < MEASURABLE) return 0;
  const small = repetition(piece, Math.floor(surface.limit / FACTOR));
  let before = Number.POSITIVE_INFINITY;
  let after = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    before = Math.min(before, await costOf(surface, small));
    after = Math.min(after, await costOf(surface, large));
    if (after / before <= MAX_RATIO || after < MEASURABLE) break;
  }
  return after < MEASURABLE ? 0 : after / Math.max(before, 0.5);
}

/** Milliseconds of CPU. */
async function costOf(surface: Surface, bytes: Uint8Array): Promise<number> {
  const before = process.cpuUsage();
  try {
    await surface.measure(bytes);
  } catch {
    // Refused, which also costs.
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function shown({ seed, at, piece }: Repetition): string {
  const text = (bytes: Uint8Array) => JSON.stringify(Buffer.from(bytes).toString('latin1'));
  return `${text(piece)} at ${at}/1000 of ${text(seed).slice(0, 500)}`;
}

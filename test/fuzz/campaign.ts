/** Runs of one surface. A seed always makes the same inputs. */

import fc from 'fast-check';
import { findingsOf } from './fixture-bytes.js';
import { type Repetition, repetition, repetitionsFrom } from './inputs.js';
import type { Surface } from './surface.js';

export interface Run {
  surface: Surface;
  seed: number;
  /** Mutated inputs, and as many values to write. */
  runs: number;
  /** Inputs that repeat a piece up to the limit of the surface. */
  repetitions: number;
}

export interface Result {
  messages: number;
  /** Inputs that were read, and not refused. */
  read: number;
  /** Undefined if all properties hold. */
  failure?: string;
}

/** Bytes of a repeated input in `npm test`, at most. */
const LONGEST_REPETITION = 65_536;

export async function run({ surface, seed, runs, repetitions }: Run): Promise<Result> {
  const result: Result = { messages: 0, read: 0 };
  const check = async (bytes: Uint8Array) => {
    result.messages += 1;
    if ((await surface.check(bytes)) === 'read') result.read += 1;
    requireCleanPrototype();
  };
  const inputs = fc.asyncProperty(surface.inputs, check);
  const size = Math.min(surface.limit, LONGEST_REPETITION);
  const repeated = fc.asyncProperty(repetitionsFrom(surface.seeds, surface.words), (piece) =>
    check(repetition(piece, size)),
  );
  const values =
    surface.values &&
    fc.asyncProperty(surface.values, async (value) => {
      result.messages += 1;
      if ((await surface.checkValue(value)) === 'read') result.read += 1;
    });
  const parts: [string, fc.IAsyncProperty<[unknown]> | undefined, number][] = [
    ['input', inputs as fc.IAsyncProperty<[unknown]>, runs],
    ['value', values as fc.IAsyncProperty<[unknown]> | undefined, runs],
    ['repeated piece', repeated as fc.IAsyncProperty<[unknown]>, repetitions],
  ];
  for (const [what, property, numRuns] of parts) {
    if (!property || numRuns === 0) continue;
    const details = await fc.check(property, { seed, numRuns });
    if (!details.failed) continue;
    const [counterexample] = details.counterexample ?? [];
    result.failure = [
      `${surface.name}, seed ${seed}: ${describe(details.errorInstance)}`,
      `${what}: ${shown(counterexample)}`,
      `again: npm run fuzz -- --surface ${surface.name} --seed ${seed} --runs ${runs}`,
    ].join('\n');
    return result;
  }
  return result;
}

/** Inputs that were findings. @returns the failures. */
export async function runFindings(surface: Surface): Promise<string[]> {
  const failures: string[] = [];
  for (const { name, bytes } of findingsOf(surface.name)) {
    try {
      await surface.check(bytes);
    } catch (error) {
      failures.push(`${name}: ${describe(error)}`);
    }
  }
  return failures;
}

function isRepetition(input: unknown): input is Repetition {
  return typeof input === 'object' && input !== null && 'piece' in input && 'at' in input;
}

function requireCleanPrototype(): void {
  const names = Object.keys(Object.prototype);
  if (names.length > 0) throw new Error(`the input added ${names} to all objects`);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [, ...frames] = (error.stack ?? '').split('\n    at ');
  const place = frames.find((frame) => !frame.includes('test/fuzz') && !frame.includes('node:')) ?? '';
  return `${error.name}: ${error.message.slice(0, 1000)}${place === '' ? '' : `\n  at ${place}`}`;
}

function shown(input: unknown): string {
  if (isRepetition(input)) return `${shown(input.piece)}\n  at ${input.at}/1000 of ${shown(input.seed)}`;
  if (!(input instanceof Uint8Array)) return fc.stringify(input).slice(0, 2000);
  const text = Buffer.from(input).toString('latin1');
  return `${JSON.stringify(text).slice(0, 1500)}\n  base64 ${Buffer.from(input).toString('base64').slice(0, 3000)}`;
}

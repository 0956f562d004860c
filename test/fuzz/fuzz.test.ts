/** A short run for each surface; `npm run fuzz` runs for any time. The inputs are the same in each run. */

import { describe, expect, it } from 'vitest';
import { run, runFindings } from './campaign.js';
import { surfaces } from './surfaces.js';

const SEED = Number(process.env.SIP_PUSH_SEED ?? 20_261_130);
const RUNS = 150;
const REPETITIONS = 10;

describe.each(surfaces)('$name', (surface) => {
  it('reads or refuses the inputs that it once failed on', async () => {
    expect(await runFindings(surface)).toEqual([]);
  });

  it('reads or refuses any input, and reads what it writes', async () => {
    const { failure, read } = await run({ surface, seed: SEED, runs: RUNS, repetitions: REPETITIONS });
    expect(failure).toBeUndefined();
    expect(read).toBeGreaterThan(0);
  });
});

it('each surface has a name of its own', () => {
  const names = surfaces.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

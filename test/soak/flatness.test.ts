import { describe, expect, it } from 'vitest';
import { type Measure, median, verdicts } from './flatness.js';
import { plot } from './plot.js';
import type { Sample } from './samples.js';

const MIB = 1024 * 1024;
const LIMITS = { memoryPercent: 10, descriptors: 10, diskPercent: 10 };

/** Samples of a process in which one value changes. */
function samples(value: Measure, series: readonly (number | undefined)[]): Sample[] {
  const constant = { rss: 100 * MIB, heap: 50 * MIB, descriptors: 30, disk: 5 * MIB };
  return series.map((number, index) => ({
    seconds: index * 5,
    submitted: index * 50,
    acknowledged: index * 50,
    waiting: 0,
    processes: { host: { ...constant, [value]: number } },
  }));
}

const repeated = (...quarters: number[]) => quarters.flatMap((value) => Array<number>(20).fill(value));
const isFlat = (value: Measure, series: readonly number[]) =>
  verdicts(samples(value, series), LIMITS).find((verdict) => verdict.value === value)?.flat;

describe('flatness', () => {
  it.each<[Measure, number[], boolean]>([
    ['rss', [90 * MIB, 200 * MIB, 210 * MIB, 219 * MIB], true],
    ['rss', [90 * MIB, 200 * MIB, 210 * MIB, 221 * MIB], false],
    ['heap', [20 * MIB, 30 * MIB, 30 * MIB, 37 * MIB], true],
    ['heap', [20 * MIB, 30 * MIB, 30 * MIB, 39 * MIB], false],
    ['disk', [0, 4 * MIB, 8 * MIB, 12 * MIB], true],
    ['disk', [0, 4 * MIB, 8 * MIB, 13 * MIB], false],
    ['descriptors', [20, 30, 30, 40], true],
    ['descriptors', [20, 30, 30, 41], false],
    ['rss', [900 * MIB, 200 * MIB, 900 * MIB, 100 * MIB], true],
  ])('of %s in quarters of %j is %s', (value, quarters, flat) => {
    expect(isFlat(value, repeated(...quarters))).toBe(flat);
  });

  it('ignores single peaks', () => {
    const series = repeated(100 * MIB, 100 * MIB, 100 * MIB, 100 * MIB);
    series[75] = 900 * MIB;
    expect(isFlat('rss', series)).toBe(true);
  });

  it('has no verdict on a value that the system does not provide, and none is flat without samples', () => {
    const unknown = verdicts(samples('disk', [undefined, undefined, undefined, undefined]), LIMITS);
    expect(unknown.map(({ value }) => value)).toEqual(['rss', 'heap', 'descriptors']);
    expect(verdicts(samples('rss', [MIB]), LIMITS).map(({ flat }) => flat)).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(verdicts([], LIMITS)).toEqual([]);
  });

  it('of descriptors is judged by the samples with the fewest pushes in progress', () => {
    const busy = samples('descriptors', repeated(30, 30, 30, 300));
    const leaking = samples('descriptors', repeated(30, 30, 30, 300));
    for (const [index, sample] of busy.entries()) {
      sample.waiting = index % 2 === 0 ? 50 : 2;
      const { host } = sample.processes;
      if (host && sample.waiting === 2) host.descriptors = 31;
    }
    const flat = (run: Sample[]) => verdicts(run, LIMITS).find(({ value }) => value === 'descriptors')?.flat;
    expect([flat(busy), flat(leaking)]).toEqual([true, false]);
  });

  it('uses medians', () => {
    expect(median([3, undefined, 1, 100])).toBe(3);
    expect(median([])).toBeUndefined();
  });
});

describe('the plot', () => {
  it('is well-formed SVG with a panel for each value and a line for each process', () => {
    const drawn = plot(samples('rss', repeated(90 * MIB, 200 * MIB, 210 * MIB, 219 * MIB)), 'a & b < c');
    expect(drawn).toContain('<title>a &amp; b &lt; c</title>');
    expect(drawn.match(/fill="none"/g)).toHaveLength(5);
    expect(drawn).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('of one sample, or of none, has no invalid numbers', () => {
    expect(plot(samples('rss', [MIB]), 'one')).not.toMatch(/NaN|Infinity|undefined/);
    expect(plot([], 'none')).not.toMatch(/NaN|Infinity|undefined/);
  });
});

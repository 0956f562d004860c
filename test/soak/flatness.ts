/** Whether memory, descriptors and disk use are flat over a run. */

import type { Sample } from './samples.js';

/** By how much the last quarter may be above the second one. */
export interface Limits {
  memoryPercent: number;
  descriptors: number;
  diskPercent: number;
}

export interface Verdict {
  process: string;
  /** Name of the value in a sample. */
  value: Measure;
  /** Medians of the quarters; undefined if there are too few samples. */
  second: number | undefined;
  last: number | undefined;
  flat: boolean;
}

export const MEASURES = ['rss', 'heap', 'descriptors', 'disk'] as const;
export type Measure = (typeof MEASURES)[number];

/** Growth in bytes that is always allowed: the write buffer of LevelDB is 4 MiB, and it has two of them. */
const SLACK = 8 * 1024 * 1024;

/** The verdicts on each process, in the order of its name and its values. Values without samples have none. */
export function verdicts(samples: readonly Sample[], limits: Limits): Verdict[] {
  const names = Object.keys(samples[0]?.processes ?? {});
  const quiet = quietest(samples);
  return names.flatMap((process) =>
    MEASURES.flatMap((value) => {
      const series = samples.map((sample) => sample.processes[process]?.[value]);
      if (series.every((each) => each === undefined)) return [];
      const judged =
        value === 'descriptors' ? series.map((each, at) => (quiet[at] ? each : undefined)) : series;
      const second = median(quarter(judged, 1));
      const last = median(quarter(judged, 3));
      const flat =
        second !== undefined && last !== undefined && last - second <= allowed(value, second, limits);
      return [{ process, value, second, last, flat }];
    }),
  );
}

/**
 * Whether each sample is among the quarter with the fewest pushes in progress. A push in progress has up to four connections,
 * so that descriptors follow the load of the machine. A leak also shows in these samples.
 */
function quietest(samples: readonly Sample[]): boolean[] {
  const sorted = samples.map(({ waiting }) => waiting).sort((a, b) => a - b);
  const most = sorted[Math.floor(sorted.length / 4)] ?? 0;
  return samples.map(({ waiting }) => waiting <= most);
}

function allowed(value: Measure, second: number, limits: Limits): number {
  if (value === 'descriptors') return limits.descriptors;
  const percent = value === 'disk' ? limits.diskPercent : limits.memoryPercent;
  return Math.max(SLACK, (second * percent) / 100);
}

function quarter<T>(series: readonly T[], index: number): T[] {
  const at = (part: number) => Math.round((series.length * part) / 4);
  return series.slice(at(index), at(index + 1));
}

export function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

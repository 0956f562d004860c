/** A run from the start of the processes to its figures. */

import { setTimeout as pause } from 'node:timers/promises';
import { type Deployment, MODES, type Mode } from './deployment.js';
import { type Verdict, verdicts } from './flatness.js';
import type { Load } from './load.js';
import type { Options } from './options.js';
import { type Sample, SampleFile } from './samples.js';

/** Events of a host that no push of this run causes. */
const TROUBLE = ['refused', 'retry', 'dead-letter', 'broken-off', 'full', 'damaged'];
/** Seconds in which a host delivers what it has confirmed. */
const SETTLE_SECONDS = 300;
/** Samples between two lines of progress. */
const PROGRESS_EVERY = 12;

export interface Figures {
  minutes: number;
  /** Pushes a second that were measured as the capacity; undefined if the rate was given. */
  capacity: number | undefined;
  rate: number;
  submitted: number;
  acknowledged: number;
  verdicts: Verdict[];
  /** What went wrong. A run without problems is good. */
  problems: string[];
}

/** Submits pushes and samples the processes, until the time is over or the signal aborts. */
export async function sampled(
  deployment: Deployment,
  load: Load,
  rate: number,
  { minutes, output, interval }: Options,
  signal: AbortSignal,
  report: (line: string) => void,
): Promise<Sample[]> {
  const start = performance.now();
  // Not `AbortSignal.any` with `AbortSignal.timeout`: Node.js 20 collects that timeout as garbage.
  const ending = new AbortController();
  const over = ending.signal;
  const timer = setTimeout(() => ending.abort(), minutes * 60_000);
  signal.addEventListener('abort', () => ending.abort());
  if (signal.aborted) ending.abort();
  const file = new SampleFile(`${output}.csv`);
  const samples: Sample[] = [];
  const running = load.run(rate, over);
  while (!over.aborted) {
    const processes = await deployment.values();
    const seconds = (performance.now() - start) / 1000;
    const { submitted, acknowledged, waiting } = load;
    const sample = { seconds: Number(seconds.toFixed(1)), submitted, acknowledged, waiting, processes };
    samples.push(sample);
    file.add(sample);
    if (samples.length % PROGRESS_EVERY === 1) report(progress(sample, minutes));
    await pause(interval * 1000, undefined, { signal: over }).catch(() => undefined);
  }
  clearTimeout(timer);
  report(`${load.waiting} pushes are in progress: waiting for their receipts`);
  await running;
  return samples;
}

function progress({ seconds, submitted, acknowledged, waiting, processes }: Sample, minutes: number): string {
  const memory = Object.entries(processes).map(
    ([name, { rss, descriptors, disk }]) =>
      `${name} ${mebibytes(rss)} MiB, ${descriptors ?? '?'} descriptors${disk === undefined ? '' : `, ${mebibytes(disk)} MiB of disk`}`,
  );
  const pushes = `${acknowledged} of ${submitted} pushes acknowledged, ${waiting} in progress`;
  return `${(seconds / 60).toFixed(1)} of ${minutes} minutes: ${pushes}; ${memory.join('; ')}`;
}

const mebibytes = (bytes: number | undefined) =>
  bytes === undefined ? '?' : (bytes / 1024 / 1024).toFixed(0);

/** Checks that what was acknowledged took effect once, by what the restarted host has on disk, and that the run was flat. */
export async function figuresOf(
  deployment: Deployment,
  load: Load,
  samples: readonly Sample[],
  options: Options,
  rates: { rate: number; capacity: number | undefined },
): Promise<Figures> {
  const trouble = deployment.processes.flatMap(({ name, events }) =>
    TROUBLE.filter((event) => events[event]).map((event) => `${name}: ${events[event]} times ${event}`),
  );
  for (const mode of MODES) await settledCounts(deployment, load, mode);
  await deployment.restartHost();
  const lost: string[] = [];
  for (const mode of MODES) {
    const { unacknowledged } = load.modes[mode];
    const { twice, absent } = await settledCounts(deployment, load, mode);
    if (absent.length > 0)
      lost.push(`${mode}: ${absent.length} acknowledged pushes had no effect: ${absent.slice(0, 20)}`);
    if (twice > 0) lost.push(`${mode}: ${twice} pushes took effect twice`);
    if (unacknowledged.size > 0) lost.push(`${mode}: ${unacknowledged.size} pushes were not acknowledged`);
  }
  const judged = verdicts(samples, options.limits);
  const grown = judged
    .filter(({ flat }) => !flat)
    .map(({ process, value, second, last }) =>
      second === undefined || last === undefined
        ? `${process}: too few samples of ${value}`
        : `${process}: ${value} grew from ${second} to ${last}`,
    );
  return {
    minutes: (samples.at(-1)?.seconds ?? 0) / 60,
    ...rates,
    submitted: load.submitted,
    acknowledged: load.acknowledged,
    verdicts: judged,
    problems: [...lost, ...load.errors, ...trouble, ...grown],
  };
}

/**
 * The counts of the applications, once each acknowledged push has taken effect: the host can still be retrieving content
 * by reference, or delivering confirmed pushes.
 */
async function settledCounts(deployment: Deployment, load: Load, mode: Mode) {
  const { submitted, unacknowledged } = load.modes[mode];
  for (let attempt = 1; ; attempt++) {
    const { twice, missing } = await deployment.counts(mode, submitted);
    const numbers = missing.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i));
    const absent = numbers.filter((number) => !unacknowledged.has(number));
    if (absent.length === 0 || attempt === SETTLE_SECONDS) return { twice, absent };
    await pause(1000);
  }
}

/** The table of the medians, in Markdown. */
export function tableOf(figures: Figures): string {
  const rows = figures.verdicts.map(({ process, value, second, last, flat }) => {
    const [before, after] = [second, last].map((number) =>
      number === undefined || value === 'descriptors' ? number : `${(number / 1024 / 1024).toFixed(1)} MiB`,
    );
    return `| ${process} | ${value} | ${before} | ${after} | ${flat ? 'yes' : 'no'} |`;
  });
  return [
    '| process | value | second quarter | last quarter | flat |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

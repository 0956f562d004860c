/** The command line of `npm run soak`. */

import { parseArgs } from 'node:util';
import type { Limits } from './flatness.js';

export const HELP = `Usage: npm run soak -- [--minutes N] [--rate N] [--output NAME]

Runs "sip-push network", "sip-push host" and "sip-push sender" with its HTTP API, each in a process of its own with its
data on disk, and sends pushes in pager, session and indirect mode to durable applications. Samples the memory, the
descriptors and the disk use of each process. At the end, checks that each acknowledged push took effect once, and that
memory, descriptors and disk are flat: the median of the last quarter of the run is not above that of the second.
Descriptors are compared in the samples with the fewest pushes in progress, because a push in progress has connections.

  --minutes N              duration, without the measurement of the capacity; 60 by default
  --rate N                 pushes a second; by default half of the capacity, which is measured first
  --output NAME            writes NAME.csv (the samples), NAME.svg (the plot) and NAME.json (the figures); "soak" by default
  --interval N             seconds between two samples; 5 by default
  --memory-growth N        percent by which memory may grow; 10 by default, and always 8 MiB
  --descriptor-growth N    descriptors by which a process may grow; 10 by default
  --disk-growth N          percent by which disk use may grow; 10 by default, and always 8 MiB

Ctrl-C ends the run early, with the same checks and the plot of what was measured. SIGUSR2 to one of the processes, whose
ids are printed, writes a heap snapshot into its folder.

Exit code: 0 if every check holds, 1 if one does not, 2 if the command is invalid.

Example
  npm run soak -- --minutes 60 --output /tmp/soak`;

export interface Options {
  minutes: number;
  /** Pushes a second; undefined for half of the capacity. */
  rate: number | undefined;
  /** Path of the results without their extension. */
  output: string;
  /** Seconds between two samples. */
  interval: number;
  limits: Limits;
}

export class UsageError extends Error {}

/** @returns `help` if the command asks for it. @throws UsageError */
export function readOptions(args: string[]): Options | 'help' {
  const { values } = parsed(args);
  if (values.help) return 'help';
  const number = (name: keyof typeof values, fallback: number, least: number): number => {
    const text = values[name];
    const value = text === undefined ? fallback : Number(text);
    if (Number.isFinite(value) && value >= least) return value;
    throw new UsageError(`invalid --${name} "${text}": expected a number from ${least}`);
  };
  return {
    minutes: number('minutes', 60, 0.05),
    rate: values.rate === undefined ? undefined : number('rate', 0, 0.1),
    output: values.output ?? 'soak',
    interval: number('interval', 5, 0.2),
    limits: {
      memoryPercent: number('memory-growth', 10, 0),
      descriptors: number('descriptor-growth', 10, 0),
      diskPercent: number('disk-growth', 10, 0),
    },
  };
}

function parsed(args: string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args,
      options: {
        minutes: text,
        rate: text,
        output: text,
        interval: text,
        'memory-growth': text,
        'descriptor-growth': text,
        'disk-growth': text,
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

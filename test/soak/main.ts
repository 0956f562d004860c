/** `npm run soak`: pushes at half of the capacity for an hour, and shows that nothing grows. */

import { writeFileSync } from 'node:fs';
import { Deployment } from './deployment.js';
import { Load, shareOf } from './load.js';
import { HELP, type Options, readOptions, UsageError } from './options.js';
import { plot } from './plot.js';
import type { Sample } from './samples.js';
import { figuresOf, sampled, tableOf } from './soak.js';

/** A finished push counts as this many bytes of the quota. */
const FINISHED_BYTES = 64;
/**
 * The quotas of finished pushes and of published content are used up after this part of the run, so that their growth, which
 * would last 31 days and an hour, is not mistaken for a leak.
 */
const QUOTA_PART = 1 / 8;
const LEAST_QUOTA = 4096;
/** Far more than what can be in progress, whose content must not be removed. */
const LEAST_PUBLICATIONS = 1000;
const LEAST_RATE = 1;

const report = (line: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  let options: Options | 'help';
  try {
    options = readOptions(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`soak: ${error.message}\n\n${HELP}`);
    return 2;
  }
  if (options === 'help') {
    console.log(HELP);
    return 0;
  }
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      report(`${signal}: the run ends early; a second signal ends it at once`);
      ending.abort();
    });
  }
  return await soak(options, ending.signal);
}

async function soak(options: Options, signal: AbortSignal): Promise<number> {
  const { minutes, output } = options;
  const capacity = options.rate === undefined ? await measuredCapacity(signal) : undefined;
  const rate = options.rate ?? Math.max(LEAST_RATE, (capacity ?? 0) / 2);
  const measured = capacity === undefined ? '' : `the capacity is ${capacity.toFixed(0)} pushes a second; `;
  report(`${measured}the rate is ${rate.toFixed(1)} a second for ${minutes} minutes`);
  const pushes = rate * minutes * 60 * QUOTA_PART;
  const deployment = await Deployment.start({
    finishedBytes: Math.max(LEAST_QUOTA, Math.round(pushes * FINISHED_BYTES)),
    publications: Math.max(LEAST_PUBLICATIONS, Math.round(pushes * shareOf('indirect'))),
  });
  const ids = deployment.processes.map(({ name, pid }) => `${name} ${pid}`).join(', ');
  report(`started in ${deployment.folder}: ${ids}`);
  const load = new Load(deployment);
  const samples = await sampled(deployment, load, rate, options, signal, report);
  const figures = await figuresOf(deployment, load, samples, options, { rate, capacity });
  figures.problems.push(...(await deployment.stop()));
  writeFileSync(`${output}.svg`, plot(samples, titleOf(samples, rate)));
  writeFileSync(`${output}.json`, `${JSON.stringify(figures, undefined, 2)}\n`);
  console.log(tableOf(figures));
  console.log(`\n${figures.acknowledged} of ${figures.submitted} pushes acknowledged`);
  for (const problem of figures.problems) console.log(`problem: ${problem}`);
  console.log(`written: ${output}.csv, ${output}.svg, ${output}.json`);
  if (figures.problems.length > 0) {
    console.log(`the logs and the data are in ${deployment.folder}`);
    return 1;
  }
  await deployment.remove();
  return 0;
}

/** Measures a deployment of its own: the quota of the sampled one depends on the rate. */
async function measuredCapacity(signal: AbortSignal): Promise<number> {
  report('measuring the capacity');
  const deployment = await Deployment.start({ finishedBytes: LEAST_QUOTA, publications: LEAST_PUBLICATIONS });
  try {
    return await new Load(deployment).measureCapacity(signal);
  } finally {
    await deployment.stop();
    await deployment.remove();
  }
}

function titleOf(samples: readonly Sample[], rate: number): string {
  const minutes = (samples.at(-1)?.seconds ?? 0) / 60;
  return `sip-push for ${minutes.toFixed(1)} minutes at ${rate.toFixed(1)} pushes a second`;
}

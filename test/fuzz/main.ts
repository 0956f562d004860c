/** `npm run fuzz`: runs all surfaces in turn, each in a child process, and prints a table. */

import '../../core/platform/node/complete.js';
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { run, runFindings } from './campaign.js';
import { type Growth, growthOf } from './growth.js';
import { surfaces } from './surfaces.js';

/** What a child process reports about its surface. */
interface Report {
  messages: number;
  read: number;
  failures: string[];
  /** MiB. */
  memory: number;
  growth?: Growth;
}

/** Runs of one seed. */
const BATCH = 500;
const BATCH_REPETITIONS = 10;
/** A surface ends after this number of failures. */
const MAX_FAILURES = 5;
const DEFAULT_RUNS = 10_000;
/** Seconds of CPU that a child process may need beyond its time. */
const PATIENCE = 120;

const HELP = `Usage: npm run fuzz -- [--time SECONDS] [--runs N] [--seed N] [--surface NAME]…

Runs the readers with mutated and generated inputs, and prints a table of messages, failures, cost and memory.

  --time SECONDS   for each surface, instead of --runs
  --runs N         inputs of each surface; ${DEFAULT_RUNS} by default
  --seed N         repeats a run; random by default, and printed
  --surface NAME   a surface, can be repeated; all by default

Exit code: 0 without failures, 1 with failures, 2 if the command is invalid.

Example
  npm run fuzz -- --surface sdp-offer --time 60`;

const { values } = parsedArguments();
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const time = values.time === undefined ? undefined : Number(values.time);
const runs = values.runs === undefined ? DEFAULT_RUNS : Number(values.runs);
const wanted = values.surface ?? surfaces.map(({ name }) => name);
const unknown = wanted.filter((name) => !surfaces.some((surface) => surface.name === name));
if (unknown.length > 0 || ![seed, runs, time ?? 0].every(Number.isSafeInteger)) {
  const names = surfaces.map(({ name }) => name).join(', ');
  console.error(`expected --runs, --seed and --time as whole numbers, and surfaces among ${names}`);
  process.exit(2);
}
const patience = PATIENCE + (time ?? runs / 50);
if (values.child) {
  limitCpu(patience);
  process.send?.(await fuzz(wanted[0] ?? ''));
} else process.exitCode = await fuzzAll();

function parsedArguments() {
  try {
    return parseArgs({
      options: {
        surface: { type: 'string', multiple: true },
        runs: { type: 'string' },
        seed: { type: 'string' },
        time: { type: 'string' },
        child: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    console.error(`fuzz: ${(error as Error).message}\n\n${HELP}`);
    process.exit(2);
  }
}

/** Batches of consecutive seeds, until the runs or the time are used up. */
async function fuzz(name: string): Promise<Report> {
  const surface = surfaces.find((each) => each.name === name);
  if (!surface) throw new Error(`unknown surface ${name}`);
  const report: Report = { messages: 0, read: 0, failures: await runFindings(surface), memory: 0 };
  const end = performance.now() + (time ?? 0) * 1000;
  for (let batch = 0; report.failures.length < MAX_FAILURES; batch++) {
    const left = time === undefined ? runs - batch * BATCH : performance.now() < end ? BATCH : 0;
    if (left <= 0) break;
    const size = { runs: Math.min(BATCH, left), repetitions: BATCH_REPETITIONS };
    const { messages, read, failure } = await run({ surface, seed: seed + batch, ...size });
    report.messages += messages;
    report.read += read;
    if (failure !== undefined) report.failures.push(failure);
  }
  report.growth = await growthOf(surface, seed, time === undefined ? undefined : time / 4);
  report.memory = Math.round(process.resourceUsage().maxRSS / 1024);
  return report;
}

async function fuzzAll(): Promise<number> {
  console.error(`seed ${seed}`);
  // Each row is printed when its surface ends, so that an interrupted run has results.
  console.log('| surface | messages | read | failures | cost of 4 times the size | peak memory |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
  const failures: string[] = [];
  let total = 0;
  let peak = 0;
  for (const [index, name] of wanted.entries()) {
    const report = await inChild(name);
    const { messages, read, memory, growth } = report;
    const found = [...report.failures, ...(growth?.failure === undefined ? [] : [growth.failure])];
    failures.push(...found);
    total += messages;
    peak = Math.max(peak, memory);
    const ratio = growth === undefined || growth.ratio === 0 ? '' : growth.ratio.toFixed(1);
    console.log(`| ${name} | ${messages} | ${read} | ${found.length} | ${ratio} | ${memory} MiB |`);
    console.error(`${index + 1}/${wanted.length} ${name}: ${messages} messages, ${found.length} failures`);
    for (const failure of found) console.error(`\n${failure}\n`);
  }
  console.log(`| all | ${total} | | ${failures.length} | | ${peak} MiB |`);
  console.log(`\n${failures.length} failures, seed ${seed}`);
  return failures.length === 0 ? 0 : 1;
}

/**
 * Ends this process after this number of seconds of CPU time, from another thread, because its own is in an endless loop.
 * Elapsed time is no measure, because other processes use the CPU as well.
 */
function limitCpu(seconds: number): void {
  const script = `
    setInterval(() => {
      const { user, system } = process.cpuUsage();
      if (user + system > ${seconds * 1e6}) process.kill(process.pid, 'SIGKILL');
    }, 1000);`;
  new Worker(script, { eval: true }).unref();
}

function inChild(name: string): Promise<Report> {
  const args = ['--child', '--surface', name, '--seed', String(seed)];
  if (time === undefined) args.push('--runs', String(runs));
  else args.push('--time', String(time));
  const [script = ''] = process.argv.slice(1);
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return new Promise((resolve) => {
    let report: Report = { messages: 0, read: 0, failures: [], memory: 0 };
    child.on('message', (message) => {
      report = message as Report;
    });
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL')
        report.failures.push(`${name}, seed ${seed}: no end after ${patience} s of CPU`);
      else if (code !== 0 && report.failures.length === 0)
        report.failures.push(`${name}, seed ${seed}: exit code ${code}`);
      resolve(report);
    });
  });
}

/** Programs started by a test: what they said, when they were ready, and that none outlives its test. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
// From the module, not the global: a test may have a fake clock.
import { clearTimeout, setTimeout } from 'node:timers';
import { forgetGroup, killGroup, watchGroup } from './reaper.js';
import { type Ending, Running } from './running.js';
import { PATIENCE_MS } from './wait.js';

/** Before a program that ignores SIGTERM is killed: more than a host takes to de-register on a busy machine. */
const STOP_MS = 60_000;

export interface ProcessOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** Starts a program in a process group of its own. It is killed, with its children, when this process ends. */
export async function startProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<RunningProcess> {
  const child = spawn(command, args, { ...options, stdio: 'pipe', detached: true });
  await once(child, 'spawn');
  return new RunningProcess(child, [command, ...args].join(' '));
}

/** Runs a program to its end, whatever its exit code. Rejects when that takes longer than `withinMs`. */
export async function runProcess(
  command: string,
  args: readonly string[],
  {
    withinMs = PATIENCE_MS,
    input = '',
    ...options
  }: ProcessOptions & { withinMs?: number; input?: string } = {},
): Promise<Ending & { stdout: string; stderr: string }> {
  await using running = await startProcess(command, args, options);
  running.stdin.end(input);
  const ending = await running.ended(withinMs);
  return { ...ending, stdout: running.stdout.join('\n'), stderr: running.stderr.join('\n') };
}

export class RunningProcess extends Running {
  readonly pid: number;
  readonly exited: Promise<Ending>;
  readonly stdin: NodeJS.WritableStream;
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(child: ChildProcessWithoutNullStreams, title: string) {
    super(title);
    if (child.pid === undefined) throw new Error(`${title} did not start`);
    this.pid = child.pid;
    this.stdin = child.stdin;
    this.#child = child;
    watchGroup(child.pid);
    // A program that ends without reading what it is told is no error of the test.
    child.stdin.on('error', () => undefined);
    // What the program itself started ends with it, and holds its output open no longer.
    child.once('exit', () => killGroup(this.pid));
    const read = [this.#read(child.stdout, 'stdout'), this.#read(child.stderr, 'stderr')];
    this.exited = once(child, 'close').then(async () => {
      await Promise.all(read);
      forgetGroup(this.pid);
      return { code: child.exitCode, signal: child.signalCode };
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** SIGTERM, and SIGKILL for the whole group when that does not help in a minute. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => killGroup(this.pid), STOP_MS);
    this.kill('SIGTERM');
    await this.exited;
    clearTimeout(timer);
  }

  async #read(stream: NodeJS.ReadableStream, to: 'stdout' | 'stderr'): Promise<void> {
    const reader = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
    reader.on('line', (text) => this.wrote(text, to));
    await once(reader, 'close');
  }
}

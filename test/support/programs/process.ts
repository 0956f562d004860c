/** Runs programs for a test: records their output, waits until they are ready, and stops them with the test. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
// Imported from the module, so that fake timers do not affect it.
import { clearTimeout, setTimeout } from 'node:timers';
import { PATIENCE_MS } from '../wait.js';
import { forgetGroup, killGroup, watchGroup } from './reaper.js';
import { type Ending, Running } from './running.js';

/** Delay before a program that ignores SIGTERM is killed: longer than a host needs to de-register on a busy machine. */
const STOP_MS = 60_000;

export interface ProcessOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** Starts a program in a new process group, which is killed when this process ends. */
export async function startProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<RunningProcess> {
  const child = spawn(command, args, { ...options, stdio: 'pipe', detached: true });
  await once(child, 'spawn');
  return new RunningProcess(child, [command, ...args].join(' '));
}

/** Runs a program to its end, with any exit code. Rejects after `withinMs`. */
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
    // A program may exit without reading its input.
    child.stdin.on('error', () => undefined);
    // Kills the children of the program, which would keep its output open.
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

  /** Sends SIGTERM, and after a minute SIGKILL to the whole group. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => killGroup(this.pid), STOP_MS);
    this.kill('SIGTERM');
    await this.exited;
    clearTimeout(timer);
  }

  async #read(stream: NodeJS.ReadableStream, to: 'stdout' | 'stderr'): Promise<void> {
    const reader = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
    reader.on('line', (text) => this.record(text, to));
    await once(reader, 'close');
  }
}

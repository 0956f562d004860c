/** Programs started by a test: what they said, when they were ready, and that none outlives its test. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { forgetGroup, killGroup, watchGroup } from './reaper.js';
import { PATIENCE_MS } from './wait.js';

/** Before a program that ignores SIGTERM is killed: more than a host takes to de-register on a busy machine. */
const STOP_MS = 60_000;
// What is kept of a program's output: enough to see what went wrong, never a whole flood.
const KEPT_LINES = 20_000;

export interface ProcessOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
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

export class RunningProcess {
  readonly pid: number;
  /** Lines written so far, the last ones when there are very many. */
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  /** Resolves when the program has ended and its output has been read. */
  readonly exited: Promise<Ending>;
  readonly stdin: NodeJS.WritableStream;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #title: string;
  readonly #lines = new EventEmitter<{ line: [text: string]; stdout: [text: string] }>();

  constructor(child: ChildProcessWithoutNullStreams, title: string) {
    if (child.pid === undefined) throw new Error(`${title} did not start`);
    this.pid = child.pid;
    this.stdin = child.stdin;
    this.#child = child;
    this.#title = title;
    this.#lines.setMaxListeners(0);
    watchGroup(child.pid);
    // A program that ends without reading what it is told is no error of the test.
    child.stdin.on('error', () => undefined);
    // What the program itself started ends with it, and holds its output open no longer.
    child.once('exit', () => killGroup(this.pid));
    const read = [this.#read(child.stdout, this.stdout, true), this.#read(child.stderr, this.stderr, false)];
    this.exited = once(child, 'close').then(async () => {
      await Promise.all(read);
      forgetGroup(this.pid);
      return { code: child.exitCode, signal: child.signalCode };
    });
  }

  /**
   * The first line on stdout or stderr that matches, also one that was written already. Rejects with the output when
   * the program ends before, or after `withinMs`.
   */
  async line(pattern: RegExp, withinMs = PATIENCE_MS): Promise<string> {
    const already = [...this.stdout, ...this.stderr].find((text) => pattern.test(text));
    if (already !== undefined) return already;
    return await new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(timer);
        this.#lines.off('line', listener);
        finish();
      };
      const complain = (what: string) => settle(() => reject(new Error(`${what}: ${this.describe()}`)));
      const listener = (text: string) => {
        if (pattern.test(text)) settle(() => resolve(text));
      };
      const timer = setTimeout(() => complain(`no ${pattern} within ${withinMs} ms`), withinMs);
      this.#lines.on('line', listener);
      void this.exited.then(({ code, signal }) => complain(`ended (${code ?? signal}) without ${pattern}`));
    });
  }

  /** Calls with each whole line on stdout, from now on. */
  onLine(listener: (line: string) => void): void {
    this.#lines.on('stdout', listener);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The ending of a program that ends by itself. Rejects after `withinMs`, when the program is killed. */
  async ended(withinMs = PATIENCE_MS): Promise<Ending> {
    const timer = new AbortController();
    const late = once(AbortSignal.timeout(withinMs), 'abort', { signal: timer.signal }).then(
      () => undefined,
      () => undefined,
    );
    const ending = await Promise.race([this.exited, late]);
    timer.abort();
    if (ending) return ending;
    killGroup(this.pid);
    await this.exited;
    throw new Error(`still running after ${withinMs} ms: ${this.describe()}`);
  }

  /** SIGTERM, and SIGKILL for the whole group when that does not help in a minute. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => killGroup(this.pid), STOP_MS);
    this.kill('SIGTERM');
    await this.exited;
    clearTimeout(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** The command and what it wrote, for a message. */
  describe(): string {
    return [this.#title, '--- stdout', ...this.stdout, '--- stderr', ...this.stderr].join('\n');
  }

  async #read(stream: NodeJS.ReadableStream, kept: string[], isStdout: boolean): Promise<void> {
    const reader = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
    reader.on('line', (text) => {
      kept.push(text);
      if (kept.length > 2 * KEPT_LINES) kept.splice(0, KEPT_LINES);
      this.#lines.emit('line', text);
      if (isStdout) this.#lines.emit('stdout', text);
    });
    await once(reader, 'close');
  }
}

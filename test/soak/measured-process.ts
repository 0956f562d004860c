/** A `sip-push` command in a process of its own, with its JSON events, its memory, its descriptors and its disk use. */

import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { forgetGroup, killGroup, watchGroup } from '../support/programs/reaper.js';
import type { ProcessValues } from './samples.js';

export type Line = Record<string, unknown> & { event: string };

const CLI = fileURLToPath(new URL('../../dist/sdk/cli/main.js', import.meta.url));
const PROBE = new URL('memory-probe.mjs', import.meta.url).href;
/** Milliseconds until a busy process has answered, started or stopped. */
const PATIENCE_MS = 60_000;

export class MeasuredProcess {
  /** How often each event was printed. */
  readonly events: Record<string, number> = {};
  readonly exited: Promise<string>;
  readonly #child: ChildProcess;
  readonly #lines = new EventEmitter<{ line: [Line] }>();

  /** @param data its folder of data. */
  constructor(
    readonly name: string,
    private readonly cwd: string,
    args: readonly string[],
    private readonly data?: string,
  ) {
    const flags = ['--heapsnapshot-signal=SIGUSR2', '--import', PROBE];
    // A group of its own, which Ctrl-C in the terminal does not reach.
    this.#child = spawn(process.execPath, [...flags, CLI, ...args], {
      cwd,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
    });
    const { stdout, stderr } = this.#child;
    if (!stdout || !stderr) throw new Error(`${name} has no output`);
    stderr.pipe(createWriteStream(join(cwd, `${name}.log`), { flags: 'a' }));
    createInterface({ input: stdout }).on('line', (text) => this.#read(text));
    this.exited = once(this.#child, 'exit').then(([code, signal]) => {
      forgetGroup(this.pid);
      return `${code ?? signal}`;
    });
    if (this.pid > 0) watchGroup(this.pid);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next event of this kind. Rejects if the process ends before. */
  async next(event: string, matches: (line: Line) => boolean = () => true): Promise<Line> {
    const found = new AbortController();
    const line = new Promise<Line>((resolve) => {
      const listen = (each: Line) => {
        if (each.event !== event || !matches(each)) return;
        resolve(each);
        found.abort();
      };
      this.#lines.on('line', listen);
      found.signal.addEventListener('abort', () => this.#lines.off('line', listen));
    });
    const failure = this.exited.then((ending) => `it ended with ${ending}`);
    const late = new Promise<string>((resolve) => {
      const timer = setTimeout(() => resolve(`not within ${PATIENCE_MS} ms`), PATIENCE_MS);
      found.signal.addEventListener('abort', () => clearTimeout(timer));
    });
    const first = await Promise.race([line, failure, late]);
    found.abort();
    if (typeof first !== 'string') return first;
    throw new Error(`${this.name} printed no event ${event}: ${first}. See ${join(this.cwd, this.name)}.log`);
  }

  write(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  async values(): Promise<ProcessValues> {
    const [memory, descriptors, disk] = await Promise.all([
      this.#memory(),
      readdir(`/proc/${this.pid}/fd`).then(
        ({ length }) => length,
        () => undefined,
      ),
      this.data === undefined ? undefined : diskUse(join(this.cwd, this.data)),
    ]);
    return { rss: memory?.rss, heap: memory?.heapUsed, descriptors, disk };
  }

  async stop(): Promise<string> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => killGroup(this.pid), PATIENCE_MS);
    const ending = await this.exited;
    clearTimeout(timer);
    return ending;
  }

  /** Undefined if the process does not answer. */
  async #memory(): Promise<NodeJS.MemoryUsage | undefined> {
    const answer = once(this.#child, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) });
    this.#child.send('memory', () => undefined);
    return await answer.then(
      ([memory]) => memory as NodeJS.MemoryUsage,
      () => undefined,
    );
  }

  #read(text: string): void {
    const line: Line = JSON.parse(text);
    this.events[line.event] = (this.events[line.event] ?? 0) + 1;
    this.#lines.emit('line', line);
  }
}

/** Bytes that the files in a folder occupy on disk. Files can vanish while they are counted. */
async function diskUse(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    entries.map((name) =>
      stat(join(folder, name)).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

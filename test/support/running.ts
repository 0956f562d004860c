/** A program that runs, in a process or in this one: its lines, and waiting for them. */

import { EventEmitter } from 'node:events';
// From the module, not the global: a test may have a fake clock.
import { clearTimeout, setTimeout } from 'node:timers';
import { PATIENCE_MS } from './wait.js';

// What is kept of a program's output: enough to see what went wrong, never a whole flood.
const KEPT_LINES = 20_000;

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export abstract class Running {
  /** Lines written so far, the last ones when there are very many. */
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  /** Resolves when the program has ended and its output has been read. */
  abstract readonly exited: Promise<Ending>;
  abstract readonly stdin: NodeJS.WritableStream;
  readonly #lines = new EventEmitter<{ line: [text: string]; stdout: [text: string] }>();

  constructor(private readonly title: string) {
    this.#lines.setMaxListeners(0);
  }

  abstract kill(signal: NodeJS.Signals): void;

  /** Ends it, and waits until it has ended. */
  abstract stop(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
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

  /** The ending of a program that ends by itself. Rejects after `withinMs`, when the program is ended. */
  async ended(withinMs = PATIENCE_MS): Promise<Ending> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), withinMs);
    });
    const ending = await Promise.race([this.exited, late]);
    clearTimeout(timer);
    if (ending) return ending;
    await this.stop();
    throw new Error(`still running after ${withinMs} ms: ${this.describe()}`);
  }

  /** The command and what it wrote, for a message. */
  describe(): string {
    return [this.title, '--- stdout', ...this.stdout, '--- stderr', ...this.stderr].join('\n');
  }

  protected wrote(text: string, to: 'stdout' | 'stderr'): void {
    const kept = this[to];
    kept.push(text);
    if (kept.length > 2 * KEPT_LINES) kept.splice(0, KEPT_LINES);
    this.#lines.emit('line', text);
    if (to === 'stdout') this.#lines.emit('stdout', text);
  }
}

/** A running program, in this process or another, with its output lines. */

import { EventEmitter } from 'node:events';
// Imported from the module, so that fake timers do not affect it.
import { clearTimeout, setTimeout } from 'node:timers';
import { PATIENCE_MS } from '../wait.js';

// Limits of the recorded output: enough to diagnose failures.
const KEPT_LINES = 20_000;

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export abstract class Running {
  /** Lines written so far, up to a limit. */
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

  /** Stops the program, and waits until it has ended. */
  abstract stop(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /**
   * The first matching line on stdout or stderr, including earlier lines. Rejects with the output if the program ends
   * before, or after `withinMs`.
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
      const fail = (what: string) => settle(() => reject(new Error(`${what}: ${this.describe()}`)));
      const listener = (text: string) => {
        if (pattern.test(text)) settle(() => resolve(text));
      };
      const timer = setTimeout(() => fail(`no ${pattern} within ${withinMs} ms`), withinMs);
      this.#lines.on('line', listener);
      void this.exited.then(({ code, signal }) => fail(`ended (${code ?? signal}) without ${pattern}`));
    });
  }

  /** Calls the listener with each later line on stdout. */
  onLine(listener: (line: string) => void): void {
    this.#lines.on('stdout', listener);
  }

  /** The ending of a program that exits by itself. After `withinMs`, stops the program and rejects. */
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

  /** The command and its output, for error messages. */
  describe(): string {
    return [this.title, '--- stdout', ...this.stdout, '--- stderr', ...this.stderr].join('\n');
  }

  protected record(text: string, to: 'stdout' | 'stderr'): void {
    const kept = this[to];
    kept.push(text);
    if (kept.length > 2 * KEPT_LINES) kept.splice(0, KEPT_LINES);
    this.#lines.emit('line', text);
    if (to === 'stdout') this.#lines.emit('stdout', text);
  }
}

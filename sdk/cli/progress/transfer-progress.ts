/** Tells a person at a terminal how far a long transfer has come. */

import { printable } from '../../../core/text.js';
import { bytes } from '../byte-count.js';
import type { Io } from '../io.js';

/** Milliseconds: what is over by then is not worth a word. */
const PATIENCE = 1_000;
/** Between two lines where they stay: a log, not a terminal. */
const LOG_INTERVAL = 10_000;
/** On a terminal, where each takes the place of the one before. */
const TERMINAL_INTERVAL = 200;

export class TransferProgress {
  readonly #started = performance.now();
  #last: number;
  /** Bytes that were there already when it began. */
  #resumed: number | undefined;

  /** @param patience milliseconds ahead of the first word. */
  constructor(
    private readonly io: Io,
    private readonly name: string,
    private readonly patience = PATIENCE,
  ) {
    this.#last = this.#started + patience - this.#interval;
  }

  /** @param have bytes that the receiver has. */
  update(have: number, size: number | undefined): void {
    this.#resumed ??= have;
    const now = performance.now();
    if (now - this.#last < this.#interval && have !== size) return;
    if (now - this.#started < this.patience) return;
    this.#last = now;
    const seconds = (now - this.#started) / 1000;
    const come = have - this.#resumed;
    const rate = come > 0 ? `, ${bytes(Math.round(come / seconds))}/s` : '';
    const share = size ? ` of ${bytes(size)} (${Math.floor((100 * have) / size)} %)` : '';
    this.io.status(printable(`${this.name}: ${bytes(have)}${share}${rate}`));
  }

  get #interval(): number {
    return this.io.terminal ? TERMINAL_INTERVAL : LOG_INTERVAL;
  }
}

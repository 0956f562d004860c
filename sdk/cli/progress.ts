/** Reports at a terminal why there is no answer yet, and the progress of transfers. */

import type { HostEvent } from '../../core/host.js';
import type { PushSenderOptions } from '../../core/sender/sender.js';
import { printable } from '../../core/text.js';
import { Timer } from '../../core/time/clock.js';
import { bytes } from './byte-count.js';
import type { Io } from './io.js';

/** Milliseconds without an answer before the user is informed. */
const PATIENCE_MS = 4_000;

/** Messages without an answer: responses, and an ACK (RFC 3261 §17.1.1.3). */
const UNANSWERED = /^(SIP\/2\.0|ACK) /;
/** Bytes that `UNANSWERED` needs. */
const PREFIX_BYTES = 8;

/** Reports a connection or an answer that takes long. */
export class ConnectionProgress {
  readonly #connection = new Timer();
  /** Runs while a request has no response, but not while a file is read or transferred. */
  readonly #answer = new Timer();
  readonly #unanswered = new Set<string>();
  #server = '';
  #lastError = '';

  constructor(
    private readonly servers: readonly string[],
    private readonly print: (line: string) => void,
  ) {}

  readonly handlers = {
    onConnected: (server) => {
      this.#server = server;
      this.#connection.clear();
    },
    onDisconnected: (server, error) => {
      this.#answer.clear();
      // Each attempt fails in the same way: it is reported once.
      const line = printable(`no connection to ${server}: ${error.message}`);
      if (line !== this.#lastError) this.print(line);
      this.#lastError = line;
    },
    onRegistrationFailed: ({ status, reason, retryInSeconds }) => {
      // A failed connection is reported by onDisconnected.
      if (retryInSeconds === undefined) return;
      this.print(printable(`not registered: ${status ?? 'no answer'} ${reason}`));
    },
    onWire: (direction, bytes) => {
      if (direction === 'in') return this.#answer.clear();
      const prefix = new TextDecoder('latin1').decode(bytes.subarray(0, PREFIX_BYTES));
      if (UNANSWERED.test(prefix) || this.#answer.running) return;
      this.#answer.set(PATIENCE_MS, () => this.#silence());
    },
  } satisfies Partial<PushSenderOptions>;

  /** Called when the agent begins to connect. */
  start(): void {
    this.#connection.set(PATIENCE_MS, () => {
      this.print(`no connection to ${this.servers.join(' or ')} yet; retrying`);
    });
  }

  stop(): void {
    this.#connection.clear();
    this.#answer.clear();
  }

  #silence(): void {
    // Once per server: a push can be retried for hours.
    if (this.#unanswered.has(this.#server)) return;
    this.#unanswered.add(this.#server);
    this.print(`no answer from ${this.#server} yet; waiting`);
  }
}

/** Largest number of tracked transfers. A peer can abandon any number of them. */
const TRANSFERS = 100;

/** Characters of a file name, so that the line has room for the progress. */
const NAME_LENGTH = 32;

/** Shows the progress of long incoming transfers at the terminal of a host. */
export class ReceivingProgress {
  readonly #transfers = new Map<string, TransferProgress>();

  constructor(private readonly io: Io) {}

  update({
    id,
    app,
    contentType,
    fileName,
    received,
    size,
  }: Extract<HostEvent, { event: 'receiving' }>): void {
    // A log has the result.
    if (!this.io.terminal) return;
    let progress = this.#transfers.get(id);
    if (!progress) {
      const [oldest = ''] = this.#transfers.keys();
      if (this.#transfers.size >= TRANSFERS) this.#transfers.delete(oldest);
      const name = (fileName ?? contentType).slice(0, NAME_LENGTH);
      progress = new TransferProgress(this.io, `receiving     ${app} ${name}`, 0);
      this.#transfers.set(id, progress);
    }
    progress.update(received, size);
  }

  ended(id: string): void {
    this.#transfers.delete(id);
  }
}

/** Milliseconds before the first line: shorter transfers are not reported. */
const PATIENCE = 1_000;
/** Milliseconds between lines in a log. */
const LOG_INTERVAL = 10_000;
/** Milliseconds between lines at a terminal, where each replaces the last. */
const TERMINAL_INTERVAL = 200;

/** Shows the progress of one long transfer. */
export class TransferProgress {
  readonly #started = performance.now();
  #last: number;
  /** Bytes that the receiver had at the start. */
  #resumed: number | undefined;

  /** @param patience milliseconds before the first line. */
  constructor(
    private readonly io: Io,
    private readonly name: string,
    private readonly patience = PATIENCE,
  ) {
    this.#last = this.#started + patience - this.#interval;
  }

  /** @param have bytes that the receiver has. @param size of the file, if known. */
  update(have: number, size: number | undefined): void {
    this.#resumed ??= have;
    const now = performance.now();
    if (now - this.#last < this.#interval && have !== size) return;
    if (now - this.#started < this.patience) return;
    this.#last = now;
    const seconds = (now - this.#started) / 1000;
    const transferred = have - this.#resumed;
    const rate = transferred > 0 ? `, ${bytes(Math.round(transferred / seconds))}/s` : '';
    const share = size ? ` of ${bytes(size)} (${Math.floor((100 * have) / size)} %)` : '';
    this.io.status(printable(`${this.name}: ${bytes(have)}${share}${rate}`));
  }

  get #interval(): number {
    return this.io.terminal ? TERMINAL_INTERVAL : LOG_INTERVAL;
  }
}

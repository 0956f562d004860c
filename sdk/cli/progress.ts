/** Reports missing connections, missing answers, and the progress of transfers on stderr. */

import type { HostEvent } from '../../core/host.js';
import type { PushSenderOptions } from '../../core/sender/sender.js';
import { printable } from '../../core/text.js';
import { Timer } from '../../core/time/clock.js';
import { bytes } from './byte-count.js';
import type { IoStreams } from './io-streams.js';

/** Milliseconds without a connection or an answer before it is reported. */
const NOTICE_DELAY_MS = 4_000;

/** Messages that no response answers: responses, and an ACK (RFC 3261 §17.1.1.3). */
const WITHOUT_RESPONSE = /^(SIP\/2\.0|ACK) /;
/** Bytes that `WITHOUT_RESPONSE` tests. */
const PREFIX_BYTES = 8;

/** Reports a connection or an answer that is delayed. */
export class ConnectionProgress {
  readonly #connection = new Timer();
  /** Runs while a request waits for its response; not while a file is read or transferred. */
  readonly #answer = new Timer();
  readonly #silentServers = new Set<string>();
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
      // Repeated attempts usually fail with the same error, which is reported once.
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
      if (WITHOUT_RESPONSE.test(prefix) || this.#answer.running) return;
      this.#answer.set(NOTICE_DELAY_MS, () => this.#reportSilence());
    },
  } satisfies Partial<PushSenderOptions>;

  /** Called when the agent begins to connect. */
  start(): void {
    this.#connection.set(NOTICE_DELAY_MS, () => {
      this.print(`no connection to ${this.servers.join(' or ')} yet; retrying`);
    });
  }

  stop(): void {
    this.#connection.clear();
    this.#answer.clear();
  }

  #reportSilence(): void {
    // Reported once per server, because a push can be retried for hours.
    if (this.#silentServers.has(this.#server)) return;
    this.#silentServers.add(this.#server);
    this.print(`no answer from ${this.#server} yet; waiting`);
  }
}

/** Largest number of tracked transfers. A peer can abandon any number of them. */
const TRANSFERS = 100;

/** Characters of a file name; the rest of the line is for the progress. */
const NAME_LENGTH = 32;

/** Shows the progress of long incoming transfers at the terminal of a host. */
export class ReceivingProgress {
  readonly #transfers = new Map<string, TransferProgress>();

  constructor(private readonly io: IoStreams) {}

  update({
    id,
    app,
    contentType,
    fileName,
    received,
    size,
  }: Extract<HostEvent, { event: 'receiving' }>): void {
    // In a log, the result is enough.
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

/** Milliseconds before the first line. Shorter transfers are not reported. */
const FIRST_LINE_MS = 1_000;
/** Milliseconds between lines in a log. */
const LOG_INTERVAL = 10_000;
/** Milliseconds between lines at a terminal, where each line replaces the previous one. */
const TERMINAL_INTERVAL = 200;

/** Shows the progress of one long transfer. */
export class TransferProgress {
  readonly #started = performance.now();
  #last: number;
  /** Bytes that the receiver already had at the first update. */
  #resumed: number | undefined;

  /** @param delay milliseconds before the first line. */
  constructor(
    private readonly io: IoStreams,
    private readonly name: string,
    private readonly delay = FIRST_LINE_MS,
  ) {
    this.#last = this.#started + delay - this.#interval;
  }

  /** @param received bytes that the receiver has. @param size of the file, if known. */
  update(received: number, size: number | undefined): void {
    this.#resumed ??= received;
    const now = performance.now();
    if (now - this.#last < this.#interval && received !== size) return;
    if (now - this.#started < this.delay) return;
    this.#last = now;
    const seconds = (now - this.#started) / 1000;
    const transferred = received - this.#resumed;
    const rate = transferred > 0 ? `, ${bytes(Math.round(transferred / seconds))}/s` : '';
    const share = size ? ` of ${bytes(size)} (${Math.floor((100 * received) / size)} %)` : '';
    this.io.status(printable(`${this.name}: ${bytes(received)}${share}${rate}`));
  }

  get #interval(): number {
    return this.io.terminal ? TERMINAL_INTERVAL : LOG_INTERVAL;
  }
}

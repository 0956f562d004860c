/** Tells a person at a terminal why there is no answer yet. */

import type { HostEvent } from '../../core/host.js';
import type { PushSenderOptions } from '../../core/sender/sender.js';
import { printable } from '../../core/text.js';
import { Timer } from '../../core/time/clock.js';
import { bytes } from './byte-count.js';
import type { Io } from './io.js';

/** A push is answered within milliseconds; who has waited this long wonders. */
const PATIENCE_MS = 4_000;

/** What nobody answers: a response, and an ACK (RFC 3261 17.1.1.3). */
const UNANSWERED = /^(SIP\/2\.0|ACK) /;
/** Characters that tell a request from those. */
const BEGINNING = 8;

export class ConnectionProgress {
  readonly #connection = new Timer();
  /** Set while a request has no response: not while a file is read, or transferred. */
  readonly #answer = new Timer();
  readonly #unanswered = new Set<string>();
  #server = '';
  #said = '';

  constructor(
    private readonly servers: readonly string[],
    private readonly say: (line: string) => void,
  ) {}

  readonly handlers = {
    onConnected: (server) => {
      this.#server = server;
      this.#connection.clear();
    },
    onDisconnected: (server, error) => {
      this.#answer.clear();
      // The same for each attempt: once is enough.
      const line = printable(`no connection to ${server}: ${error.message}`);
      if (line !== this.#said) this.say(line);
      this.#said = line;
    },
    onRegistrationFailed: ({ status, reason, retryInSeconds }) => {
      // Where the connection was the reason, that has been said.
      if (retryInSeconds === undefined) return;
      this.say(printable(`not registered: ${status ?? 'no answer'} ${reason}`));
    },
    onWire: (direction, bytes) => {
      if (direction === 'in') return this.#answer.clear();
      const beginning = new TextDecoder('latin1').decode(bytes.subarray(0, BEGINNING));
      if (UNANSWERED.test(beginning) || this.#answer.running) return;
      this.#answer.set(PATIENCE_MS, () => this.#silence());
    },
  } satisfies Partial<PushSenderOptions>;

  /** The agent begins to connect. */
  start(): void {
    this.#connection.set(PATIENCE_MS, () => {
      this.say(`still no connection to ${this.servers.join(' or ')}; trying on`);
    });
  }

  stop(): void {
    this.#connection.clear();
    this.#answer.clear();
  }

  #silence(): void {
    // Of each server once: a push may be tried for hours.
    if (this.#unanswered.has(this.#server)) return;
    this.#unanswered.add(this.#server);
    this.say(`${this.#server} has not answered yet; waiting on`);
  }
}

/** Tells a person who looks at a host's terminal how far long transfers have come. */

/** Transfers that are remembered at a time, as many as a host has sessions: a peer may leave any number of them. */
const TRANSFERS = 100;

/** Characters of a file's name: behind it, a line has to have room for what changes. */
const NAME_LENGTH = 32;

export class ReceivingProgress {
  readonly #transfers = new Map<string, TransferProgress>();

  constructor(private readonly io: Io) {}

  /** Of a transfer that has taken long already. */
  update({
    id,
    app,
    contentType,
    fileName,
    received,
    size,
  }: Extract<HostEvent, { event: 'receiving' }>): void {
    // A log has what came in the end.
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

/** Tells a person at a terminal how far a long transfer has come. */

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

/** Tells a person at a terminal why there is no answer yet. */

import type { PushSenderOptions } from '../../../core/sender/sender.js';
import { printable } from '../../../core/text.js';
import { Timer } from '../../../core/time/clock.js';

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

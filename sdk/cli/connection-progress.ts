/** Tells a person at a terminal why there is no answer yet. */

import type { PushSenderOptions } from '../../core/sender/sender.js';
import { printable } from './printable.js';

/** A push is answered within milliseconds; who has waited this long wonders. */
const PATIENCE_MS = 4_000;

export class ConnectionProgress {
  readonly #timer: ReturnType<typeof setTimeout>;
  #server: string | undefined;
  #said = '';

  constructor(
    servers: readonly string[],
    private readonly say: (line: string) => void,
  ) {
    this.#timer = setTimeout(() => {
      say(
        this.#server === undefined
          ? `still no connection to ${servers.join(' or ')}; trying on`
          : `${this.#server} has not answered yet; waiting on`,
      );
    }, PATIENCE_MS);
  }

  readonly handlers = {
    onConnected: (server) => {
      this.#server = server;
    },
    onDisconnected: (server, error) => {
      this.#server = undefined;
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
  } satisfies Partial<PushSenderOptions>;

  stop(): void {
    clearTimeout(this.#timer);
  }
}

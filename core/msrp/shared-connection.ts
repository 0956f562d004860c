/** A connection of the active end, for all its sessions with one address: under way, or made. */

import { unlessAborted } from '../time/wait.js';
import type { BoundSession, MsrpConnection } from './connection.js';

export class SharedConnection {
  readonly #attempt = new AbortController();
  readonly #opening: Promise<MsrpConnection>;
  #made: MsrpConnection | undefined;
  #waiting = 0;

  /** @param open ends with the reason of the signal. */
  constructor(open: (signal: AbortSignal) => Promise<MsrpConnection>) {
    this.#opening = open(this.#attempt.signal);
    this.#opening.then(
      (connection) => {
        this.#made = connection;
      },
      (error: unknown) => this.#attempt.abort(error),
    );
  }

  /** False when it failed, was lost, or nobody wanted it any more. */
  get usable(): boolean {
    return this.#made ? !this.#made.closed : !this.#attempt.signal.aborted;
  }

  /** Whoever waits for it is told. */
  close(reason: Error): void {
    this.#attempt.abort(reason);
    this.#opening.then(
      (connection) => connection.close(),
      () => {},
    );
  }

  /**
   * Puts the session on the connection when that is there.
   * @throws the error of the attempt, or the reason of the signal.
   */
  async join(session: BoundSession, signal: AbortSignal | undefined): Promise<MsrpConnection> {
    this.#waiting++;
    try {
      const connection = await unlessAborted(this.#opening, signal);
      connection.adopt(session);
      return connection;
    } finally {
      if (--this.#waiting === 0) this.#leave();
    }
  }

  /** Nobody waits any more: they have it, or gave it up. */
  #leave(): void {
    if (!this.#made) this.#attempt.abort();
    this.#opening.then(
      (connection) => connection.leaveIfUnused(),
      () => {},
    );
  }
}

/** The sessions of a listener or a connector, by their identifiers. */

import { platform } from '#platform';
import { ConfigurationError, LimitError } from '../../errors.js';
import type { Address, Sockets, TlsOptions } from '../../platform/sockets.js';
import { unlessAborted } from '../../time/deadline.js';
import { FRAMED_MESSAGE, MSRP_SUBPROTOCOL, type MsrpLimits } from '../frames/limits.js';
import { findSessionId, type MsrpProtocol } from '../frames/uri.js';
import { Session, type SessionOptions } from '../messages/session.js';
import { type BoundSession, MsrpConnection } from './connection.js';

export class Sessions {
  readonly #sessions = new Map<string, Session>();

  constructor(private readonly limits: MsrpLimits) {}

  /**
   * @param onOver it was closed, by whomever.
   * @throws ConfigurationError for a URI that is no session's, or another one's; LimitError when there are too many.
   */
  add(options: SessionOptions, onOver: () => void = () => {}): Session {
    if (this.#sessions.size >= this.limits.sessions) {
      throw new LimitError(`more than ${this.limits.sessions} MSRP sessions at a time`);
    }
    const session = new Session(options, this.limits, () => {
      this.#sessions.delete(session.id);
      onOver();
    });
    if (this.#sessions.has(session.id)) throw new ConfigurationError(`${options.localUri} is in use`);
    this.#sessions.set(session.id, session);
    return session;
  }

  find(uri: string): Session | undefined {
    return this.#sessions.get(findSessionId(uri) ?? '');
  }

  close(): void {
    for (const session of [...this.#sessions.values()]) session.close();
  }
}

/** A connection of the active end, for all its sessions with one address: under way, or made. */

export interface SharedConnectionOptions {
  protocol: MsrpProtocol;
  to: Address;
  tls: TlsOptions;
  /** The machine's own when absent. */
  sockets?: Sockets;
  limits: MsrpLimits;
  /** All that may be on it. */
  sessions: Sessions;
  /** How long it is kept without a session, milliseconds. */
  linger: number;
  /** It could not be made, or has ended. */
  onOver?(): void;
}

export class SharedConnection {
  readonly #attempt = new AbortController();
  readonly #opening: Promise<MsrpConnection>;
  #made: MsrpConnection | undefined;
  #waiting = 0;

  constructor(private readonly options: SharedConnectionOptions) {
    this.#opening = this.#open();
    this.#opening.then(
      (connection) => {
        this.#made = connection;
      },
      (error: unknown) => {
        this.#attempt.abort(error);
        options.onOver?.();
      },
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

  async #open(): Promise<MsrpConnection> {
    const { protocol, to, tls, sockets = platform, limits, sessions, linger, onOver } = this.options;
    const channel = await sockets.connect(protocol, to, {
      tls,
      subprotocol: MSRP_SUBPROTOCOL,
      maxMessage: FRAMED_MESSAGE,
      signal: this.#attempt.signal,
    });
    return new MsrpConnection(channel, {
      limits,
      find: (uri) => sessions.find(uri),
      linger,
      onClosed: () => onOver?.(),
    });
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

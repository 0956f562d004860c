/** The active end (RFC 4975 §5.4): one connection to an address serves all sessions with it. */

import { platform } from '#platform';
import { defined } from '../../defined.js';
import { TransportError } from '../../errors.js';
import type { Address, Sockets, TlsOptions } from '../../platform/sockets.js';
import { unlessAborted } from '../../time/abort-signal.js';
import { FRAMED_MESSAGE, MSRP_LIMITS, MSRP_SUBPROTOCOL, type MsrpLimits } from '../frames/limits.js';
import type { MsrpProtocol } from '../frames/uri.js';
import { type MsrpSession, type Session, type SessionOptions, Sessions } from '../messages/session.js';
import { type BoundSession, MsrpConnection } from './connection.js';

export interface SharedConnectionOptions {
  protocol: MsrpProtocol;
  to: Address;
  tls: TlsOptions;
  /** The sockets of the platform when absent. */
  sockets?: Sockets;
  limits: MsrpLimits;
  /** The sessions that requests can be for. */
  sessions: Sessions;
  /** How long the connection stays open without a session, in milliseconds. */
  linger: number;
  /** The connection failed or ended. */
  onEnd?(): void;
}

/** A connection of the active end for all its sessions with one address, in progress or established. */
export class SharedConnection {
  readonly #attempt = new AbortController();
  readonly #opening: Promise<MsrpConnection>;
  #connection: MsrpConnection | undefined;
  #waiting = 0;

  constructor(private readonly options: SharedConnectionOptions) {
    this.#opening = this.#open();
    this.#opening.then(
      (connection) => {
        this.#connection = connection;
      },
      (error: unknown) => {
        this.#attempt.abort(error);
        options.onEnd?.();
      },
    );
  }

  /** False if the attempt failed or was abandoned, or the connection ended. */
  get usable(): boolean {
    return this.#connection ? !this.#connection.closed : !this.#attempt.signal.aborted;
  }

  /** Closes it; pending `join` calls reject with the reason. */
  close(reason: Error): void {
    this.#attempt.abort(reason);
    this.#opening.then(
      (connection) => connection.close(),
      () => {},
    );
  }

  /**
   * Adds the session to the connection when it is established.
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
    const { protocol, to, tls, sockets = platform, limits, sessions, linger, onEnd } = this.options;
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
      onClosed: () => onEnd?.(),
    });
  }

  /** The last session joined or gave up: an attempt without sessions is abandoned. */
  #leave(): void {
    if (!this.#connection) this.#attempt.abort();
    this.#opening.then(
      (connection) => connection.leaveIfUnused(),
      () => {},
    );
  }
}

export interface MsrpConnectorOptions {
  tls?: TlsOptions;
  /** The sockets of the platform when absent. */
  sockets?: Sockets;
  limits?: Partial<MsrpLimits>;
}

export interface ActiveSessionOptions extends SessionOptions {
  /** From the peer's `a=fingerprint` (RFC 8122): its certificate must match one of them; its authority is not checked. */
  fingerprints?: readonly string[];
}

export class MsrpConnector {
  readonly #tls: TlsOptions;
  readonly #sockets: Sockets | undefined;
  readonly #limits: MsrpLimits;
  readonly #sessions: Sessions;
  /** By protocol, address and fingerprints. */
  readonly #connections = new Map<string, SharedConnection>();
  #closed = false;

  constructor({ tls = {}, sockets, limits }: MsrpConnectorOptions = {}) {
    this.#tls = tls;
    this.#sockets = sockets;
    this.#limits = { ...MSRP_LIMITS, ...defined(limits ?? {}) };
    this.#sessions = new Sessions(this.#limits);
  }

  /**
   * Resolves when the connection is established and, if the remote path is known, the SEND that binds the session is
   * written. A peer that refuses the session closes it.
   * @param to the address in the peer's SDP, or that of the first relay.
   * @throws TransportError, ConfigurationError, LimitError, the reason of the signal.
   */
  async connect(
    protocol: MsrpProtocol,
    to: Address,
    options: ActiveSessionOptions,
    signal?: AbortSignal,
  ): Promise<MsrpSession> {
    signal?.throwIfAborted();
    if (this.#closed) throw new TransportError('the MSRP connector is closed');
    const session = this.#sessions.add(options);
    try {
      const connection = await this.#shared(protocol, to, options.fingerprints).join(session, signal);
      this.#bind(session, connection);
    } catch (error) {
      session.close();
      throw error;
    }
    return session;
  }

  /** Closes every session and every connection. */
  async close(): Promise<void> {
    const closed = new TransportError('the MSRP connector was closed');
    this.#closed = true;
    this.#sessions.close();
    for (const shared of this.#connections.values()) shared.close(closed);
  }

  #bind(session: Session, connection: MsrpConnection): void {
    // The owner closed it while it waited.
    if (session.closed) connection.release(session);
    else session.bind(connection);
    if (session.closed || connection.closed) throw new TransportError('the MSRP session was closed');
  }

  #shared(protocol: MsrpProtocol, to: Address, fingerprints: readonly string[] = []): SharedConnection {
    const key = [protocol, to.host, to.port, ...fingerprints].join(' ');
    const known = this.#connections.get(key);
    if (known?.usable) return known;
    const shared = new SharedConnection({
      protocol,
      to,
      tls: { ...this.#tls, fingerprints: fingerprints.length > 0 ? fingerprints : undefined },
      sockets: this.#sockets,
      limits: this.#limits,
      sessions: this.#sessions,
      linger: 0,
      onEnd: () => {
        if (this.#connections.get(key) === shared) this.#connections.delete(key);
      },
    });
    this.#connections.set(key, shared);
    return shared;
  }
}

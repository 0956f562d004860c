/** The active end (RFC 4975 5.4): one connection to an address serves all sessions with it. */

import { TransportError } from '../../errors.js';
import type { Address, Sockets, TlsOptions } from '../../platform/sockets.js';
import { MSRP_LIMITS, type MsrpLimits } from '../frames/limits.js';
import type { MsrpProtocol } from '../frames/uri.js';
import type { MsrpSession, Session, SessionOptions } from '../messages/session.js';
import type { MsrpConnection } from './connection.js';
import { Sessions, SharedConnection } from './shared-connection.js';

export interface MsrpConnectorOptions {
  tls?: TlsOptions;
  /** The machine's own when absent. */
  sockets?: Sockets;
  limits?: Partial<MsrpLimits>;
}

export interface ActiveSessionOptions extends SessionOptions {
  /** Of the peer's `a=fingerprint` (RFC 8122): its certificate is one of these, whoever signed it. */
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
    this.#limits = { ...MSRP_LIMITS, ...limits };
    this.#sessions = new Sessions(this.#limits);
  }

  /**
   * Resolves when there is a connection, and the SEND that binds the session was written; where the remote path is
   * not known yet, without one. A peer that refuses the session closes it.
   * @param to the address of the peer's SDP, or of the first relay.
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
    // Closed while it waited: the connection is not kept for it.
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
      tls: { ...this.#tls, ...(fingerprints.length > 0 && { fingerprints }) },
      sockets: this.#sockets,
      limits: this.#limits,
      sessions: this.#sessions,
      linger: 0,
      onOver: () => {
        if (this.#connections.get(key) === shared) this.#connections.delete(key);
      },
    });
    this.#connections.set(key, shared);
    return shared;
  }
}

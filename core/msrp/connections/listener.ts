/** The passive end (RFC 4975 §5.4): one port for every session. */

import { platform } from '#platform';
import { defined } from '../../defined.js';
import { TransportError } from '../../errors.js';
import type { Address, Channel, Listener, Sockets, TlsOptions } from '../../platform/sockets.js';
import { FRAMED_MESSAGE, MSRP_LIMITS, MSRP_SUBPROTOCOL, type MsrpLimits } from '../frames/limits.js';
import type { MsrpProtocol } from '../frames/uri.js';
import { type MsrpSession, type SessionOptions, Sessions } from '../messages/session.js';
import { MsrpConnection } from './connection.js';

export interface MsrpListenerOptions {
  protocol: MsrpProtocol;
  at: Address;
  /** `cert` and `key`, for tls and wss. */
  tls?: TlsOptions;
  /** The sockets of the platform when absent. */
  sockets?: Sockets;
  limits?: Partial<MsrpLimits>;
}

export class MsrpListener {
  /** With the chosen port, if port 0 was requested. */
  readonly address: Address;
  readonly #listener: Listener;
  readonly #accepted: AcceptedConnections;

  private constructor(listener: Listener, accepted: AcceptedConnections) {
    this.address = listener.address;
    this.#listener = listener;
    this.#accepted = accepted;
  }

  /** @throws TransportError, ConfigurationError */
  static async open({
    protocol,
    at,
    tls,
    sockets = platform,
    limits,
  }: MsrpListenerOptions): Promise<MsrpListener> {
    const accepted = new AcceptedConnections({ ...MSRP_LIMITS, ...defined(limits ?? {}) });
    const options = {
      subprotocol: MSRP_SUBPROTOCOL,
      maxMessage: FRAMED_MESSAGE,
      limits: accepted.limits,
      tls,
    };
    const listener = await sockets.listen(protocol, at, options, (channel) => accepted.accept(channel));
    return new MsrpListener(listener, accepted);
  }

  /**
   * Adds a session that waits for its peer: the first request to its URI binds it to the connection of that request.
   * @throws ConfigurationError, LimitError; TransportError if the listener is closed.
   */
  expect(options: SessionOptions): MsrpSession {
    if (this.#accepted.closed) throw new TransportError('the MSRP listener is closed');
    return this.#accepted.sessions.add(options);
  }

  /** Closes the port, every session and every connection. */
  async close(): Promise<void> {
    this.#accepted.close();
    await this.#listener.close();
  }
}

/** The accepted connections, and the sessions that requests on them can be for. */
class AcceptedConnections {
  readonly sessions: Sessions;
  closed = false;
  readonly #connections = new Set<MsrpConnection>();

  constructor(readonly limits: MsrpLimits) {
    this.sessions = new Sessions(limits);
  }

  accept(channel: Channel): void {
    const connection = new MsrpConnection(channel, {
      limits: this.limits,
      find: (uri) => this.sessions.find(uri),
      linger: this.limits.unboundTimeout,
      onClosed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    if (this.closed) connection.close();
  }

  close(): void {
    this.closed = true;
    this.sessions.close();
    for (const connection of this.#connections) connection.close();
  }
}

/**
 * The client of a relay (RFC 4976 §5): all sessions share one connection to the relay, through which their peers reach
 * them. Each session has its own URI of the relay, which gives access to that session only.
 */

import { defined } from '../../defined.js';
import { TimeoutError, TransportError } from '../../errors.js';
import type { Address, Sockets, TlsOptions } from '../../platform/sockets.js';
import { unlessAborted } from '../../time/abort-signal.js';
import { Timer } from '../../time/clock.js';
import { MSRP_LIMITS, type MsrpLimits } from '../frames/limits.js';
import { localMsrpUri, type MsrpProtocol, parseRelayUri } from '../frames/uri.js';
import { type MsrpSession, type Session, type SessionOptions, Sessions } from '../messages/session.js';
import type { MsrpConnection } from './connection.js';
import { SharedConnection } from './connector.js';
import { type AnswerChallenges, RelayAuth, type RelayGrant } from './relay-auth.js';

/** An MSRP relay and the account of an agent at it. */
export interface RelayAccount {
  /** URI of the relay, `msrps://relay.domain.test:2855;tcp`. */
  uri: string;
  /** Account at the relay. */
  credentials?: {
    /** User name. */
    username: string;
    /** Password. */
    password: string;
  };
  /** `ca`: the authority of the relay's certificate, instead of those of the system. */
  tls?: TlsOptions;
}

export interface MsrpRelayOptions extends Pick<RelayAccount, 'uri' | 'tls'> {
  /** The sockets of the platform when absent. */
  sockets?: Sockets;
  answerChallenges: AnswerChallenges;
  limits?: Partial<MsrpLimits>;
}

/**
 * How long the connection stays open without a session, in milliseconds. RFC 4976 §5.4 suggests an hour; a connection that
 * is silent for that long may have failed unnoticed.
 */
const LINGER = 60_000;
/** Seconds before its end at which a grant is renewed: an AUTH is answered within 30. */
const RENEWAL_MARGIN = 60;
/** Bounds of the granted lifetime, in seconds. */
const SHORTEST_GRANT = 10;
const LONGEST_GRANT = 24 * 60 * 60;

export class MsrpRelay {
  readonly protocol: MsrpProtocol;
  readonly #address: Address;
  readonly #tls: TlsOptions;
  readonly #sockets: Sockets | undefined;
  readonly #limits: MsrpLimits;
  readonly #auth: RelayAuth;
  readonly #sessions: Sessions;
  #connection: SharedConnection | undefined;
  #closed = false;

  /** @throws ConfigurationError if the URI is invalid. */
  constructor({ uri, tls = {}, sockets, answerChallenges, limits }: MsrpRelayOptions) {
    const { protocol, address } = parseRelayUri(uri);
    this.protocol = protocol;
    this.#address = address;
    this.#tls = tls;
    this.#sockets = sockets;
    this.#limits = { ...MSRP_LIMITS, ...defined(limits ?? {}) };
    this.#auth = new RelayAuth(uri, answerChallenges);
    this.#sessions = new Sessions(this.#limits);
  }

  /**
   * Opens a session that peers reach through the relay at its `localPath`. The caller sets its remote path. The session
   * ends (`onClosed`) with the connection to the relay, and before its URI expires without renewal.
   * @param local the address in the URI of the session; no peer connects to it.
   * @throws ConfigurationError if the relay refuses the account; TransportError, TimeoutError, LimitError, the reason of
   * the signal.
   */
  async open(
    local: Address,
    options: Omit<SessionOptions, 'localUri' | 'localPath' | 'remotePath'>,
    signal?: AbortSignal,
  ): Promise<MsrpSession> {
    signal?.throwIfAborted();
    if (this.#closed) throw new TransportError('the client of the MSRP relay is closed');
    const renewal = new Timer();
    const localUri = localMsrpUri(this.protocol, local);
    const session = this.#sessions.add({ ...options, localUri }, () => renewal.clear());
    try {
      const connection = await this.#shared().join(session, signal);
      session.bind(connection);
      const grant = await unlessAborted(this.#granted(session, connection), signal);
      if (session.closed) throw new TransportError('the connection to the MSRP relay was lost');
      session.localPath = [...grant.usePath.toReversed(), localUri];
      this.#renewInTime(session, connection, grant, renewal);
    } catch (error) {
      session.close();
      // The connection has failed: the next session opens another one.
      if (error instanceof TimeoutError) this.#connection = undefined;
      throw error;
    }
    return session;
  }

  /** Closes every session, and the connection. */
  async close(): Promise<void> {
    const closed = new TransportError('the client of the MSRP relay is closed');
    this.#closed = true;
    this.#sessions.close();
    this.#connection?.close(closed);
  }

  #renewInTime(session: Session, connection: MsrpConnection, grant: RelayGrant, renewal: Timer): void {
    const expires = Math.min(Math.max(grant.expires, SHORTEST_GRANT), LONGEST_GRANT);
    renewal.set(Math.max(expires - RENEWAL_MARGIN, expires / 2) * 1000, () => {
      this.#renew(session, connection, grant).then(
        (renewed) => {
          if (!session.closed) this.#renewInTime(session, connection, renewed, renewal);
        },
        (error: Error) => session.lost(error),
      );
    });
  }

  /**
   * Sends AUTH for the same session again. RFC 4976 does not define the result: a relay that extends the lifetime returns
   * the same URI. Another URI would need a new offer, because the peer has the old one (§9.4).
   */
  async #renew(session: Session, connection: MsrpConnection, { usePath }: RelayGrant): Promise<RelayGrant> {
    const grant = await this.#granted(session, connection);
    if (grant.usePath.join(' ') === usePath.join(' ')) return grant;
    throw new TransportError('the URI of the MSRP relay is about to expire');
  }

  #granted(session: Session, connection: MsrpConnection): Promise<RelayGrant> {
    return this.#auth.grant(connection, session.localUri, () => session.closed);
  }

  #shared(): SharedConnection {
    if (!this.#connection?.usable) {
      this.#connection = new SharedConnection({
        protocol: this.protocol,
        to: this.#address,
        tls: this.#tls,
        sockets: this.#sockets,
        limits: this.#limits,
        sessions: this.#sessions,
        linger: LINGER,
      });
    }
    return this.#connection;
  }
}

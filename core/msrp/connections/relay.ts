/**
 * The client's side of a relay (RFC 4976 5): its sessions are on one connection to the relay, and their peers come to
 * them through it. Each has a URI of the relay for itself: whoever has it can send to that session, and to no other.
 */

import { TimeoutError, TransportError } from '../../errors.js';
import type { Address, Sockets, TlsOptions } from '../../platform/sockets.js';
import { Timer } from '../../time/clock.js';
import { unlessAborted } from '../../time/deadline.js';
import { MSRP_LIMITS, type MsrpLimits } from '../frames/limits.js';
import { localMsrpUri, type MsrpProtocol, parseRelayUri } from '../frames/uri.js';
import type { MsrpSession, Session, SessionOptions } from '../messages/session.js';
import type { MsrpConnection } from './connection.js';
import { type AnswerChallenges, RelayAuth, type RelayGrant } from './relay-auth.js';
import { Sessions, SharedConnection } from './shared-connection.js';

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
  /** The machine's own when absent. */
  sockets?: Sockets;
  answerChallenges: AnswerChallenges;
  limits?: Partial<MsrpLimits>;
}

/**
 * How long the connection is kept for the next session, milliseconds. RFC 4976 5.4 has an hour, and lets us choose:
 * what was silent for longer may be dead without our knowing.
 */
const LINGER = 60_000;
/** Seconds ahead of its end at which a grant is renewed: an AUTH has 30 of them for its answer. */
const AHEAD = 60;
/** Bounds for what a relay says, seconds. */
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

  /** @throws ConfigurationError when the URI is none. */
  constructor({ uri, tls = {}, sockets, answerChallenges, limits }: MsrpRelayOptions) {
    const { protocol, address } = parseRelayUri(uri);
    this.protocol = protocol;
    this.#address = address;
    this.#tls = tls;
    this.#sockets = sockets;
    this.#limits = { ...MSRP_LIMITS, ...limits };
    this.#auth = new RelayAuth(uri, answerChallenges);
    this.#sessions = new Sessions(this.#limits);
  }

  /**
   * A session that peers reach through the relay: by its `localPath`. Its remote path is to be set. It is lost
   * (`onClosed`) when the relay is, and before its URI is good no longer.
   * @param local what its URI says of this machine; nobody connects there.
   * @throws ConfigurationError when the relay does not let us use it; TransportError, TimeoutError, LimitError, the
   * reason of the signal.
   */
  async open(
    local: Address,
    options: Omit<SessionOptions, 'localUri' | 'localPath' | 'remotePath'>,
    signal?: AbortSignal,
  ): Promise<MsrpSession> {
    signal?.throwIfAborted();
    if (this.#closed) throw new TransportError('the MSRP relay is not used any more');
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
      // It is dead: the next session has a connection of its own.
      if (error instanceof TimeoutError) this.#connection = undefined;
      throw error;
    }
    return session;
  }

  /** Closes every session, and the connection. */
  async close(): Promise<void> {
    const closed = new TransportError('the MSRP relay is not used any more');
    this.#closed = true;
    this.#sessions.close();
    this.#connection?.close(closed);
  }

  #renewInTime(session: Session, connection: MsrpConnection, grant: RelayGrant, renewal: Timer): void {
    const expires = Math.min(Math.max(grant.expires, SHORTEST_GRANT), LONGEST_GRANT);
    renewal.set(Math.max(expires - AHEAD, expires / 2) * 1000, () => {
      this.#renew(session, connection, grant).then(
        (renewed) => {
          if (!session.closed) this.#renewInTime(session, connection, renewed, renewal);
        },
        (error: Error) => session.lost(error),
      );
    });
  }

  /**
   * AUTH for the same session again. RFC 4976 does not say what comes of it: a relay that makes the URI last longer
   * names it again. Another URI is of no use to a peer that has the old one (9.4): that takes a new offer.
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

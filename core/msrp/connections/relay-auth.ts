/** AUTH: requests a URI of a relay for one session (RFC 4976 §5.1). */

import { ConfigurationError, TransportError } from '../../errors.js';
import { MsrpHeaders, type MsrpResponse, newTransactionId } from '../frames/frame.js';
import { parsePath } from '../frames/uri.js';
import type { MsrpConnection } from './connection.js';

/**
 * Answers one of these challenges (RFC 4976 §9.1: digest).
 * @param challenges values of WWW-Authenticate.
 * @param uri the digest URI; the method is AUTH.
 * @returns the value of Authorization, or undefined if no challenge can be answered.
 */
export type AnswerChallenges = (challenges: readonly string[], uri: string) => string | undefined;

/** The URIs that a relay granted. */
export interface RelayGrant {
  /** In the order of a To-Path: the nearest first. */
  usePath: readonly string[];
  /** Lifetime of the URIs, in seconds. */
  expires: number;
}

/** Requested lifetime, in seconds: common relays grant no more. */
const REQUESTED_EXPIRES = 3600;
/** A challenge, another one for a stale nonce, and a 423 for either bound; more requests mean that the relay is broken. */
const MAX_ATTEMPTS = 6;
/** URIs in a Use-Path: the relays between this end and its peers. */
const MAX_USE_PATH = 10;

/** Sends the AUTH requests of one relay, one at a time. */
export class RelayAuth {
  /** The latest challenges: the next request answers them in advance, which saves a round trip. */
  #challenges: readonly string[] | undefined;
  /** Lifetime to request, in seconds. */
  #expires = REQUESTED_EXPIRES;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param uri the configured URI of the relay. */
  constructor(
    private readonly uri: string,
    private readonly answer: AnswerChallenges,
  ) {}

  /**
   * @param localUri the URI of the session.
   * @param unwanted whether the session is closed.
   * @throws ConfigurationError if the relay refuses the account; TransportError, TimeoutError.
   */
  grant(connection: MsrpConnection, localUri: string, unwanted: () => boolean): Promise<RelayGrant> {
    // RFC 4976 §9.1: one AUTH at a time, so that each can use the nonce of the previous one.
    const granted = this.#turn.then(() => {
      if (unwanted()) throw new TransportError('the MSRP session was closed');
      return this.#ask(connection, localUri);
    });
    this.#turn = granted.catch(() => {});
    return granted;
  }

  async #ask(connection: MsrpConnection, localUri: string): Promise<RelayGrant> {
    let challenged = false;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const response = await this.#request(connection, localUri);
      const { status } = response;
      if (status === 200) return this.#read(response);
      if (status === 423 && this.#adjust(response)) continue;
      if (status !== 401) throw this.#refused(response);
      const challenges = valuesOf(response.headers, 'WWW-Authenticate');
      // Another challenge after an answer, and the nonce is not stale: the password is wrong.
      if (challenged && !challenges.some(isStale)) throw this.#refused(response);
      this.#challenges = challenges;
      challenged = true;
    }
    throw new TransportError(`the MSRP relay ${this.uri} sent ${MAX_ATTEMPTS} challenges in a row`);
  }

  async #request(connection: MsrpConnection, localUri: string): Promise<MsrpResponse> {
    const headers = new MsrpHeaders().set('Expires', String(this.#expires));
    if (this.#challenges) {
      const authorization = this.answer(this.#challenges, this.uri);
      if (authorization === undefined) {
        this.#challenges = undefined;
        throw new ConfigurationError(
          `the MSRP relay ${this.uri} requires a username and password: set "username" and "password"`,
        );
      }
      headers.set('Authorization', authorization);
    }
    const transactionId = newTransactionId();
    const paths = { toPath: [this.uri], fromPath: [localUri] };
    return await connection.request({ method: 'AUTH', transactionId, ...paths, headers });
  }

  #read({ headers }: MsrpResponse): RelayGrant {
    const usePath = parsePath(headers.get('Use-Path') ?? '')?.map(String) ?? [];
    if (usePath.length === 0 || usePath.length > MAX_USE_PATH) {
      throw new TransportError(`the MSRP relay ${this.uri} sent no valid Use-Path`);
    }
    return { usePath, expires: secondsIn(headers, 'Expires') ?? this.#expires };
  }

  /** Adjusts the requested lifetime (RFC 4976 §4.6). @returns whether it changed. */
  #adjust({ headers }: MsrpResponse): boolean {
    const shortest = secondsIn(headers, 'Min-Expires') ?? 0;
    const longest = secondsIn(headers, 'Max-Expires') ?? Number.POSITIVE_INFINITY;
    const before = this.#expires;
    this.#expires = Math.max(1, shortest, Math.min(before, longest));
    return this.#expires !== before;
  }

  #refused({ status, comment }: MsrpResponse): Error {
    const answer = `${status} ${comment}`.trimEnd();
    if (status !== 401 && status !== 403) {
      return new TransportError(`the MSRP relay ${this.uri} refused: ${answer}`);
    }
    this.#challenges = undefined;
    return new ConfigurationError(`the MSRP relay ${this.uri} refused the username or password: ${answer}`);
  }
}

function valuesOf(headers: MsrpHeaders, name: string): string[] {
  const wanted = name.toLowerCase();
  return Array.from(headers.entries()).flatMap(([each, value]) =>
    each.toLowerCase() === wanted ? value : [],
  );
}

function isStale(challenge: string): boolean {
  return /[\s,]stale\s*=\s*"?true/i.test(challenge);
}

function secondsIn(headers: MsrpHeaders, name: string): number | undefined {
  const text = headers.get(name) ?? '';
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

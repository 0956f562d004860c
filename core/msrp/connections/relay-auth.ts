/** AUTH: a URI of a relay for one session (RFC 4976 5.1). */

import { ConfigurationError, TransportError } from '../../errors.js';
import { MsrpHeaders, type MsrpResponse, newTransactionId } from '../frames/frame.js';
import { parsePath } from '../frames/uri.js';
import type { MsrpConnection } from './connection.js';

/**
 * The value of an Authorization header for one of these challenges (RFC 4976 9.1: digest), undefined where none of
 * them can be answered.
 * @param challenges values of WWW-Authenticate.
 * @param uri what is asked for with the method AUTH.
 */
export type AnswerChallenges = (challenges: readonly string[], uri: string) => string | undefined;

/** What a relay has granted. */
export interface RelayGrant {
  /** As a To-Path has them: the nearest first. */
  usePath: readonly string[];
  /** Seconds that the URIs are good for. */
  expires: number;
}

/** Seconds: common relays grant as much at most. A session that lasts longer is broken off, and resumed. */
const ASKED_EXPIRES = 3600;
/** For a challenge, another one when the nonce was stale, and a 423 about either bound. More is a broken relay. */
const MAX_ATTEMPTS = 6;
/** Relays on the way to ours. */
const MAX_USE_PATH = 10;

export class RelayAuth {
  /** The latest: the next request answers them unasked, which saves a round trip. */
  #challenges: readonly string[] | undefined;
  /** Seconds to ask for. */
  #expires = ASKED_EXPIRES;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param uri of the relay, as configured. */
  constructor(
    private readonly uri: string,
    private readonly answer: AnswerChallenges,
  ) {}

  /**
   * @param localUri of the session.
   * @param unwanted says that nobody waits for it any more.
   * @throws ConfigurationError when the relay does not let us use it; TransportError, TimeoutError.
   */
  grant(connection: MsrpConnection, localUri: string, unwanted: () => boolean): Promise<RelayGrant> {
    // RFC 4976 9.1: AUTH requests are not pipelined, so that each can use the nonce of the one before.
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
      // The same again after an answer: the password is wrong.
      if (challenged && !challenges.some(isStale)) throw this.#refused(response);
      this.#challenges = challenges;
      challenged = true;
    }
    throw new TransportError(`the MSRP relay ${this.uri} asks again and again`);
  }

  async #request(connection: MsrpConnection, localUri: string): Promise<MsrpResponse> {
    const headers = new MsrpHeaders().set('Expires', String(this.#expires));
    if (this.#challenges) {
      const authorization = this.answer(this.#challenges, this.uri);
      if (authorization === undefined) {
        this.#challenges = undefined;
        throw new ConfigurationError(`no username and password for the MSRP relay ${this.uri}`);
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
      throw new TransportError(`the MSRP relay ${this.uri} names no URI to use`);
    }
    return { usePath, expires: secondsIn(headers, 'Expires') ?? this.#expires };
  }

  /** RFC 4976 4.6. @returns whether it is worth to ask again. */
  #adjust({ headers }: MsrpResponse): boolean {
    const shortest = secondsIn(headers, 'Min-Expires') ?? 0;
    const longest = secondsIn(headers, 'Max-Expires') ?? Number.POSITIVE_INFINITY;
    const before = this.#expires;
    this.#expires = Math.max(1, shortest, Math.min(before, longest));
    return this.#expires !== before;
  }

  #refused({ status, comment }: MsrpResponse): Error {
    const said = `${status} ${comment}`.trimEnd();
    if (status !== 401 && status !== 403) {
      return new TransportError(`the MSRP relay ${this.uri} refused: ${said}`);
    }
    this.#challenges = undefined;
    return new ConfigurationError(
      `the MSRP relay ${this.uri} does not take our username and password: ${said}`,
    );
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

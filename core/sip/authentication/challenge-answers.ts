/** Answers the challenges of one response, in each following request. */

import { answerChallenge, type DigestOptions, type NonceState } from './digest.js';

export interface Answer {
  /** Of an Authorization or Proxy-Authorization header. */
  value: string;
  /** False: the answer asks for another challenge (RFC 3310 §3.4). */
  settles: boolean;
}

/** Undefined if none of the challenges can be answered. Rejects with TransportError. */
export type Answers = (
  request: Pick<DigestOptions, 'method' | 'uri' | 'body'>,
) => Answer | undefined | Promise<Answer | undefined>;

export interface Credentials {
  username: string;
  password: string;
}

export function passwordAnswers(challenges: readonly string[], { username, password }: Credentials): Answers {
  const nonces: NonceState = new Map();
  return ({ method, uri, body }) => {
    const value = answerChallenge(challenges, { username, password, method, uri, body, nonces });
    return value === undefined ? undefined : { value, settles: true };
  };
}

/** Nonces in memory: a server that sends a new nonce each time invalidates the older ones. */
const MAX_NONCES = 16;

/**
 * Answers the challenges of one server of a protocol other than SIP, e.g. an MSRP relay (RFC 4976 §9.1).
 * @param method of the requests that carry the answers.
 * @returns the value of an Authorization header for one of the challenges; undefined if none can be answered.
 */
export function digestAnswers(
  credentials: Credentials | undefined,
  method: string,
): (challenges: readonly string[], uri: string) => string | undefined {
  const nonces: NonceState = new Map();
  return (challenges, uri) => {
    if (!credentials) return undefined;
    if (nonces.size >= MAX_NONCES) nonces.clear();
    return answerChallenge(challenges, { ...credentials, method, uri, body: new Uint8Array(0), nonces });
  };
}

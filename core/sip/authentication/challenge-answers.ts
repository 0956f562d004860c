/** What answers the challenges of one response, for request after request. */

import { answerChallenge, type DigestOptions, type NonceState } from './digest.js';

export interface Answer {
  /** Of an Authorization or Proxy-Authorization header. */
  value: string;
  /** False: it asks for another challenge, which may be met then (RFC 3310 3.4). */
  settles: boolean;
}

/** Undefined where none of the challenges can be answered. Rejects with TransportError. */
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

/** Answers to the digest challenges of one server of another protocol than SIP, as of an MSRP relay (RFC 4976 9.1). */

/** A server that has a new nonce each time makes the older ones worthless. */
const MAX_NONCES = 16;

/**
 * @param method of the requests that will carry the answers.
 * @returns the value of an Authorization header for one of the challenges; undefined where none can be answered.
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

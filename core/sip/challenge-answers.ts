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

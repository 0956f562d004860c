/** Answers to the digest challenges of one server of another protocol than SIP, as of an MSRP relay (RFC 4976 9.1). */

import type { Credentials } from './challenge-answers.js';
import { answerChallenge, type NonceState } from './digest.js';

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

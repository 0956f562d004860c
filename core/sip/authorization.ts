/** Answers digest challenges on behalf of one user (RFC 3261 22, RFC 8760). */

import { answerChallenge, type NonceState } from './digest.js';
import type { SipRequest, SipResponse } from './message.js';

export interface Credentials {
  username: string;
  password: string;
}

/**
 * Challenges answered for one request: a registrar's 401 and a proxy's 407, each once more when stale. More
 * than that is a wrong password or a broken peer.
 */
const MAX_ANSWERS = 4;

const SCHEMES = {
  401: { challenge: 'WWW-Authenticate', answer: 'Authorization' },
  407: { challenge: 'Proxy-Authenticate', answer: 'Proxy-Authorization' },
} as const;

type ChallengeStatus = keyof typeof SCHEMES;

export class Authorization {
  /** Latest challenges by kind: the next request answers them unasked, which saves a round trip each. */
  readonly #known = new Map<ChallengeStatus, { challenges: string[]; nonces: NonceState }>();

  constructor(private readonly credentials: Credentials | undefined) {}

  /**
   * Sends `request` until it is answered by something else than a challenge that these credentials can meet.
   * @param nextCSeq a number for the next attempt (RFC 3261 22.2: each is a new request).
   */
  async send(
    request: SipRequest,
    nextCSeq: () => number,
    send: (request: SipRequest) => Promise<SipResponse>,
  ): Promise<SipResponse> {
    const answered = new Set<ChallengeStatus>();
    for (const status of this.#known.keys()) this.#answer(request, status);
    for (let attempt = 0; ; attempt++) {
      const response = await send(request);
      const { status } = response;
      if ((status !== 401 && status !== 407) || attempt === MAX_ANSWERS) return response;
      const challenges = response.headers.getAll(SCHEMES[status].challenge);
      const stale = challenges.some((challenge) => /[\s,]stale\s*=\s*"?true/i.test(challenge));
      // The same challenge again after an answer to it: the credentials are wrong.
      if (answered.has(status) && !stale) return response;
      this.#known.set(status, { challenges, nonces: new Map() });
      if (!this.#answer(request, status)) {
        this.#known.delete(status);
        return response;
      }
      answered.add(status);
      request.headers.set('CSeq', `${nextCSeq()} ${request.method}`);
    }
  }

  #answer(request: SipRequest, status: ChallengeStatus): boolean {
    const known = this.#known.get(status);
    if (!this.credentials || !known) return false;
    const answer = answerChallenge(known.challenges, {
      ...this.credentials,
      method: request.method,
      uri: request.uri,
      body: request.body,
      nonces: known.nonces,
    });
    if (answer === undefined) return false;
    request.headers.set(SCHEMES[status].answer, answer);
    return true;
  }
}

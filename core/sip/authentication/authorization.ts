/** Answers digest challenges for one user (RFC 3261 §22, RFC 8760) with a password or a UICC (RFC 3310). */

import type { SipRequest, SipResponse } from '../message/message.js';
import type { AkaCredentials } from './aka-answers.js';
import { type Answers, type Credentials, passwordAnswers } from './challenge-answers.js';

export type { AkaCredentials } from './aka-answers.js';
export type { Credentials } from './challenge-answers.js';

/** Credentials that prove our identity to a SIP/IP core. */
export type AccountCredentials = Credentials | AkaCredentials;

/**
 * Challenges that are answered for one request: a 401 of the registrar and a 407 of a proxy, each once more if stale.
 * More than that means a wrong password or a broken peer.
 */
const MAX_ANSWERS = 4;
/** 3GPP TS 24.229 §5.1.1.5.3: invalid challenges in a row that a UICC answers with an error. */
const MAX_WRONG = 2;

const SCHEMES = {
  401: { challenge: 'WWW-Authenticate', answer: 'Authorization' },
  407: { challenge: 'Proxy-Authenticate', answer: 'Proxy-Authorization' },
} as const;

type ChallengeStatus = keyof typeof SCHEMES;

export class Authorization {
  /** The latest challenges by kind: the next request answers them in advance, which saves a round trip. */
  readonly #known = new Map<ChallengeStatus, Answers>();

  constructor(private readonly credentials: AccountCredentials | undefined) {}

  /**
   * Sends `request` until its response is not a challenge that these credentials can answer.
   * @param nextCSeq the number of the next attempt (RFC 3261 §22.2: each is a new request).
   */
  async send(
    request: SipRequest,
    nextCSeq: () => number,
    send: (request: SipRequest) => Promise<SipResponse>,
  ): Promise<SipResponse> {
    const answered = new Set<ChallengeStatus>();
    let wrong = 0;
    await this.#answerUnasked(request);
    for (let attempt = 0; ; attempt++) {
      const response = await send(request);
      const { status } = response;
      if ((status !== 401 && status !== 407) || attempt === MAX_ANSWERS) return response;
      const challenges = response.headers.getAll(SCHEMES[status].challenge);
      const stale = challenges.some((challenge) => /[\s,]stale\s*=\s*"?true/i.test(challenge));
      // The same challenge after its answer: the credentials are wrong.
      if ((answered.has(status) && !stale) || wrong === MAX_WRONG) return response;
      this.#learn(status, challenges);
      const answer = await this.#answer(request, status);
      if (answer === 'none') return response;
      if (answer === 'wrong') wrong++;
      else answered.add(status);
      request.headers.set('CSeq', `${nextCSeq()} ${request.method}`);
    }
  }

  #learn(status: ChallengeStatus, challenges: readonly string[]): void {
    const { credentials } = this;
    this.#known.delete(status);
    if (!credentials) return;
    const answers =
      'password' in credentials ? passwordAnswers(challenges, credentials) : credentials.answers(challenges);
    if (answers) this.#known.set(status, answers);
  }

  async #answerUnasked(request: SipRequest): Promise<void> {
    const { credentials } = this;
    const unchallenged = credentials && 'unchallenged' in credentials && !this.#known.has(401);
    if (request.method === 'REGISTER' && unchallenged) {
      request.headers.set(SCHEMES[401].answer, credentials.unchallenged(request.uri));
    }
    for (const status of [...this.#known.keys()]) await this.#answer(request, status);
  }

  /** `wrong`: the challenge is invalid, and the answer reports it. */
  async #answer(request: SipRequest, status: ChallengeStatus): Promise<'met' | 'wrong' | 'none'> {
    const answers = this.#known.get(status);
    let settled = false;
    try {
      const answer = await answers?.(request);
      if (!answer) return 'none';
      request.headers.set(SCHEMES[status].answer, answer.value);
      settled = answer.settles;
      return settled ? 'met' : 'wrong';
    } finally {
      // Another request may have stored later challenges meanwhile.
      if (!settled && this.#known.get(status) === answers) this.#known.delete(status);
    }
  }
}

/** Answers digest challenges on behalf of one user (RFC 3261 22, RFC 8760), who has a password or a UICC (RFC 3310). */

import type { SipRequest, SipResponse } from '../message/message.js';
import type { AkaCredentials } from './aka/aka-answers.js';
import { type Answers, type Credentials, passwordAnswers } from './challenge-answers.js';

export type { AkaCredentials } from './aka/aka-answers.js';
export type { Credentials } from './challenge-answers.js';

/** What proves to a SIP/IP core who we are. */
export type AccountCredentials = Credentials | AkaCredentials;

/**
 * Challenges answered for one request: a registrar's 401 and a proxy's 407, each once more when stale. More
 * than that is a wrong password or a broken peer.
 */
const MAX_ANSWERS = 4;
/** 3GPP TS 24.229 5.1.1.5.3: challenges in a row that a UICC finds wrong, and that are answered by saying so. */
const MAX_WRONG = 2;

const SCHEMES = {
  401: { challenge: 'WWW-Authenticate', answer: 'Authorization' },
  407: { challenge: 'Proxy-Authenticate', answer: 'Proxy-Authorization' },
} as const;

type ChallengeStatus = keyof typeof SCHEMES;

export class Authorization {
  /** Latest challenges by kind: the next request answers them unasked, which saves a round trip each. */
  readonly #known = new Map<ChallengeStatus, Answers>();

  constructor(private readonly credentials: AccountCredentials | undefined) {}

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
    let wrong = 0;
    await this.#answerUnasked(request);
    for (let attempt = 0; ; attempt++) {
      const response = await send(request);
      const { status } = response;
      if ((status !== 401 && status !== 407) || attempt === MAX_ANSWERS) return response;
      const challenges = response.headers.getAll(SCHEMES[status].challenge);
      const stale = challenges.some((challenge) => /[\s,]stale\s*=\s*"?true/i.test(challenge));
      // The same challenge again after an answer to it: the credentials are wrong.
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

  /** `wrong`: the challenge is, and the answer says so. */
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
      // Another request may have learnt of later ones meanwhile.
      if (!settled && this.#known.get(status) === answers) this.#known.delete(status);
    }
  }
}

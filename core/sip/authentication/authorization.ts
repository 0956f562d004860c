/** Answers digest challenges for one user (RFC 3261 §22, RFC 8760) with a password or a UICC (RFC 3310). */

import type { SipRequest, SipResponse } from '../message/message.js';
import { SipUri } from '../values/uri.js';
import type { AkaCredentials } from './aka-answers.js';
import { type Answers, type Credentials, passwordAnswers } from './challenge-answers.js';
import { parseAuthParameters } from './digest.js';

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

/** Challenges in memory: of the registrar, and of the domains and users of the latest requests. */
const MAX_KNOWN = 100;
/** Realms of one core; it has one or two. */
const MAX_REALMS = 16;

/**
 * An answer lets its receiver guess the password offline, so it is sent only where the challenge came from (RFC 3261
 * §22.1 to §22.3), and only for a realm of the core.
 */
export class Authorization {
  /**
   * The latest challenges by their origin: the next request on the same way answers them in advance, which saves a round
   * trip.
   */
  readonly #known = new Map<string, Answers>();
  /** Realms in the challenges to our REGISTERs, which no other user can answer. Empty if there were none. */
  readonly #realms = new Set<string>();

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
      this.#learn(request, status, challenges);
      const answer = await this.#answer(request, status);
      if (answer === 'none') return response;
      if (answer === 'wrong') wrong++;
      else answered.add(status);
      request.headers.set('CSeq', `${nextCSeq()} ${request.method}`);
    }
  }

  #learn(request: SipRequest, status: ChallengeStatus, challenges: readonly string[]): void {
    const { credentials } = this;
    const origin = originOf(request, status);
    this.#known.delete(origin);
    if (!credentials) return;
    const ours = challenges.filter((challenge) => this.#isOurs(request, challenge));
    const answers =
      'password' in credentials ? passwordAnswers(ours, credentials) : credentials.answers(ours);
    if (answers) this.#known.set(origin, answers);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) break;
      this.#known.delete(oldest);
    }
  }

  /** Only the core answers a REGISTER. Other requests reach users, who can challenge, too. */
  #isOurs({ method }: SipRequest, challenge: string): boolean {
    const realms = (parseAuthParameters(challenge) ?? []).map(
      ({ parameters }) => parameters.get('realm') ?? '',
    );
    if (method === 'REGISTER') {
      for (const realm of realms) if (this.#realms.size < MAX_REALMS) this.#realms.add(realm);
    }
    return this.#realms.size === 0 || realms.every((realm) => this.#realms.has(realm));
  }

  async #answerUnasked(request: SipRequest): Promise<void> {
    const { credentials } = this;
    const unchallenged =
      credentials && 'unchallenged' in credentials && !this.#known.has(originOf(request, 401));
    if (request.method === 'REGISTER' && unchallenged) {
      request.headers.set(SCHEMES[401].answer, credentials.unchallenged(request.uri));
    }
    await this.#answer(request, 401);
    await this.#answer(request, 407);
  }

  /** `wrong`: the challenge is invalid, and the answer reports it. */
  async #answer(request: SipRequest, status: ChallengeStatus): Promise<'met' | 'wrong' | 'none'> {
    const origin = originOf(request, status);
    const answers = this.#known.get(origin);
    let settled = false;
    try {
      const answer = await answers?.(request);
      if (!answer) return 'none';
      request.headers.set(SCHEMES[status].answer, answer.value);
      settled = answer.settles;
      return settled ? 'met' : 'wrong';
    } finally {
      // Another request may have stored later challenges meanwhile.
      if (!settled && this.#known.get(origin) === answers) this.#known.delete(origin);
    }
  }
}

/**
 * Where a challenge to this request comes from. A 401 is of the registrar, or of the server of a user for one method; a
 * 407 is of a proxy on the way to a domain.
 */
function originOf({ method, uri }: SipRequest, status: ChallengeStatus): string {
  if (status === 401) return `401 ${method} ${uri}`;
  return `407 ${SipUri.parse(uri)?.host.toLowerCase() ?? uri}`;
}

/**
 * Answers digest challenges for one user (RFC 3261 §22, RFC 8760) with a password or a UICC (RFC 3310), and the first hop
 * that requires a security agreement (RFC 3329).
 */

import type { SipHeaders, SipRequest, SipResponse } from '../message/message.js';
import { SipUri } from '../values/uri.js';
import type { AkaCredentials } from './aka-answers.js';
import { type Answers, type Credentials, passwordAnswers } from './challenge-answers.js';
import { parseAuthParameters } from './digest.js';

export type { AkaCredentials } from './aka-answers.js';
export type { Credentials } from './challenge-answers.js';

/** Credentials that prove our identity to a SIP/IP core. */
export type AccountCredentials = Credentials | AkaCredentials;

/**
 * Challenges that are answered for one request: a 401 of the registrar, and a 407 of each of two proxies on the way, each
 * once more if stale. More than that means a wrong password or a broken peer.
 */
const MAX_ANSWERS = 6;
/** 3GPP TS 24.229 §5.1.1.5.3: invalid challenges in a row that a UICC answers with an error. */
const MAX_WRONG = 2;

/** The option tag of RFC 3329. */
const AGREEMENT = 'sec-agree';
/** Mechanisms of one first hop; RFC 3329 has five. */
const MAX_MECHANISMS = 16;

const SCHEMES = {
  401: { challenge: 'WWW-Authenticate', answer: 'Authorization' },
  407: { challenge: 'Proxy-Authenticate', answer: 'Proxy-Authorization' },
} as const;

type ChallengeStatus = keyof typeof SCHEMES;

/** Origins of challenges in memory: the registrar, and the domains and users of the latest requests. */
const MAX_KNOWN = 100;
/** Realms of one core, and of one origin; there are one or two. */
const MAX_REALMS = 16;

/**
 * An answer lets its receiver guess the password offline, so it is sent only where the challenge came from (RFC 3261
 * §22.1 to §22.3), and only for a realm of the core.
 */
export class Authorization {
  /**
   * The latest challenges by their origin and realm: the next request on the same path answers them in advance, which saves
   * a round trip. Each proxy on the way needs the answer for its realm (RFC 3261 §22.3).
   */
  readonly #known = new Map<string, Map<string, Answers>>();
  /** Realms in the challenges to our REGISTERs, which no other user can answer. Empty if there were none. */
  readonly #realms = new Set<string>();
  /**
   * The mechanisms of the first hop in Security-Server, once it required an agreement: requests repeat them in
   * Security-Verify, so that the first hop detects whether they were changed on the way.
   */
  #mechanisms: readonly string[] | undefined;

  /** @param usesTls whether requests are sent over TLS, the one mechanism that is supported. */
  constructor(
    private readonly credentials: AccountCredentials | undefined,
    private readonly usesTls: () => boolean = () => false,
  ) {}

  /**
   * Sends `request` until its response is neither a challenge that these credentials can answer, nor requires an agreement.
   * @param nextCSeq the number of the next attempt (RFC 3261 §22.2: each is a new request).
   */
  async send(
    request: SipRequest,
    nextCSeq: () => number,
    send: (request: SipRequest) => Promise<SipResponse>,
  ): Promise<SipResponse> {
    /** Status and realm of each challenge that was answered. */
    const answered = new Set<string>();
    let wrong = 0;
    let agreed = false;
    await this.#answerUnasked(request);
    for (let attempt = 0; ; attempt++) {
      this.#addAgreement(request);
      const response = await send(request);
      const { status } = response;
      if (this.#agree(request.method, response) && !agreed) {
        agreed = true;
        request.headers.set('CSeq', `${nextCSeq()} ${request.method}`);
        continue;
      }
      if ((status !== 401 && status !== 407) || attempt === MAX_ANSWERS) return response;
      const challenges = byRealm(response.headers.getAll(SCHEMES[status].challenge));
      const isNew = ([realm, texts]: [string, string[]]) =>
        !answered.has(`${status} ${realm}`) || texts.some(isStale);
      // The same challenge after its answer: the credentials are wrong.
      if ((challenges.size > 0 && ![...challenges].some(isNew)) || wrong === MAX_WRONG) return response;
      if (!this.#learn(request, status, challenges)) return response;
      const answer = await this.#answer(request, status);
      if (answer === 'none') return response;
      if (answer === 'wrong') wrong++;
      else for (const realm of challenges.keys()) answered.add(`${status} ${realm}`);
      request.headers.set('CSeq', `${nextCSeq()} ${request.method}`);
    }
  }

  /**
   * RFC 3329 §2.3.1. A 494 lists the mechanisms of the first hop; a 421 asks for ours. Only the answer to a REGISTER begins or
   * ends the agreement: another can come from the receiver of the request, and concerns all requests to the first hop.
   * @returns whether to send again.
   */
  #agree(method: string, { status, headers }: SipResponse): boolean {
    if (method === 'REGISTER') {
      // Another first hop, which has no agreement.
      if (this.#mechanisms && status === 420 && headers.getAll('Unsupported').some(isAgreement)) {
        this.#mechanisms = undefined;
        return true;
      }
    } else if (!this.#mechanisms) {
      return false;
    }
    const offered = headers.getAll('Security-Server');
    const requires = status === 494 || (status === 421 && headers.getAll('Require').some(isAgreement));
    if (!(requires || this.#mechanisms) || !this.usesTls()) return false;
    if (offered.length > 0 && offered.length <= MAX_MECHANISMS) this.#mechanisms = offered;
    else if (status === 421) this.#mechanisms ??= [];
    const [first] = this.#mechanisms ?? [];
    return requires && (status === 421 || (first !== undefined && offered.some(isTls)));
  }

  #addAgreement({ headers }: SipRequest): void {
    if (!this.#mechanisms || !this.usesTls()) {
      if (headers.has('Security-Client')) withoutAgreement(headers);
      return;
    }
    headers.set('Security-Client', 'tls').set('Security-Verify', this.#mechanisms);
    for (const name of ['Require', 'Proxy-Require'])
      if (!headers.getAll(name).some(isAgreement)) headers.append(name, AGREEMENT);
  }

  /** @returns whether one of the challenges can be answered. */
  #learn(request: SipRequest, status: ChallengeStatus, challenges: ReadonlyMap<string, string[]>): boolean {
    const { credentials } = this;
    const origin = originOf(request, status);
    // There is one registrar, or one server of a user; the proxies on the way challenge one after the other.
    const known = (status === 407 && this.#known.get(origin)) || new Map<string, Answers>();
    this.#known.delete(origin);
    let learned = false;
    for (const [realm, texts] of challenges) {
      known.delete(realm);
      if (!credentials || !this.#isOurs(request, texts) || known.size >= MAX_REALMS) continue;
      const answers =
        'password' in credentials ? passwordAnswers(texts, credentials) : credentials.answers(texts);
      if (!answers) continue;
      known.set(realm, answers);
      learned = true;
    }
    if (known.size > 0) this.#known.set(origin, known);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) break;
      this.#known.delete(oldest);
    }
    return learned;
  }

  /** Only the core answers a REGISTER. Other requests reach users, who can challenge, too. */
  #isOurs({ method }: SipRequest, challenges: readonly string[]): boolean {
    const realms = challenges.flatMap(realmsOf);
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

  /** Answers the known challenges of each realm. `wrong`: a challenge is invalid, and the answer reports it. */
  async #answer(request: SipRequest, status: ChallengeStatus): Promise<'met' | 'wrong' | 'none'> {
    const origin = originOf(request, status);
    const known = this.#known.get(origin) ?? new Map<string, Answers>();
    const values: string[] = [];
    let result: 'met' | 'wrong' = 'met';
    for (const [realm, answers] of [...known]) {
      let settled = false;
      try {
        const answer = await answers(request);
        if (!answer) continue;
        values.push(answer.value);
        settled = answer.settles;
        if (!settled) result = 'wrong';
      } finally {
        // Another request may have stored later challenges meanwhile.
        if (!settled && known.get(realm) === answers) known.delete(realm);
        if (known.size === 0 && this.#known.get(origin) === known) this.#known.delete(origin);
      }
    }
    if (values.length === 0) return 'none';
    request.headers.set(SCHEMES[status].answer, values);
    return result;
  }
}

function withoutAgreement(headers: SipHeaders): void {
  headers.delete('Security-Client');
  headers.delete('Security-Verify');
  for (const name of ['Require', 'Proxy-Require'])
    headers.set(
      name,
      headers.getAll(name).filter((tag) => !isAgreement(tag)),
    );
}

function isAgreement(tag: string): boolean {
  return tag.toLowerCase() === AGREEMENT;
}

function isTls(mechanism: string): boolean {
  return /^tls[ \t]*(?:;|$)/i.test(mechanism);
}

function realmsOf(challenge: string): string[] {
  return (parseAuthParameters(challenge) ?? []).map(({ parameters }) => parameters.get('realm') ?? '');
}

/** Challenges by their realms; several of one realm are alternatives, and so are those on one line (see `digest.ts`). */
function byRealm(challenges: readonly string[]): Map<string, string[]> {
  const realms = new Map<string, string[]>();
  for (const challenge of challenges) {
    const realm = [...new Set(realmsOf(challenge))].join();
    realms.set(realm, [...(realms.get(realm) ?? []), challenge]);
  }
  return realms;
}

function isStale(challenge: string): boolean {
  return /[\s,]stale\s*=\s*"?true/i.test(challenge);
}

/**
 * Where a challenge to this request comes from. A 401 is of the registrar, or of the server of a user for one method; a
 * 407 is of a proxy on the way to a domain.
 */
function originOf({ method, uri }: SipRequest, status: ChallengeStatus): string {
  if (status === 401) return `401 ${method} ${uri}`;
  return `407 ${SipUri.parse(uri)?.host.toLowerCase() ?? uri}`;
}

/** Answers the challenges of IMS AKA: digest whose password a UICC computes from the nonce (RFC 3310). */

import { TimeoutError, TransportError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import { systemClock } from '../../time/clock.js';
import { within } from '../../time/deadline.js';
import type { Answers } from './challenge-answers.js';
import {
  answerWith,
  type Challenge,
  type DigestAlgorithm,
  formatAuthParameters,
  parseAlgorithm,
  readChallenges,
  strongest,
} from './digest.js';
import { BLOCK } from './milenage.js';
import type { Uicc, UiccAnswer } from './software-uicc.js';

/** Credentials of a UICC, created by `akaCredentials`. */
export interface AkaCredentials {
  /** The private identity, `bob@domain.test`. */
  readonly username: string;
  /** @returns undefined if none of the challenges is of AKA. */
  answers(challenges: readonly string[]): Answers | undefined;
  /**
   * The header of the first REGISTER, which names the user to the core (3GPP TS 24.229 §5.1.1.2.2).
   * @param uri of the registrar, `sip:domain.test`
   */
  unchallenged(uri: string): string;
}

/** A card answers within a second; a removed one never does. Milliseconds. */
const UICC_DEADLINE = 10_000;

const PREFIX = 'akav1-';
/** Quoted-strings; only `algorithm` is not quoted (RFC 3310 §3.4, RFC 7616 §3.4). */
const BARE = new Set(['algorithm']);

/**
 * Credentials of a subscriber with a UICC.
 * @param username the private identity, `bob@domain.test`.
 * @param uicc the UICC of the subscriber.
 */
export function akaCredentials(username: string, uicc: Uicc): AkaCredentials {
  return {
    username,
    answers: (challenges) => akaAnswers(challenges, username, uicc),
    unchallenged: (uri) => unchallenged(username, uri),
  };
}

/** The UICC is asked once for each challenge: it accepts none twice. */
function akaAnswers(challenges: readonly string[], username: string, uicc: Uicc): Answers | undefined {
  const challenge = strongest(readChallenges(challenges, akaAlgorithm));
  const token = challenge && tokenOf(challenge.nonce);
  if (!challenge || !token) return undefined;
  const nonces = new Map<string, number>();
  let asked: Promise<UiccAnswer> | undefined;
  return async (request) => {
    asked ??= ask(uicc, token);
    const answer = await asked;
    const options = { ...request, username, nonces };
    switch (answer.result) {
      case 'authenticated':
        return { value: answerWith(challenge, { ...options, password: answer.res }), settles: true };
      case 'synchronisation failure': {
        // RFC 3310 §3.4: the password is empty.
        const value = answerWith(challenge, { ...options, password: '' });
        return { value: `${value}, auts="${btoa(String.fromCharCode(...answer.auts))}"`, settles: false };
      }
      case 'mac failure':
        return { value: withoutResponse(username, challenge, request.uri), settles: false };
    }
  };
}

function unchallenged(username: string, uri: string): string {
  const realm = uri.replace(/^sips?:/i, '');
  return withoutResponse(username, { realm, nonce: '', algorithmName: undefined, opaque: undefined }, uri);
}

/** 3GPP TS 24.229 §5.1.1.5.3: an invalid network learns only that its challenge was rejected. */
function withoutResponse(
  username: string,
  { realm, nonce, algorithmName, opaque }: Pick<Challenge, 'realm' | 'nonce' | 'algorithmName' | 'opaque'>,
  uri: string,
): string {
  const written: [string, string][] = [
    ['username', username],
    ['realm', realm],
    ['nonce', nonce],
    ['uri', uri],
    ['response', ''],
    ...(algorithmName === undefined ? [] : [['algorithm', algorithmName] satisfies [string, string]]),
    ...(opaque === undefined ? [] : [['opaque', opaque] satisfies [string, string]]),
  ];
  return formatAuthParameters('Digest', written, BARE);
}

function akaAlgorithm(name = ''): DigestAlgorithm | undefined {
  return name.toLowerCase().startsWith(PREFIX) ? parseAlgorithm(name.slice(PREFIX.length)) : undefined;
}

/** RAND, AUTN, and optional data of the server (RFC 3310 §3.2). */
function tokenOf(nonce: string): { rand: Uint8Array; autn: Uint8Array } | undefined {
  try {
    const octets = Uint8Array.from(atob(nonce), (character) => character.charCodeAt(0));
    if (octets.length < 2 * BLOCK) return undefined;
    return { rand: octets.slice(0, BLOCK), autn: octets.slice(BLOCK, 2 * BLOCK) };
  } catch {
    // Not base64.
    return undefined;
  }
}

/** @throws TransportError */
async function ask(uicc: Uicc, { rand, autn }: { rand: Uint8Array; autn: Uint8Array }): Promise<UiccAnswer> {
  const late = new TimeoutError(`no answer within ${UICC_DEADLINE / 1000} s`);
  try {
    return await within(systemClock, UICC_DEADLINE, late, uicc.authenticate(rand, autn));
  } catch (error) {
    const reason = reasonOf(error);
    throw new TransportError(`the UICC failed: ${reason}`, { cause: error });
  }
}

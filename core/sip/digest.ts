/** Answers to digest challenges (RFC 3261 22, RFC 7616, RFC 8760): the client's side. */

import { platform } from '#platform';
import { formatAuthParameters, parseAuthParameters } from './auth-params.js';
import { type DigestAlgorithm, digestResponse, parseAlgorithm, strength } from './digest-hash.js';

/** How often each nonce was used. Kept by the caller from one answer to the next. */
export type NonceState = Map<string, number>;

export interface DigestOptions {
  username: string;
  /** Octets where it is the RES of a UICC (RFC 3310). */
  password: string | Uint8Array;
  method: string;
  /** Request-URI of the request that will carry the answer, as written on the wire. */
  uri: string;
  body: Uint8Array;
  nonces: NonceState;
}

export interface Challenge {
  algorithm: DigestAlgorithm;
  /** As written, to be given back. */
  algorithmName: string | undefined;
  realm: string;
  nonce: string;
  opaque: string | undefined;
  qop: 'auth' | 'auth-int' | undefined;
}

/** 128 bits: the server cannot have prepared for it (RFC 7616 5.11). */
const CNONCE_BYTES = 16;

/** Written as a token (RFC 7616 3.4; RFC 3261 25.1 has `qop` likewise here, though quoted in a challenge). */
const BARE = new Set(['algorithm', 'qop', 'nc']);

/**
 * The value of an Authorization or Proxy-Authorization header for the strongest of the challenges. Undefined
 * when none can be answered: another scheme, an algorithm or qop that is not known here, no nonce.
 */
export function answerChallenge(challenges: readonly string[], options: DigestOptions): string | undefined {
  const challenge = strongest(readChallenges(challenges));
  return challenge && answerWith(challenge, options);
}

/**
 * Those of the digest scheme that can be answered.
 * @param algorithmOf undefined for an algorithm that the caller cannot use.
 */
export function readChallenges(challenges: readonly string[], algorithmOf = parseAlgorithm): Challenge[] {
  return challenges
    .flatMap((text) => parseAuthParameters(text) ?? [])
    .filter(({ scheme }) => scheme === 'digest')
    .flatMap(({ parameters }) => readChallenge(parameters, algorithmOf) ?? []);
}

/** The first of the strongest. */
export function strongest(challenges: readonly Challenge[]): Challenge | undefined {
  let best: Challenge | undefined;
  for (const challenge of challenges) {
    if (!best || strength(challenge.algorithm) > strength(best.algorithm)) best = challenge;
  }
  return best;
}

function readChallenge(
  parameters: ReadonlyMap<string, string>,
  algorithmOf: typeof parseAlgorithm,
): Challenge | undefined {
  const realm = parameters.get('realm');
  const nonce = parameters.get('nonce');
  const algorithmName = parameters.get('algorithm');
  const algorithm = algorithmOf(algorithmName);
  const offered = parameters.get('qop');
  const qop = chooseQop(offered);
  if (realm === undefined || nonce === undefined || !algorithm || (offered !== undefined && !qop))
    return undefined;
  return { algorithm, algorithmName, realm, nonce, opaque: parameters.get('opaque'), qop };
}

/** `auth` before `auth-int`: a hop that touches the body (RFC 3261 22.4 allows none, some do) would break the latter. */
function chooseQop(offered: string | undefined): 'auth' | 'auth-int' | undefined {
  const options = (offered ?? '').split(',').map((option) => option.trim().toLowerCase());
  return options.includes('auth') ? 'auth' : options.includes('auth-int') ? 'auth-int' : undefined;
}

/** The value of an Authorization or Proxy-Authorization header. */
export function answerWith(challenge: Challenge, options: DigestOptions): string {
  const { username, password, method, uri, body, nonces } = options;
  const { algorithm, algorithmName, realm, nonce, opaque, qop } = challenge;
  const input = { algorithm, username, realm, password, nonce, method, uri, body };
  const cnonce = qop || algorithm.session ? platform.randomHex(CNONCE_BYTES) : undefined;

  const written: [string, string][] = [
    ['username', username],
    ['realm', realm],
    ['nonce', nonce],
    ['uri', uri],
  ];
  if (qop && cnonce !== undefined) {
    const count = (nonces.get(nonce) ?? 0) + 1;
    nonces.set(nonce, count);
    const nc = count.toString(16).padStart(8, '0');
    written.push(['response', digestResponse({ ...input, qop, nc, cnonce })], ['qop', qop], ['nc', nc]);
  } else {
    written.push(['response', digestResponse(cnonce === undefined ? input : { ...input, cnonce })]);
  }
  if (cnonce !== undefined) written.push(['cnonce', cnonce]);
  if (algorithmName !== undefined) written.push(['algorithm', algorithmName]);
  if (opaque !== undefined) written.push(['opaque', opaque]);
  return formatAuthParameters('Digest', written, BARE);
}

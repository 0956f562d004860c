/** Digest access authentication: parameters, computations and the client side (RFC 3261 §22, RFC 7616, RFC 8760). */

import { platform } from '#platform';
import { endOfElement, isToken, quote, skipBlanks, trimBlanks, unquote } from '../message/grammar.js';

export interface AuthParameters {
  /** In lower case. */
  scheme: string;
  /** Names in lower case, values without quotes. */
  parameters: Map<string, string>;
}

/**
 * Parses one header value. Undefined if it is malformed. SIP does not allow several challenges on one line (RFC 3261
 * §20.44); if there are, the later ones are further values.
 */
export function parseAuthParameters(text: string): AuthParameters[] | undefined {
  const found: AuthParameters[] = [];
  for (let at = 0; at < text.length; ) {
    const end = endOfElement(text, at);
    const element = trimBlanks(text, at, end);
    at = end + 1;
    if (element === '') continue;
    const parameter = startScheme(element, found);
    const target = found.at(-1)?.parameters;
    if (!target) return undefined;
    if (parameter === '') continue;
    const equal = parameter.indexOf('=');
    const name = trimBlanks(parameter, 0, equal).toLowerCase();
    if (equal < 0 || !isToken(name) || target.has(name)) return undefined;
    target.set(name, unquote(trimBlanks(parameter, equal + 1)));
  }
  return found;
}

/** Removes a scheme from the start of `element`, and returns the remaining parameter. */
function startScheme(element: string, found: AuthParameters[]): string {
  const blank = element.search(/[ \t]/);
  const word = blank < 0 ? element : element.slice(0, blank);
  const rest = blank < 0 ? '' : element.slice(skipBlanks(element, blank));
  // `realm = "x"` is a parameter: an equal sign follows its first word.
  if (!isToken(word) || rest.startsWith('=')) return element;
  found.push({ scheme: word.toLowerCase(), parameters: new Map() });
  return rest;
}

/** Formats parameters; those in `bare` without quotes (RFC 7616 §3.5 forbids quotes for some). */
export function formatAuthParameters(
  scheme: string,
  parameters: Iterable<readonly [name: string, value: string]>,
  bare: ReadonlySet<string>,
): string {
  const written = Array.from(
    parameters,
    ([name, value]) => `${name}=${bare.has(name) ? value : quote(value)}`,
  );
  return `${scheme} ${written.join(', ')}`;
}

export type DigestHash = 'md5' | 'sha-256' | 'sha-512-256';

export interface DigestAlgorithm {
  readonly hash: DigestHash;
  /** The key belongs to a session: it depends on its first nonce and cnonce. */
  readonly session: boolean;
}

/** Strongest first. RFC 8760 §2.4 lets the order of the server decide, but a proxy can reorder a list. */
const HASHES: readonly DigestHash[] = ['sha-512-256', 'sha-256', 'md5'];

const SESSION_SUFFIX = '-sess';

/** Without case (RFC 3261 §25.1); MD5 by default. Undefined for an unknown algorithm. */
export function parseAlgorithm(name = 'MD5'): DigestAlgorithm | undefined {
  const lower = name.toLowerCase();
  const session = lower.endsWith(SESSION_SUFFIX);
  const hash = HASHES.find((each) => each === (session ? lower.slice(0, -SESSION_SUFFIX.length) : lower));
  return hash && { hash, session };
}

/** Higher is stronger. */
export function strength({ hash }: DigestAlgorithm): number {
  return HASHES.length - HASHES.indexOf(hash);
}

export interface DigestInput {
  readonly algorithm: DigestAlgorithm;
  readonly username: string;
  readonly realm: string;
  /** Bytes if it is the RES of a UICC (RFC 3310). */
  readonly password: string | Uint8Array;
  readonly nonce: string;
  readonly method: string;
  readonly uri: string;
  /** Absent: the computation of RFC 2069. */
  readonly qop?: 'auth' | 'auth-int';
  /** As written: eight hexadecimal digits. */
  readonly nc?: string;
  readonly cnonce?: string;
  readonly body: Uint8Array;
}

/** The `response` value in lower-case hexadecimal. Text is hashed as UTF-8. */
export function digestResponse(input: DigestInput): string {
  const { hash, session } = input.algorithm;
  const h = (text: string | Uint8Array) => platform.hash(hash, text);
  const cnonce = input.cnonce ?? '';
  const key = h(secret(input));
  const ha1 = session ? h(`${key}:${input.nonce}:${cnonce}`) : key;
  const entity = input.qop === 'auth-int' ? `:${h(input.body)}` : '';
  const ha2 = h(`${input.method}:${input.uri}${entity}`);
  const middle = input.qop ? `${input.nonce}:${input.nc ?? ''}:${cnonce}:${input.qop}` : input.nonce;
  return h(`${ha1}:${middle}:${ha2}`);
}

function secret({ username, realm, password }: DigestInput): string | Uint8Array {
  const before = `${username}:${realm}:`;
  if (typeof password === 'string') return before + password;
  return Uint8Array.of(...new TextEncoder().encode(before), ...password);
}

/** Counts the uses of each nonce. The caller keeps it from one answer to the next. */
export type NonceState = Map<string, number>;

export interface DigestOptions {
  username: string;
  /** Bytes if it is the RES of a UICC (RFC 3310). */
  password: string | Uint8Array;
  method: string;
  /** Request-URI of the request that carries the answer, as written on the wire. */
  uri: string;
  body: Uint8Array;
  nonces: NonceState;
}

export interface Challenge {
  algorithm: DigestAlgorithm;
  /** As written, because it is returned unchanged. */
  algorithmName: string | undefined;
  realm: string;
  nonce: string;
  opaque: string | undefined;
  qop: 'auth' | 'auth-int' | undefined;
}

/** 128 bits: the server cannot precompute it (RFC 7616 §5.11). */
const CNONCE_BYTES = 16;

/** Written as tokens (RFC 7616 §3.4; RFC 3261 §25.1 also for `qop`, which is quoted in a challenge). */
const BARE = new Set(['algorithm', 'qop', 'nc']);

/**
 * The value of an Authorization or Proxy-Authorization header for the strongest of the challenges. Undefined if none can
 * be answered: another scheme, an unknown algorithm or qop, no nonce.
 */
export function answerChallenge(challenges: readonly string[], options: DigestOptions): string | undefined {
  const challenge = strongest(readChallenges(challenges));
  return challenge && answerWith(challenge, options);
}

/**
 * The digest challenges that can be answered.
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

/** `auth` before `auth-int`: a hop that changes the body, against RFC 3261 §22.4, would invalidate the latter. */
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

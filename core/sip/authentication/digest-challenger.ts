/** Digest challenges and their verification (RFC 3261 §22, RFC 7616, RFC 8760): the server side. */

import { platform } from '#platform';
import {
  type DigestInput,
  digestResponse,
  formatAuthParameters,
  parseAlgorithm,
  parseAuthParameters,
} from './digest.js';

const ALGORITHM_NAMES = { 'sha-512-256': 'SHA-512-256', 'sha-256': 'SHA-256', md5: 'MD5' } as const;

/** A digest algorithm of RFC 8760, in lower case. */
export type DigestAlgorithm = keyof typeof ALGORITHM_NAMES;

export const DIGEST_ALGORITHMS: readonly string[] = Object.keys(ALGORITHM_NAMES);

/** Long enough for several requests, and short enough that a stolen answer soon becomes useless. */
const NONCE_SECONDS = 300;

/**
 * Nonces in use. Each needs about 150 bytes. A client whose nonce was dropped gets a challenge with `stale`, which does
 * not ask the user for a password.
 */
const MAX_NONCES = 10_000;

const NONCE_BYTES = 16;
/** Bits of a bitwise number: how far a count may be below the highest. */
const COUNT_WINDOW = 32;
const NONCE_COUNT = /^[0-9a-f]{8}$/i;

export interface DigestChallengerOptions {
  realm: string;
  /** One challenge for each, in this order (RFC 8760 §2.3: strongest first). Default: SHA-256, then MD5. */
  algorithms?: readonly DigestAlgorithm[];
  /** Milliseconds since 1970. Default: Date.now. */
  now?: () => number;
}

export interface DigestRequest {
  method: string;
  /** Request-URI as received. */
  uri: string;
  body: Uint8Array;
}

export type Verdict =
  | { ok: true; username: string }
  /** `stale`: the password is right, but the nonce is old or its count used: challenge again with `stale`. */
  | { ok: false; stale: boolean };

const REFUSED: Verdict = { ok: false, stale: false };

interface Nonce {
  readonly expires: number;
  /** Highest count so far. */
  count: number;
  /** Bit n: the count that is n below the highest was used. */
  seen: number;
}

export class DigestChallenger {
  readonly #realm: string;
  readonly #algorithms: readonly DigestAlgorithm[];
  readonly #now: () => number;
  /** In order of age. */
  readonly #nonces = new Map<string, Nonce>();

  constructor(options: DigestChallengerOptions) {
    this.#realm = options.realm;
    this.#algorithms = options.algorithms ?? ['sha-256', 'md5'];
    this.#now = options.now ?? Date.now;
  }

  /** The values of WWW-Authenticate or Proxy-Authenticate headers, one for each header. */
  challenge(stale = false): string[] {
    const nonce = this.#newNonce();
    return this.#algorithms.map((algorithm) => {
      const parameters: [string, string][] = [
        ['realm', this.#realm],
        ['nonce', nonce],
        ['algorithm', ALGORITHM_NAMES[algorithm]],
        ['qop', 'auth,auth-int'],
      ];
      if (stale) parameters.push(['stale', 'true']);
      return formatAuthParameters('Digest', parameters, BARE);
    });
  }

  /**
   * Verifies the value of an Authorization or Proxy-Authorization header.
   * @param passwordFor undefined for an unknown user.
   */
  verify(
    header: string,
    request: DigestRequest,
    passwordFor: (username: string) => string | undefined,
  ): Verdict {
    const parsed = parseAuthParameters(header);
    const credentials = parsed?.length === 1 ? parsed[0] : undefined;
    if (credentials?.scheme !== 'digest') return REFUSED;
    const { parameters } = credentials;
    const password = passwordFor(parameters.get('username') ?? '');
    const input = this.#readCredentials(parameters, request, password ?? '');
    if (!input || password === undefined) return REFUSED;
    if (!equalInConstantTime(digestResponse(input), (parameters.get('response') ?? '').toLowerCase()))
      return REFUSED;
    if (!this.#use(input.nonce, Number.parseInt(input.nc ?? '', 16))) return { ok: false, stale: true };
    return { ok: true, username: input.username };
  }

  #readCredentials(
    parameters: ReadonlyMap<string, string>,
    request: DigestRequest,
    password: string,
  ): DigestInput | undefined {
    const algorithm = parseAlgorithm(parameters.get('algorithm'));
    const qop = parameters.get('qop')?.toLowerCase();
    const nc = parameters.get('nc') ?? '';
    const username = parameters.get('username');
    const nonce = parameters.get('nonce');
    const cnonce = parameters.get('cnonce');
    if (!algorithm || !this.#algorithms.includes(algorithm.hash)) return undefined;
    // Our challenges always offer qop: an answer without it could be replayed.
    if ((qop !== 'auth' && qop !== 'auth-int') || !NONCE_COUNT.test(nc) || cnonce === undefined)
      return undefined;
    if (username === undefined || nonce === undefined || parameters.get('realm') !== this.#realm)
      return undefined;
    // RFC 3261 §22.4, RFC 7616 §3.4.6: the answer is valid for this URI only.
    if (parameters.get('uri') !== request.uri) return undefined;
    const { method, uri, body } = request;
    return { algorithm, username, realm: this.#realm, password, nonce, method, uri, qop, nc, cnonce, body };
  }

  #newNonce(): string {
    const now = this.#now();
    for (const [nonce, { expires }] of this.#nonces) {
      if (expires > now && this.#nonces.size < MAX_NONCES) break;
      this.#nonces.delete(nonce);
    }
    const nonce = platform.randomHex(NONCE_BYTES);
    this.#nonces.set(nonce, { expires: now + NONCE_SECONDS * 1000, count: 0, seen: 1 });
    return nonce;
  }

  /**
   * True if the nonce is one of ours, is not too old, and this count was not used (RFC 7616 §3.4). Counts may arrive out
   * of order, as datagrams do.
   */
  #use(nonce: string, count: number): boolean {
    const known = this.#nonces.get(nonce);
    if (!known || known.expires <= this.#now()) return false;
    const behind = known.count - count;
    if (behind >= COUNT_WINDOW || (behind >= 0 && (known.seen >>> behind) & 1)) return false;
    if (behind >= 0) {
      known.seen |= 1 << behind;
    } else {
      known.seen = -behind >= COUNT_WINDOW ? 1 : (known.seen << -behind) | 1;
      known.count = count;
    }
    return true;
  }
}

const BARE = new Set(['algorithm', 'stale']);

/** Constant time, so that the duration does not show where two texts differ. */
function equalInConstantTime(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}

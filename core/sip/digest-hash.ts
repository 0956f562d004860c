/** The computations of digest access authentication (RFC 7616 3.4, RFC 8760), the same at both ends. */

import { platform } from '#platform';

export type DigestHash = 'md5' | 'sha-256' | 'sha-512-256';

export interface DigestAlgorithm {
  readonly hash: DigestHash;
  /** The key is of a session: bound to its first nonce and cnonce. */
  readonly session: boolean;
}

/** Strongest first; RFC 8760 2.4 lets the server's order decide, but a list can be reordered on its way. */
const HASHES: readonly DigestHash[] = ['sha-512-256', 'sha-256', 'md5'];

const SESSION_SUFFIX = '-sess';

/** Case does not count (RFC 3261 25.1); MD5 where none is named. Undefined for one that nobody here knows. */
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
  /** Octets where it is the RES of a UICC (RFC 3310). */
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

/** The `response` value, lower-case hexadecimal. Text is hashed as UTF-8. */
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

/** Seconds as Expires, Min-Expires and Retry-After have them (RFC 3261 25.1, delta-seconds). */

/**
 * `120`, and `120 (in a minute or two);duration=60` of a Retry-After. Whole, and as large as a peer likes: bound it
 * before a timer is made of it. Undefined for anything else.
 */
export function parseDeltaSeconds(text: string | undefined): number | undefined {
  const digits = /^([0-9]+)[ \t]*(?:[(;]|$)/.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

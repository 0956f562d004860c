/** Two ends that change a session at the same time (RFC 3261 14.1, 14.2). */

/** Times a re-INVITE is sent again after a 491: two ends that both wait for different times seldom need a second. */
export const MAX_GLARES = 5;

/** Milliseconds after which a re-INVITE that was answered 491 goes again (14.1): the end that began gives way. */
export function glareDelay(ownsCallId: boolean): number {
  const units = ownsCallId ? 210 + Math.floor(Math.random() * 191) : Math.floor(Math.random() * 201);
  return units * 10;
}

/** Retry-After, in seconds, for a second re-INVITE before the answer to the first (14.2): 0 to 10. */
export function impatienceDelay(): string {
  return String(Math.floor(Math.random() * 11));
}

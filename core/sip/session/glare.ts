/** Requests of both ends that change a session at the same time (RFC 3261 §14). */

/** How often a re-INVITE is retried after a 491: both ends wait for different times, so a second retry is rare. */
export const MAX_GLARES = 5;

/** Delay of a re-INVITE after a 491, milliseconds: the end that began the dialog waits longer (RFC 3261 §14.1). */
export function glareDelay(ownsCallId: boolean): number {
  const units = ownsCallId ? 210 + Math.floor(Math.random() * 191) : Math.floor(Math.random() * 201);
  return units * 10;
}

/** Retry-After, in seconds, for a second re-INVITE before the first is answered: 0 to 10 (RFC 3261 §14.2). */
export function overlapRetryAfter(): string {
  return String(Math.floor(Math.random() * 11));
}

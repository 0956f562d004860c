/** Transaction, session and message identifiers (RFC 4975 7.1, 14.1). */

import { platform } from '#platform';

/** RFC 4975 7.1 asks for 64 random bits. */
const TRANSACTION_ID_BYTES = 8;
/** RFC 4975 14.1 asks for 80: whoever guesses it has the session. */
const SESSION_ID_BYTES = 16;
const MESSAGE_ID_BYTES = 16;

/** RFC 4975 9 has 4 to 32 characters: shorter and longer ones harm nobody. */
const IDENT = /^[A-Za-z0-9][A-Za-z0-9.\-+%=]{0,63}$/;

const encoder = new TextEncoder();

export function isTransactionId(text: string): boolean {
  return IDENT.test(text);
}

export function newTransactionId(): string {
  return platform.randomHex(TRANSACTION_ID_BYTES);
}

export function newSessionId(): string {
  return platform.randomHex(SESSION_ID_BYTES);
}

export function newMessageId(): string {
  return platform.randomHex(MESSAGE_ID_BYTES);
}

/**
 * RFC 4975 7.1: an end-line of the chunk must not stand in its body. We ask for more, that the identifier itself
 * does not: one search, and no reader takes anything for the end, however it spells it.
 *
 * @param before what was sent of the body just before: the identifier may begin there
 */
export function holdsTransactionId(transactionId: string, body: Uint8Array, before?: Uint8Array): boolean {
  const pattern = encoder.encode(transactionId);
  if (platform.indexOf(body, pattern) >= 0) return true;
  const across = pattern.length - 1;
  if (before === undefined || across === 0) return false;
  const head = before.subarray(Math.max(0, before.length - across));
  const seam = new Uint8Array(head.length + Math.min(across, body.length));
  seam.set(head);
  seam.set(body.subarray(0, across), head.length);
  return platform.indexOf(seam, pattern) >= 0;
}

/** A new identifier that does not stand in any of these pieces, nor across two neighbours. */
export function transactionIdFor(...body: readonly Uint8Array[]): string {
  for (;;) {
    const id = newTransactionId();
    if (!body.some((piece, at) => holdsTransactionId(id, piece, body[at - 1]))) return id;
  }
}

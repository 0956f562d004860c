/** Whose session description it is, and which one of that session (RFC 8866 5.2). */

export interface Origin {
  /** Digits; one for all descriptions that an agent writes in a session. */
  readonly id: string;
  /** From 0; RFC 3264 8: one more for each description that differs from the one before. */
  readonly version: number;
}

/** Of a new session. */
export function newOrigin(): Origin {
  // RFC 3264 5: it fits a signed integer of 64 bits; 53 of them are read without loss anywhere.
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return { id: String((high & 0x1f_ffff) * 2 ** 32 + low), version: 0 };
}

/** Of the next description in the same session. */
export function nextOrigin({ id, version }: Origin): Origin {
  return { id, version: version + 1 };
}

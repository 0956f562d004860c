/** Wrong words on the command line: one line that says what is wrong and what was expected. */
export class UsageError extends Error {}

/** Exit codes (sysexits.h where it has one). */
export const EXIT = { ok: 0, failed: 1, refused: 1, usage: 2, tryAgain: 75 } as const;

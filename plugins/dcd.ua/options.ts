/** The options of dcd.ua. */

import { ConfigurationError, knownFields } from 'sip-push/sdk';

const DAY_SECONDS = 86_400;
/** A week, as for news: no public specification says when DCD content expires. */
const KEEP_SECONDS = 7 * DAY_SECONDS;
const MAX_KEEP_SECONDS = 365 * DAY_SECONDS;

export interface DcdOptions {
  /** Seconds that content is kept. */
  readonly keep: number;
}

/** @throws ConfigurationError that names the invalid option and what was expected. */
export function readOptions(options: unknown = {}): DcdOptions {
  const { keep = KEEP_SECONDS } = knownFields(options, ['keep']);
  if (typeof keep !== 'number' || !Number.isInteger(keep) || keep < 1 || keep > MAX_KEEP_SECONDS) {
    throw new ConfigurationError(
      `invalid options.keep ${JSON.stringify(keep)}: expected seconds, a whole number from 1 to ${MAX_KEEP_SECONDS}`,
    );
  }
  return { keep };
}

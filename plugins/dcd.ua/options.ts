/** What a host's configuration says for dcd.ua. */

import { ConfigurationError, knownFields } from 'sip-push/sdk';

const DAY_SECONDS = 86_400;
/** Nothing that is public says when DCD content is over: a week, as news is. */
const KEEP_SECONDS = 7 * DAY_SECONDS;
/** A year: what nobody reads in that time nobody reads. */
const MAX_KEEP_SECONDS = 365 * DAY_SECONDS;

export interface DcdOptions {
  /** Seconds that content is kept. */
  readonly keep: number;
}

/** @throws ConfigurationError saying which option is wrong, and what was expected. */
export function readOptions(options: unknown = {}): DcdOptions {
  const { keep = KEEP_SECONDS } = knownFields(options, ['keep']);
  if (typeof keep !== 'number' || !Number.isInteger(keep) || keep < 1 || keep > MAX_KEEP_SECONDS) {
    throw new ConfigurationError(
      `options.keep is ${JSON.stringify(keep)}; expected seconds, a whole number from 1 to ${MAX_KEEP_SECONDS}`,
    );
  }
  return { keep };
}

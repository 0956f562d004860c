/** What a host's configuration says for mms.ua. */

import { ConfigurationError, isHttpUrl, knownFields } from 'sip-push/sdk';

const MODES = ['manual', 'deferred', 'immediate'] as const;
const NAMES = ['retrieve', 'after', 'mmsc', 'reportAllowed'] as const;
/** Seconds: messages do not wait for longer than a week, by and large. */
const MAX_AFTER = 604_800;

export interface MmsOptions {
  readonly retrieve: (typeof MODES)[number];
  /** Seconds until a deferred message is retrieved without being asked for; undefined: only when it is. */
  readonly after: number | undefined;
  /** Where answers go; undefined: to where the message lies. */
  readonly mmsc: string | undefined;
  /** Whether senders may learn that their messages were delivered. */
  readonly reportAllowed: boolean;
}

/** @throws ConfigurationError saying which option is wrong, and what was expected. */
export function readOptions(options: unknown = {}): MmsOptions {
  const { retrieve = 'manual', after, mmsc, reportAllowed = true } = knownFields(options, NAMES);
  const mode = MODES.find((known) => known === retrieve);
  if (!mode) {
    throw new ConfigurationError(
      `options.retrieve is ${JSON.stringify(retrieve)}; expected one of ${MODES.join(', ')}`,
    );
  }
  if (after !== undefined && !isSeconds(after)) {
    throw new ConfigurationError(
      `options.after is ${JSON.stringify(after)}; expected seconds, a whole number from 1 to ${MAX_AFTER}`,
    );
  }
  if (after !== undefined && mode !== 'deferred') {
    throw new ConfigurationError('options.after is for "retrieve": "deferred" alone');
  }
  if (mmsc !== undefined && !isHttpUrl(mmsc)) {
    throw new ConfigurationError(
      'options.mmsc: expected where the MMSC takes answers, like "https://mmsc.example/"',
    );
  }
  if (typeof reportAllowed !== 'boolean')
    throw new ConfigurationError('options.reportAllowed: expected true or false');
  return { retrieve: mode, after, mmsc, reportAllowed };
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_AFTER;
}

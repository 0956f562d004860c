/** The options of mms.ua. */

import { ConfigurationError, isHttpUrl, knownFields } from 'sip-push/sdk';

const MODES = ['manual', 'deferred', 'immediate'] as const;
const NAMES = ['retrieve', 'after', 'mmsc', 'reportAllowed'] as const;
/** Seconds. MMSCs rarely keep messages for more than a week. */
const MAX_AFTER = 604_800;

export interface MmsOptions {
  readonly retrieve: (typeof MODES)[number];
  /** Seconds until a deferred message is retrieved without a query; undefined: only on query. */
  readonly after: number | undefined;
  /** URL for answers; undefined: the message's Content-Location. */
  readonly mmsc: string | undefined;
  /** Whether the MMSC may report the delivery to the sender. */
  readonly reportAllowed: boolean;
}

/** @throws ConfigurationError that names the invalid option and what was expected. */
export function readOptions(options: unknown = {}): MmsOptions {
  const { retrieve = 'manual', after, mmsc, reportAllowed = true } = knownFields(options, NAMES);
  const mode = MODES.find((known) => known === retrieve);
  if (!mode) {
    throw new ConfigurationError(
      `invalid options.retrieve ${JSON.stringify(retrieve)}: expected one of ${MODES.join(', ')}`,
    );
  }
  if (after !== undefined && !isSeconds(after)) {
    throw new ConfigurationError(
      `invalid options.after ${JSON.stringify(after)}: expected seconds, a whole number from 1 to ${MAX_AFTER}`,
    );
  }
  if (after !== undefined && mode !== 'deferred') {
    throw new ConfigurationError('invalid options.after: it is valid only with "retrieve": "deferred"');
  }
  if (mmsc !== undefined && !isHttpUrl(mmsc)) {
    throw new ConfigurationError(
      'invalid options.mmsc: expected the URL for answers to the MMSC, like "https://mmsc.example/"',
    );
  }
  if (typeof reportAllowed !== 'boolean')
    throw new ConfigurationError('invalid options.reportAllowed: expected true or false');
  return { retrieve: mode, after, mmsc, reportAllowed };
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_AFTER;
}

/** The options of wml.ua. */

import type { ServiceLoading } from 'sip-push/formats';
import { ConfigurationError, knownFields } from 'sip-push/sdk';

type Action = ServiceLoading['action'];

const ACTIONS: readonly Action[] = ['execute-low', 'execute-high', 'cache'];

export interface WmlOptions {
  /** Actions of service loadings that are executed. Others only emit an event. */
  readonly load: ReadonlySet<Action>;
}

/** @throws ConfigurationError that names the invalid option and what was expected. */
export function readOptions(options: unknown = {}): WmlOptions {
  const { load = false } = knownFields(options, ['load']);
  if (typeof load === 'boolean') return { load: new Set(load ? ACTIONS : []) };
  const actions = ACTIONS.filter((action) => Array.isArray(load) && load.includes(action));
  if (!Array.isArray(load) || actions.length !== load.length) {
    throw new ConfigurationError(
      `invalid options.load: expected true, false, or a list of ${ACTIONS.join(', ')}`,
    );
  }
  return { load: new Set(actions) };
}

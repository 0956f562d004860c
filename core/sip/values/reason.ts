/** The Reason header (RFC 3326): why a BYE or another request was sent. */

import { skipBlanks } from '../message/grammar.js';
import { Parameters, parseParameters } from './parameters.js';

export interface Reason {
  /** A SIP status. */
  readonly cause: number;
  readonly text?: string;
}

/** Longest text, characters: it can be the message of any error. */
const MAX_TEXT = 200;

export function formatReason({ cause, text }: Reason): string {
  const parameters = new Parameters().set('cause', String(cause));
  if (text !== undefined) parameters.set('text', text.slice(0, MAX_TEXT));
  return `SIP${parameters}`;
}

/** The first value with a SIP status; others are of other networks. */
export function parseReason(values: readonly string[]): Reason | undefined {
  for (const value of values) {
    const parameters = /^SIP[ \t]*;/i.test(value) ? parseParameters(value, skipBlanks(value, 3)) : undefined;
    const cause = parameters?.get('cause') ?? '';
    if (!/^[1-6]\d\d$/.test(cause)) continue;
    const text = parameters?.get('text');
    return { cause: Number(cause), text: text === undefined ? undefined : text.slice(0, MAX_TEXT) };
  }
  return undefined;
}

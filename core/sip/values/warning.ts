/** Warning: a text for people about a response (RFC 3261 §20.43). */

import { printable } from '../../text.js';
import { quote, unquote } from '../message/grammar.js';

/** Characters of a text: a response over UDP has to fit a datagram, and a warning a log line. */
const MAX_TEXT = 200;
/** 399: any text, for people or a log. The agent is a pseudonym instead of an address. */
const MISCELLANEOUS = '399 sip-push';

export function formatWarning(text: string): string {
  return `${MISCELLANEOUS} ${quote(shortened(printable(text)))}`;
}

/** The texts of Warning values, without codes and agents. Malformed values are ignored. */
export function warningTexts(values: readonly string[]): string[] {
  return values.flatMap((value) => {
    const text = /^\d{3}[ \t]+[^ \t"]+[ \t]+("[\s\S]*")$/.exec(value)?.[1];
    return text === undefined ? [] : [shortened(unquote(text))];
  });
}

function shortened(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}

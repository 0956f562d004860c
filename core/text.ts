/** Text for people: one printable line, the reason of an error, the word that a misspelt one was meant to be. */

import { distance } from 'fastest-levenshtein';

/** Control characters, line separators, and explicit formatting characters of directional text (Unicode UAX 9). */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

/** Reasons end up in log lines, SIP headers and MSRP comments; a longer one is cut. */
const MAX_REASON = 500;

/** One line: a blank replaces each character that could move a cursor, begin a line or reverse the others. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, ' ');
}

/** The message of an error, or the text of any other value that was thrown. Never throws. */
export function reasonOf(thrown: unknown): string {
  try {
    // Several addresses of one name were tried: the AggregateError has no message of its own.
    if (thrown instanceof AggregateError && thrown.errors.length > 0) {
      return thrown.errors.map(reasonOf).join('; ').slice(0, MAX_REASON);
    }
    const text: unknown = thrown instanceof Error ? thrown.message || thrown.name : thrown;
    return String(text).slice(0, MAX_REASON);
  } catch {
    return 'a value without text was thrown';
  }
}

/** A thrown value as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(reasonOf(thrown));
}

/** The known word that a misspelt one was meant to be: at most a third of it differs. */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((candidate) => ({ candidate, edits: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.max(2, candidate.length / 3))
    .sort((one, other) => one.edits - other.edits);
  return nearest?.candidate;
}

/** `; did you mean "trust"?`, or the list of known words; empty when there are none. */
export function suggestion(word: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const nearest = nearestWord(word, known);
  return nearest === undefined ? `: expected one of ${known.join(', ')}` : `; did you mean "${nearest}"?`;
}

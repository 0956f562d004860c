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
function nearestWord(word: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((candidate) => ({ candidate, edits: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.max(2, candidate.length / 3))
    .sort((one, other) => one.edits - other.edits);
  return nearest?.candidate;
}

/** `; did you mean "trust"?`; empty when no known word is similar. */
export function didYouMean(word: string, known: readonly string[]): string {
  const nearest = nearestWord(word, known);
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`;
}

/** `; did you mean "trust"?`, or the list of known words; empty when there are none. */
export function suggestion(word: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  return didYouMean(word, known) || `: expected one of ${known.join(', ')}`;
}

/** A path in a value, after the name of the value if it has one: `options.cities[0].name`. */
export function pathText(keys: readonly PropertyKey[], root = ''): string {
  return keys.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, root);
}

/** The text without this character at its end. A pattern such as `\0+$` needs quadratic time for a long run elsewhere. */
export function withoutTrailing(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end -= 1;
  return text.slice(0, end);
}

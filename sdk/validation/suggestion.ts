/** Somebody wrote a word that nobody knows: which one was meant? */

import { closest, distance } from 'fastest-levenshtein';

/** `; did you mean "trust"?`, or the words that there are. Nothing where there are none. */
export function suggestion(word: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const nearest = closest(word, known);
  // Further off than a third of the word it would be a guess.
  const near = distance(word.toLowerCase(), nearest.toLowerCase()) <= Math.max(2, word.length / 3);
  return near ? `; did you mean "${nearest}"?` : `; expected one of ${known.join(', ')}`;
}

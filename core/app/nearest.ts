/** Somebody wrote a word that nobody knows. */

import { distance } from 'fastest-levenshtein';

/** The known word that a misspelt one was meant to be: at most a third of it differs. */
export function nearestOf(word: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((candidate) => ({ candidate, away: distance(word.toLowerCase(), candidate) }))
    .filter(({ candidate, away }) => away <= Math.max(1, candidate.length / 3))
    .sort((one, other) => one.away - other.away);
  return nearest?.candidate;
}

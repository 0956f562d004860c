/** The answer to the query `counts`. */
export interface Counts {
  /** Different pushes that were committed. */
  delivered: number;
  /** Pushes that were committed once more. */
  twice: number;
  /** Ranges `[from, to)` of the numbers that have not arrived, among those below the argument. */
  missing: [from: number, to: number][];
}

export function contentOf(number: number, size: number): string;
export function countingApp(id: string): unknown;

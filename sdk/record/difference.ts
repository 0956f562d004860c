/** The differences between two lists of lines, as `diff` prints them. */

/** Lines. Longer lists are not aligned, because that compares all pairs: the whole difference is one block. */
const MAX_ALIGNED = 1500;

/** Lines that start with `  ` (in both), `- ` (only in `expected`) or `+ ` (only in `actual`); empty if the lists are equal. */
export function difference(expected: readonly string[], actual: readonly string[]): string[] {
  let start = 0;
  while (start < expected.length && expected[start] === actual[start]) start++;
  if (start === expected.length && start === actual.length) return [];
  let end = 0;
  while (
    end < Math.min(expected.length, actual.length) - start &&
    expected[expected.length - 1 - end] === actual[actual.length - 1 - end]
  )
    end++;
  const before = expected.slice(start, expected.length - end);
  const after = actual.slice(start, actual.length - end);
  return before.length > MAX_ALIGNED || after.length > MAX_ALIGNED
    ? [...before.map((line) => `- ${line}`), ...after.map((line) => `+ ${line}`)]
    : aligned(before, after);
}

/** Aligns the lists by their longest common subsequence. */
function aligned(before: readonly string[], after: readonly string[]): string[] {
  const width = after.length + 1;
  const common = new Uint16Array((before.length + 1) * width);
  const at = (row: number, column: number) => common[row * width + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row--) {
    for (let column = after.length - 1; column >= 0; column--) {
      common[row * width + column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const lines: string[] = [];
  let row = 0;
  let column = 0;
  while (row < before.length || column < after.length) {
    if (row < before.length && column < after.length && before[row] === after[column]) {
      lines.push(`  ${before[row]}`);
      row++;
      column++;
    } else if (
      column === after.length ||
      (row < before.length && at(row + 1, column) >= at(row, column + 1))
    ) {
      lines.push(`- ${before[row++]}`);
    } else lines.push(`+ ${after[column++]}`);
  }
  return lines;
}

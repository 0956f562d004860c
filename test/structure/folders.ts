/** The size of the source folders, and a check for violations. */

import { posix } from 'node:path';

const MIN = 5;
const MAX = 20;

/** Folders of another size, each with its reason. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  'core/msrp': 'one file with the public names, beside three folders',
  'core/store': 'a layer of its own: both the runtime and the sender use it',
};

/**
 * A folder with fewer source files is divided into folders, or is merged into another one. A folder that is divided
 * counts its folders too. The roots of the packages and fixtures have any size.
 *
 * @param files paths of all files from the root of the repository.
 * @returns a message for each source folder that is too small or too large.
 */
export function sizeViolations(files: readonly string[], exceptions = EXCEPTIONS): string[] {
  const entries = entriesOf(files.filter((file) => /\.(ts|mts|mjs)$/.test(file) && !isFixture(file)));
  const violations = [...entries].flatMap(([folder, { size, divided }]) => {
    if (!folder.includes('/') || folder in exceptions) return [];
    if (size > MAX) return [`${folder} holds ${size} files: expected at most ${MAX}`];
    if (size + divided < MIN) return [`${folder} holds ${size + divided} files: expected at least ${MIN}`];
    return [];
  });
  const stale = Object.keys(exceptions).filter((folder) => {
    const { size = 0, divided = 0 } = entries.get(folder) ?? {};
    return size === 0 || (size <= MAX && size + divided >= MIN);
  });
  return [...violations, ...stale.map((folder) => `${folder} needs no exception: remove it from the table`)];
}

interface Entries {
  /** Number of source files. */
  size: number;
  /** Number of folders that hold source files. */
  divided: number;
}

function entriesOf(sources: readonly string[]): Map<string, Entries> {
  const entries = new Map<string, Entries>();
  function entryOf(folder: string): Entries {
    const known = entries.get(folder);
    if (known) return known;
    const entry = { size: 0, divided: 0 };
    entries.set(folder, entry);
    if (folder.includes('/')) entryOf(posix.dirname(folder)).divided += 1;
    return entry;
  }
  for (const file of sources) entryOf(posix.dirname(file)).size += 1;
  return entries;
}

function isFixture(file: string): boolean {
  return file.split('/').includes('fixtures');
}

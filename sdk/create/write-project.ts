/** Writes a new push application into an empty folder. */

import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '../../core/errors.js';
import { reasonOf } from '../../core/text.js';

/** Entries allowed in a new folder, such as those of a new repository. */
const ALLOWED_ENTRIES = new Set(['.git', '.DS_Store']);

/** @throws ConfigurationError if the folder is not empty, or is not a folder. */
export async function requireNewFolder(folder: string): Promise<void> {
  const found = (await entriesOf(folder)).filter((name) => !ALLOWED_ENTRIES.has(name));
  if (found.length === 0) return;
  throw new ConfigurationError(
    `${folder} is not empty (${found.slice(0, 3).join(', ')}): expected a new folder`,
  );
}

/**
 * @param files contents by path. Existing files are not overwritten.
 * @throws ConfigurationError if a file cannot be written.
 */
export async function writeProject(
  folder: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  try {
    for (const [path, text] of Object.entries(files)) {
      const file = join(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text, { flag: 'wx' });
    }
  } catch (error) {
    throw new ConfigurationError(`cannot write to ${folder}: ${reasonOf(error)}`, { cause: error });
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new ConfigurationError(code === 'ENOTDIR' ? `${folder} is a file: expected a folder` : message, {
      cause: error,
    });
  }
}

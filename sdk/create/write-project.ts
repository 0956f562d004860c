/** Writes a new push application into a folder of its own. */

import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '../../core/errors.js';
import { reasonOf } from '../../core/text.js';

/** What a folder may have that is to be a new project: a repository that was just begun. */
const HARMLESS = new Set(['.git', '.DS_Store']);

/** @throws ConfigurationError where the folder has something in it, or is none. */
export async function requireNewFolder(folder: string): Promise<void> {
  const found = (await entriesOf(folder)).filter((name) => !HARMLESS.has(name));
  if (found.length === 0) return;
  throw new ConfigurationError(
    `${folder} is not empty (${found.slice(0, 3).join(', ')}); expected a new folder`,
  );
}

/**
 * @param files contents by their paths; a file that is there already is left alone.
 * @throws ConfigurationError where they cannot be written.
 */
export async function writeProject(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  try {
    for (const [path, text] of Object.entries(files)) {
      const file = join(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text, { flag: 'wx' });
    }
  } catch (error) {
    throw new ConfigurationError(`${folder} cannot be written: ${reasonOf(error)}`, { cause: error });
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new ConfigurationError(code === 'ENOTDIR' ? `${folder} is a file; expected a folder` : message, {
      cause: error,
    });
  }
}

/** The tarball that npm installed this package from. */

import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const FILE = 'file:';

/** Absolute path of the tarball; undefined if this package is from a registry, or is a clone. */
export async function ownTarball(): Promise<string | undefined> {
  const modules = dirname(dirname(fileURLToPath(import.meta.resolve('sip-push/package.json'))));
  // npm writes it for each folder that it installs into.
  const lock = await readFile(resolve(modules, '.package-lock.json'), 'utf8').catch(() => '{}');
  const resolved: unknown = JSON.parse(lock).packages?.['node_modules/sip-push']?.resolved;
  if (typeof resolved !== 'string' || !resolved.startsWith(FILE)) return undefined;
  return resolve(dirname(modules), resolved.slice(FILE.length));
}

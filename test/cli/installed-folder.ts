/** A folder with the result of `npm install` of this package, for applications that `sip-push create` writes. */

import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLI, Folder } from './sip-push.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export async function makeInstalledFolder(): Promise<Folder> {
  const folder = await Folder.make();
  await mkdir(join(folder.path, 'node_modules/.bin'), { recursive: true });
  await mkdir(join(folder.path, 'node_modules/@types'));
  await symlink(ROOT, join(folder.path, 'node_modules/sip-push'));
  for (const name of ['typescript', '@types/node', 'undici-types']) {
    await symlink(join(ROOT, 'node_modules', name), join(folder.path, 'node_modules', name));
  }
  await symlink(CLI, join(folder.path, 'node_modules/.bin/sip-push'));
  return folder;
}

/** Makes a folder, and those above it. */

import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from './failure.js';

/**
 * Not by `recursive: true`: where the system says ENOENT of a folder whose parent is there, as in /proc, Node.js tries
 * for ever, in a thread that nothing stops.
 */
export async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const code = errorCode(error);
    const parent = dirname(path);
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || parent === path || (await isThere(parent))) throw error;
    await makeFolder(parent, mode);
    // Somebody else may have made it meanwhile; where that fails again, the parent is there.
    await makeFolder(path, mode);
  }
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

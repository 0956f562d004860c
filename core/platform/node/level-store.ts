/** Importing this module adds the durable store to the platform: LevelDB in a folder by classic-level. */

import { addStore } from '../stores.js';

/** Tables that LevelDB keeps open, 2 MB each. Its default, 1000, is the limit of file descriptors of many systems. */
const MAX_OPEN_FILES = 64;

addStore('durable', async (folder) => {
  const { ClassicLevel } = await import('classic-level');
  return new ClassicLevel<string, string>(folder, { maxOpenFiles: MAX_OPEN_FILES });
});

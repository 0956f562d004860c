/** Importing this module adds the durable store to the platform: LevelDB in a folder by classic-level. */

import { addStore } from '../stores.js';

addStore('durable', async (folder) => {
  const { ClassicLevel } = await import('classic-level');
  return new ClassicLevel<string, string>(folder);
});

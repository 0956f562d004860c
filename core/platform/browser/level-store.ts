/** Importing this module adds the durable store to the platform: IndexedDB by browser-level. */

import type { LevelStore } from '../level.js';
import { addStore } from '../stores.js';

const PREFIX = 'sip-push ';

addStore('durable', async (folder) => {
  const { DurableLevel } = await import('./durable-level.js');
  // The store contains bytes. Its users select the encodings.
  return new DurableLevel(folder, { prefix: PREFIX }) as LevelStore;
});

/** Importing this module adds the store in memory to the platform. */

import { addStore } from './stores.js';

addStore('memory', async () => {
  const { MemoryLevel } = await import('memory-level');
  return new MemoryLevel<string, string>();
});

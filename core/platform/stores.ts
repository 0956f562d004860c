/** The kinds of stores in a program. Importing a module adds its kind; opening a store loads the package. */

import { ConfigurationError } from '../errors.js';
import type { LevelStore } from './level.js';

interface StoreKinds {
  durable(folder: string): Promise<LevelStore>;
  memory(): Promise<LevelStore>;
}

const kinds: Partial<StoreKinds> = {};

export function addStore<Kind extends keyof StoreKinds>(kind: Kind, create: StoreKinds[Kind]): void {
  kinds[kind] = create;
}

/** Creates a store without opening it. @throws ConfigurationError if the program does not have this kind. */
export async function createStore(folder: string | undefined): Promise<LevelStore> {
  const store = folder === undefined ? kinds.memory?.() : kinds.durable?.(folder);
  if (store) return await store;
  const kind = folder === undefined ? 'a store in memory' : 'a durable store';
  throw new ConfigurationError(`this program is composed without ${kind}`);
}

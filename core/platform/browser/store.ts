/** Opens a durable store with a name, or a store in memory. */

import { SipPushError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { LevelStore } from '../level.js';
import { createStore } from '../stores.js';

export async function openStore(folder?: string): Promise<LevelStore> {
  try {
    const store = await createStore(folder);
    await store.open();
    return store;
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    if (reason instanceof SipPushError) throw reason;
    throw new SipPushError(`the store in ${folder ?? 'memory'} does not open: ${reasonOf(reason)}`, {
      cause: error,
    });
  }
}

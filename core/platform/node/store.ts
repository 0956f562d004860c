/** Opens a durable store in a folder, or a store in memory. */

import { ConfigurationError, SipPushError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { LevelStore } from '../level.js';
import { createStore } from '../stores.js';
import { requireDescriptors } from './descriptors.js';
import { makeFolder } from './file.js';

export async function openStore(folder?: string): Promise<LevelStore> {
  requireDescriptors();
  try {
    // Created before LevelDB creates it, because pushes are private.
    if (folder !== undefined) await makeFolder(folder, 0o700);
    const store = await createStore(folder);
    await store.open();
    return store;
  } catch (error) {
    throw error instanceof ConfigurationError ? error : explain(folder, error);
  }
}

/** abstract-level has the reason (a lock, a full disk, a bad file) as the cause of "Database failed to open". */
function explain(folder: string | undefined, error: unknown): SipPushError {
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (reason instanceof Error && 'code' in reason && reason.code === 'LEVEL_LOCKED') {
    const problem = `the store in ${folder} is open in another process; give each host a folder`;
    return new SipPushError(problem, { cause: error });
  }
  const text = reasonOf(reason);
  const advice = folder === undefined ? '' : '; "data" has to be a folder that may be written';
  return new SipPushError(`the store in ${folder ?? 'memory'} does not open: ${text}${advice}`, {
    cause: error,
  });
}

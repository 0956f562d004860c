/** The durable store: LevelDB in a folder, or the same interface in memory. */

import { ClassicLevel } from 'classic-level';
import { MemoryLevel } from 'memory-level';
import { ConfigurationError, SipPushError } from '../../errors.js';
import type { Store } from '../platform.js';
import { makeFolder } from './make-folder.js';

export async function openStore(folder?: string): Promise<Store> {
  const store: Store =
    folder === undefined ? new MemoryLevel<string, string>() : new ClassicLevel<string, string>(folder);
  try {
    if (folder !== undefined) await makeFolder(folder);
    await store.open();
  } catch (error) {
    throw explain(folder, error);
  }
  return store;
}

/** abstract-level wraps the reason (a lock, a full disk, a bad file) as the cause of "Database failed to open". */
function explain(folder: string | undefined, error: unknown): SipPushError {
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (reason instanceof Error && 'code' in reason && reason.code === 'LEVEL_LOCKED') {
    return new ConfigurationError(
      `the store in ${folder} is open in another process; give each host a folder`,
      {
        cause: error,
      },
    );
  }
  const text = reason instanceof Error ? reason.message : String(reason);
  return new SipPushError(`the store in ${folder ?? 'memory'} does not open: ${text}`, { cause: error });
}

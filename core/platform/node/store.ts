/** Opens a durable store in a folder, or a store in memory. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SipPushError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { LevelStore } from '../level.js';
import { createStore } from '../stores.js';
import { requireDescriptors } from './descriptors.js';
import { makeFolder } from './file.js';

export async function openStore(folder?: string, onDamage?: (problem: string) => void): Promise<LevelStore> {
  requireDescriptors();
  try {
    // Created before LevelDB creates it, because pushes are private.
    if (folder !== undefined) await makeFolder(folder, 0o700);
    const store = await createStore(folder);
    await store.open();
    const dropped = folder === undefined ? undefined : await droppedBytes(folder);
    if (dropped) onDamage?.(`the store dropped ${dropped} bytes of its log, which are damaged`);
    return store;
  } catch (error) {
    throw error instanceof SipPushError ? error : explain(folder, error);
  }
}

/** LevelDB opens a store whose log is damaged, and writes only to its own log what it dropped. */
async function droppedBytes(folder: string): Promise<number> {
  const text = await readFile(join(folder, 'LOG'), 'utf8').catch(() => '');
  const lines = text.matchAll(/: dropping (\d+) bytes; /g);
  return [...lines].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

/** abstract-level has the reason (a lock, a full disk, a bad file) as the cause of "Database failed to open". */
function explain(folder: string | undefined, error: unknown): SipPushError {
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (reason instanceof Error && 'code' in reason && reason.code === 'LEVEL_LOCKED') {
    const problem = `the store in ${folder} is open in another process; give each host a folder`;
    return new SipPushError(problem, { cause: error });
  }
  const text = reasonOf(reason);
  // LevelDB has lost files or blocks: "Corruption: 1 missing files", or a MANIFEST that is missing.
  if (folder !== undefined && /Corruption|No such file/.test(text)) {
    const problem = `the store in ${folder} is damaged: ${text}. Restore the folder from a backup, or move it away and start with an empty one: the pushes in it are lost then. "Damaged stores" in the guide "Troubleshoot" has a way to save what is readable`;
    return new SipPushError(problem, { cause: error });
  }
  const advice = folder === undefined ? '' : '; "data" has to be a folder that may be written';
  return new SipPushError(`the store in ${folder ?? 'memory'} does not open: ${text}${advice}`, {
    cause: error,
  });
}

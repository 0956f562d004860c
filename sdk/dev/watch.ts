/** Watches a folder, and reports changes once no more follow for a moment. */

import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Milliseconds without a change: editors write a file in several steps, and several files at once. */
const QUIET_MS = 150;
/** Folders and files that installations and builds change. */
const IGNORED_NAMES = /^(node_modules|dist|\..*)$/;
/** An application has a few folders, and each watched folder costs system resources. */
const MAX_FOLDERS = 1000;

export interface WatchOptions {
  /** Absolute paths of folders to ignore. */
  except: readonly string[];
  changed(): void;
  /** Called when part of the folder cannot be watched, because it was removed or is too large. */
  failed(error: Error): void;
}

/**
 * Watches each folder separately: on Linux, Node.js's recursive watch loses a file that an editor replaces.
 * @param folder absolute path.
 * @returns a function that stops watching, once all folders are watched.
 */
export async function watchFolder(
  folder: string,
  { except, changed, failed }: WatchOptions,
): Promise<() => void> {
  let watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  let ended = false;

  const unwatch = () => {
    for (const watcher of watchers) watcher.close();
    watchers = [];
  };

  const follow = async (path: string): Promise<void> => {
    if (ended) return;
    if (watchers.length === MAX_FOLDERS) throw new Error(`more than ${MAX_FOLDERS} folders`);
    const watcher = watch(path, (_, name) => {
      if (name !== null && (IGNORED_NAMES.test(name) || except.includes(join(path, name)))) return;
      clearTimeout(timer);
      timer = setTimeout(() => void restart(), QUIET_MS);
    });
    watchers.push(watcher);
    watcher.on('error', failed);
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      if (!entry.isDirectory() || IGNORED_NAMES.test(entry.name) || except.includes(inner)) continue;
      await follow(inner).catch((error: NodeJS.ErrnoException) => {
        // The folder was removed in the meantime.
        if (error.code !== 'ENOENT') throw error;
      });
    }
  };

  /** Watches all folders again before it reports the change, because a recreated folder needs a new watcher. */
  const restart = async () => {
    unwatch();
    await follow(folder).catch(failed);
    if (!ended) changed();
  };

  await follow(folder).catch(failed);
  return () => {
    ended = true;
    clearTimeout(timer);
    unwatch();
  };
}

/** Tells when something in a folder has changed, once it has been quiet for a moment. */

import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Milliseconds: an editor writes a file in several steps, and several files at once. */
const QUIET = 150;
/** What changes by itself, or by what is done about a change. */
const OTHERS = /^(node_modules|dist|\..*)$/;
/** An application has a few folders; each that is watched costs the system something. */
const MAX_FOLDERS = 1000;

/**
 * Each folder by itself: Node.js's recursive watch loses a file on Linux once an editor has put a new one in its place.
 * @returns what ends it, once all of it is watched.
 */
export async function watchFolder(
  folder: string,
  changed: () => void,
  failed: (error: Error) => void,
): Promise<() => void> {
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  let ended = false;

  const follow = (path: string) => {
    if (ended || watchers.has(path) || watchers.size === MAX_FOLDERS) return;
    const watcher = watch(path, (_, name) => {
      if (name !== null && OTHERS.test(name)) return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        void scan(folder);
        changed();
      }, QUIET);
    });
    watchers.set(path, watcher);
    watcher.on('error', (error) => {
      watcher.close();
      watchers.delete(path);
      // A folder that is gone is not watched any more; of all of it something is wrong.
      if (path === folder) failed(error);
    });
  };

  const scan = async (path: string): Promise<void> => {
    try {
      follow(path);
      for (const entry of await readdir(path, { withFileTypes: true })) {
        if (entry.isDirectory() && !OTHERS.test(entry.name)) await scan(join(path, entry.name));
      }
    } catch (error) {
      // It went while it was looked at.
      if (path === folder) failed(error as Error);
    }
  };

  await scan(folder);
  return () => {
    ended = true;
    clearTimeout(timer);
    for (const watcher of watchers.values()) watcher.close();
  };
}

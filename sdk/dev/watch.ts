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

export interface WatchOptions {
  /** Folders in it where changes are nobody's work: absolute. */
  except: readonly string[];
  changed(): void;
  /** Not all of it is watched: it is gone, or there is too much of it. */
  failed(error: Error): void;
}

/**
 * Each folder by itself: Node.js's recursive watch loses a file on Linux once an editor has put a new one in its place.
 * @param folder absolute.
 * @returns what ends it, once all of it is watched.
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
    if (watchers.length === MAX_FOLDERS) throw new Error(`it has more than ${MAX_FOLDERS} folders`);
    const watcher = watch(path, (_, name) => {
      if (name !== null && (OTHERS.test(name) || except.includes(join(path, name)))) return;
      clearTimeout(timer);
      timer = setTimeout(() => void again(), QUIET);
    });
    watchers.push(watcher);
    watcher.on('error', failed);
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      if (!entry.isDirectory() || OTHERS.test(entry.name) || except.includes(inner)) continue;
      await follow(inner).catch((error: NodeJS.ErrnoException) => {
        // It went while it was looked at.
        if (error.code !== 'ENOENT') throw error;
      });
    }
  };

  /** A folder that was removed and made anew is another one: all are watched anew, ahead of looking at them. */
  const again = async () => {
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

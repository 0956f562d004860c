/** Watches a folder, and reports changes once no more follow for a moment. */

import { type FSWatcher, statSync, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';

/** Milliseconds without a change: editors write a file in several steps, and several files at once. */
const QUIET_MS = 150;
/** Folders and files that installations and builds change. */
const IGNORED_NAMES = /^(node_modules|dist|\..*)$/;
/** An application has a few folders, and each watched folder costs system resources. */
const MAX_FOLDERS = 1000;

export interface WatchOptions {
  /** Absolute paths of folders to ignore. */
  except: readonly string[];
  /** Whether a change of this file is reported. */
  isSource(file: string): boolean;
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
  { except, isSource, changed, failed }: WatchOptions,
): Promise<() => void> {
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  let changedSource = false;
  /** Absolute paths of the sources in the watched folders. */
  let sources = new Set<string>();

  const unwatch = () => {
    for (const watcher of watchers.values()) watcher.close();
    watchers.clear();
    sources = new Set();
  };

  const isIgnored = (path: string) => IGNORED_NAMES.test(basename(path)) || except.includes(path);

  const onEvent = (path: string) => {
    if (isIgnored(path)) return;
    const removed = watchers.has(path) && Array.from(sources).some((file) => file.startsWith(path + sep));
    if (removed || isSource(path)) changedSource = true;
    else if (!isFolder(path)) return;
    clearTimeout(timer);
    timer = setTimeout(() => void restart(), QUIET_MS);
  };

  const follow = async (path: string): Promise<void> => {
    if (ended) return;
    if (watchers.size === MAX_FOLDERS) throw new Error(`more than ${MAX_FOLDERS} folders`);
    // Without a name, anything can have changed.
    const watcher = watch(path, (_, name) => onEvent(name === null ? path : join(path, name)));
    watchers.set(path, watcher);
    watcher.on('error', failed);
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      if (isIgnored(inner)) continue;
      if (!entry.isDirectory()) {
        if (isSource(inner)) sources.add(inner);
        continue;
      }
      await follow(inner).catch((error: NodeJS.ErrnoException) => {
        // The folder was removed in the meantime.
        if (error.code !== 'ENOENT') throw error;
      });
    }
  };

  /** Watches all folders again before it reports the change, because a recreated folder needs a new watcher. */
  const restart = async () => {
    const [hadChanged, before] = [changedSource, sources];
    changedSource = false;
    unwatch();
    await follow(folder).catch(failed);
    // A new folder, such as one of logs, can have no sources.
    const added = () => Array.from(sources).some((file) => !before.has(file));
    if (!ended && (hadChanged || added())) changed();
  };

  await follow(folder).catch(failed);
  return () => {
    ended = true;
    clearTimeout(timer);
    unwatch();
  };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

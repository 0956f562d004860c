/** Finds a module of a package by its package.json, as Node.js does for an import. */

import { existsSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';

/**
 * Conditions of an export map, those of an import first. The module is imported by its path, so a package that exports
 * modules for `require` alone works, too.
 */
const CONDITIONS: readonly (readonly string[])[] = [
  ['node', 'import', 'module-sync', 'default'],
  ['node', 'require', 'module-sync', 'default'],
];

/** Fields of package.json. */
export interface EntryFields {
  readonly exports?: unknown;
  readonly main?: unknown;
}

/**
 * @param name `.`, or the name of another export, such as `./weather`.
 * @returns an absolute path, at which there may be no file; undefined if the package does not export the name.
 */
export function entryOf(folder: string, { exports, main }: EntryFields, name = '.'): string | undefined {
  if (exports !== undefined && exports !== null) {
    const found = exportOf(exports, name);
    return found === undefined ? undefined : resolve(folder, found);
  }
  const module = name !== '.' ? name : typeof main === 'string' && main !== '' ? main : 'index.js';
  const path = resolve(folder, module);
  return [path, `${path}.js`, resolve(path, 'index.js')].find(isFile) ?? path;
}

/** Also false for a path that the file system refuses, e.g. because it is too long. */
export function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Whether a path is inside a package, both as written and with its symbolic links resolved. A package that is linked as a
 * whole is at its real folder.
 * A file that does not exist is judged by its path.
 */
export function isInPackage(folder: string, path: string): boolean {
  return contains(folder, path) && (!existsSync(path) || contains(realpathSync(folder), realpathSync(path)));
}

function contains(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function exportOf(exports: unknown, name: string): string | undefined {
  const [entry, matched] = entryFor(exports, name);
  for (const conditions of CONDITIONS) {
    const found = target(entry, conditions);
    if (found !== undefined) return found.replaceAll('*', matched);
  }
  return undefined;
}

/** @returns the value of the export, and the text that `*` stands for in it. */
function entryFor(exports: unknown, name: string): [entry: unknown, matched: string] {
  const names = isObject(exports) && Object.keys(exports).some((key) => key.startsWith('.'));
  if (!names) return [name === '.' ? exports : undefined, '*'];
  if (Object.hasOwn(exports, name)) return [exports[name], '*'];
  const patterns = Object.keys(exports).filter((key) => matches(key, name));
  // The most specific pattern counts.
  const [best] = patterns.sort((one, other) => other.indexOf('*') - one.indexOf('*'));
  if (best === undefined) return [undefined, ''];
  const [before = '', after = ''] = best.split('*');
  return [exports[best], name.slice(before.length, name.length - after.length)];
}

function matches(pattern: string, name: string): boolean {
  const [before = '', after] = pattern.split('*');
  if (after === undefined || name.length <= before.length + after.length) return false;
  return name.startsWith(before) && name.endsWith(after);
}

function target(entry: unknown, conditions: readonly string[]): string | undefined {
  if (typeof entry === 'string') return entry.startsWith('./') ? entry : undefined;
  const values = Array.isArray(entry)
    ? entry
    : isObject(entry)
      ? Object.keys(entry).flatMap((key) => (conditions.includes(key) ? [entry[key]] : []))
      : [];
  for (const value of values) {
    const found = target(value, conditions);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Compares the sources of a package in TypeScript with those from which its `dist` was built. */

import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { isFile } from './entry.js';

/** A module of `src` that differs from what was built. */
export interface StaleBuild {
  /** Path in the package. */
  readonly source: string;
  readonly change: 'changed' | 'was removed';
  /** When `dist` was written. */
  readonly built: Date;
}

const SOURCE = /(?<!\.d)\.[cm]?[jt]sx?$/;
const TYPESCRIPT = /\.[cm]?tsx?$/;
const COMPILED = /\.[cm]?js$/;

/**
 * The source maps of a build contain the sources. A source that no map contains is compared by its date.
 * @returns undefined if the build is current, there is none, or `src` is not in TypeScript.
 */
export async function staleBuild(folder: string): Promise<StaleBuild | undefined> {
  const dist = await filesIn(join(folder, 'dist'));
  const sources = (await filesIn(join(folder, 'src'))).filter((file) => SOURCE.test(file));
  const compiled = await Promise.all(dist.filter((file) => COMPILED.test(file)).map(modified));
  if (compiled.length === 0 || !sources.some((file) => TYPESCRIPT.test(file))) return undefined;
  const built = new Date(Math.max(...compiled));
  const found = (file: string, change: StaleBuild['change']) => ({
    source: relative(folder, file),
    change,
    built,
  });
  const contents = await builtSources(dist.filter((file) => file.endsWith('.map')));
  for (const file of sources) {
    const content = contents.get(file);
    const isCurrent =
      content === undefined
        ? (await modified(file)) <= built.getTime()
        : content === withoutMark(await readFile(file, 'utf8'));
    if (!isCurrent) return found(file, 'changed');
  }
  const src = join(folder, 'src', '/');
  const removed = [...contents.keys()].find((file) => file.startsWith(src) && !sources.includes(file));
  return removed === undefined ? undefined : found(removed, 'was removed');
}

/** `src/index.ts changed after the build of 2026-01-01T12:00:00Z` */
export function staleBuildText({ source, change, built }: StaleBuild): string {
  return `${source} ${change} after the build of ${built.toISOString().replace(/\.\d+/, '')}`;
}

/** Absolute paths of the files, including links to files. */
async function filesIn(folder: string): Promise<string[]> {
  const paths = await readdir(folder, { recursive: true }).catch(() => []);
  return paths
    .sort()
    .map((path) => join(folder, path))
    .filter(isFile);
}

/** Compilers keep the byte order mark of a source, or remove it. */
function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, '');
}

async function modified(file: string): Promise<number> {
  return (await stat(file)).mtimeMs;
}

/** The texts of the sources in source maps, by absolute path. */
async function builtSources(maps: readonly string[]): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  for (const file of maps) {
    const { sources, sourcesContent, sourceRoot } = await mapIn(file);
    for (const [index, source] of sources.entries()) {
      const content = sourcesContent[index];
      if (typeof content !== 'string') continue;
      contents.set(resolve(dirname(file), sourceRoot, source), withoutMark(content));
    }
  }
  return contents;
}

/** Without sources if the file is not a source map. */
async function mapIn(file: string) {
  const map: Readonly<Record<string, unknown>> = await readFile(file, 'utf8')
    .then((text) => Object(JSON.parse(text)))
    .catch(() => ({}));
  const { sources, sourcesContent, sourceRoot } = map;
  return {
    sources: Array.isArray(sources) ? sources.map(String) : [],
    sourcesContent: Array.isArray(sourcesContent) ? sourcesContent : [],
    sourceRoot: typeof sourceRoot === 'string' ? sourceRoot : '',
  };
}

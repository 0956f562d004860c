/**
 * Keeps the names of the error classes of applications, which minification would shorten: logs and events show them if
 * a class derives its name, as `this.name = new.target.name` does. Names of all modules would add 7 % to a bundle.
 */

import { readFile } from 'node:fs/promises';
import { extname, relative } from 'node:path';
import { type OnLoadResult, transform } from 'esbuild';

const ERROR_CLASS = /\bclass\s+[\w$]+\s+extends\s+[\w$.]*Error\b/;

/**
 * A module of an application with the names of its classes as text; undefined if it has no class of errors.
 * @param homes folders of the packages of the applications, without those installed in them.
 */
export async function withErrorNames(
  file: string,
  homes: readonly string[],
): Promise<OnLoadResult | undefined> {
  if (!homes.some((home) => isOwn(file, home))) return undefined;
  const source = await readFile(file, 'utf8');
  if (!ERROR_CLASS.test(source)) return undefined;
  const loader = /ts$/.test(extname(file)) ? 'ts' : 'js';
  // esbuild reports a syntax error at its position in the file.
  const named = await transform(source, {
    loader,
    keepNames: true,
    sourcefile: file,
    sourcemap: 'inline',
    logLevel: 'silent',
  }).catch(() => undefined);
  return named && { contents: named.code, loader: 'js' };
}

function isOwn(file: string, home: string): boolean {
  const path = relative(home, file).replaceAll('\\', '/');
  return !path.startsWith('..') && !`/${path}`.includes('/node_modules/');
}

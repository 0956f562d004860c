/** Explains why the module of an application that package.json names does not exist. */

import { existsSync } from 'node:fs';
import { dirname, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageLabel } from './contract-range.js';
import { isFile } from './entry.js';
import { type PackageApplication, type PackageManifest, readPackageFields } from './package-manifest.js';

/** @returns undefined if the module exists. */
export async function missingModule(
  { module }: PackageApplication,
  manifest: PackageManifest,
): Promise<string | undefined> {
  const file = fileURLToPath(module);
  if (isFile(file)) return undefined;
  return missingFile(file, manifest, await readPackageFields(manifest.folder));
}

/** @param fields fields of package.json. */
export function missingFile(
  file: string,
  named: Pick<PackageManifest, 'folder' | 'name' | 'version'>,
  fields: Readonly<Record<string, unknown>>,
): string {
  const { folder } = named;
  const path = `./${relative(folder, file).split(sep).join('/')}`;
  const label = packageLabel(named);
  const builds = typeof Object(fields.scripts).build === 'string';
  const build = `run "npm run build" in ${folder}`;
  if (builds && !existsSync(dirname(file))) return `${label} is not built, it has no ${path}: ${build}`;
  const correct = `correct ${keysOf(fields)} in ${folder}/package.json`;
  return `${label} has no ${path}, which its package.json names: ${builds ? `${build}, or ` : ''}${correct}`;
}

/** The keys that can name the module. */
function keysOf({ exports, main }: Readonly<Record<string, unknown>>): string {
  const entry = exports !== undefined ? '"exports"' : main !== undefined ? '"main"' : '"exports" or "main"';
  return `${entry} or the "module" of the application`;
}

/** Finds installed packages of push applications by their name. */

import { existsSync, realpathSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { type PackageManifest, readPackageManifest } from './package-manifest.js';

const NAME = /^sip-push-app-/;

/** The `node_modules` folders that are searched from a folder, nearest first. */
export function packageFolders(folder: string): string[] {
  // A package that is linked also finds what is installed beside its real folder.
  const folders = [resolve(folder), ...(existsSync(folder) ? [realpathSync(folder)] : [])];
  const paths = folders.flatMap(
    (each) => createRequire(join(each, 'package.json')).resolve.paths('sip-push-app-') ?? [],
  );
  return [...new Set(paths)];
}

/** A package whose manifest cannot be used. */
export type ManifestProblem = (error: Error, folder: string) => void;

/**
 * Reads the manifests of the packages `sip-push-app-…` and `@…/sip-push-app-…` that a module in the folder can import:
 * of each name the nearest package.
 * @param problem called for each manifest that is invalid or requires another version of the contract.
 */
export async function installedApplications(
  folder: string,
  problem: ManifestProblem = () => {},
): Promise<PackageManifest[]> {
  const found: PackageManifest[] = [];
  const seen = new Set<string>();
  for (const modules of packageFolders(folder)) {
    for (const name of await applicationNamesIn(modules)) {
      const path = join(modules, name);
      if (seen.has(name) || !existsSync(join(path, 'package.json'))) continue;
      seen.add(name);
      try {
        const manifest = await readPackageManifest(path);
        if (manifest) found.push(manifest);
      } catch (error) {
        problem(error as Error, path);
      }
    }
  }
  return found;
}

async function applicationNamesIn(modules: string): Promise<string[]> {
  const names = await namesIn(modules);
  const scopes = names.filter((name) => name.startsWith('@'));
  const scoped = await Promise.all(
    scopes.map(async (scope) =>
      (await namesIn(join(modules, scope)))
        .filter((name) => NAME.test(name))
        .map((name) => join(scope, name)),
    ),
  );
  return [...names.filter((name) => NAME.test(name)), ...scoped.flat()];
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

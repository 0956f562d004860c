/** Finds installed packages of push applications by their name. */

import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { type PackageManifest, readPackageManifest } from './package-manifest.js';

const NAME = /^sip-push-app-/;

/** The `node_modules` folders that are searched from a folder, nearest first. */
export function packageFolders(folder: string): string[] {
  return createRequire(resolve(folder, 'package.json')).resolve.paths('sip-push-app-') ?? [];
}

/**
 * Reads the manifests of the packages `sip-push-app-…` and `@…/sip-push-app-…` that a module in the folder can import.
 * @param problem called for each manifest that is invalid or requires another version of the contract.
 */
export async function installedApplications(
  folder: string,
  problem: (error: Error) => void = () => {},
): Promise<PackageManifest[]> {
  const found: PackageManifest[] = [];
  for (const modules of packageFolders(folder)) {
    const names = await namesIn(modules);
    const scopes = names.filter((name) => name.startsWith('@'));
    const scoped = await Promise.all(
      scopes.map(async (scope) =>
        (await namesIn(join(modules, scope)))
          .filter((name) => NAME.test(name))
          .map((name) => join(scope, name)),
      ),
    );
    for (const name of [...names.filter((name) => NAME.test(name)), ...scoped.flat()]) {
      const manifest = await readPackageManifest(join(modules, name)).catch(problem);
      if (manifest) found.push(manifest);
    }
  }
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

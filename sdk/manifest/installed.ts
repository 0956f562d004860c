/** Packages of push applications that are installed: those that are called so. */

import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { type PackageManifest, readPackageManifest } from './package-manifest.js';

const NAME = /^sip-push-app-/;

/** Where packages are looked for from a folder, the nearest first. */
export function packageFolders(folder: string): string[] {
  return createRequire(resolve(folder, 'package.json')).resolve.paths('sip-push-app-') ?? [];
}

/**
 * Of the packages `sip-push-app-…` and `@…/sip-push-app-…` that a module in the folder can import, what they say.
 * @param problem is told of one that is broken, or for another host.
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
    for (const name of [...names.filter((one) => NAME.test(one)), ...scoped.flat()]) {
      const manifest = await readPackageManifest(join(modules, name)).catch(problem);
      if (manifest) found.push(manifest);
    }
  }
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** Resolves the specifiers in an entry module for esbuild. */

import { realpath } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import { locateApplication } from '../manifest/applications.js';
import { BUNDLED_APPLICATIONS, PACKAGE_FOLDER as ROOT } from '../manifest/this-package.js';
import { APPLICATION, OWN_MODULE } from './entry.js';
import { withErrorNames } from './error-names.js';
import { Packages } from './package-of.js';

/** Whether this package runs from its sources, as in its own tests. */
export const FROM_SOURCES = extname(fileURLToPath(import.meta.url)) === '.ts';

/** Marks a request that was redirected to this package, to prevent a loop. */
const RESOLVED = 'resolved';

export interface ModuleOptions {
  /** `use` of each application in the configuration. */
  applications: readonly string[];
  /** Base folder for `use`. */
  folder: string;
}

export function modules({ applications, folder }: ModuleOptions): Plugin {
  return {
    name: 'sip-push',
    setup(build) {
      const homes: string[] = [];
      const packages = new Packages();
      build.onResolve({ filter: new RegExp(`^${APPLICATION}`) }, async ({ path, kind }) => {
        const use = applications[Number(path.slice(APPLICATION.length))] ?? '';
        if (BUNDLED_APPLICATIONS.includes(use))
          return await build.resolve(`sip-push/apps/${use}`, { kind, resolveDir: ROOT });
        const { specifier } = await locateApplication(use, folder);
        // A path is not resolved again: it can contain characters that esbuild reads as a query. Links are followed, as
        // the imports of a linked package are found beside its real path.
        const file = await realpath(fileURLToPath(specifier));
        homes.push(packages.of(file).folder);
        return { path: file };
      });
      build.onLoad({ filter: /\.[cm]?[jt]s$/ }, ({ path }) => withErrorNames(path, homes));
      build.onResolve({ filter: new RegExp(`^${OWN_MODULE}`) }, async ({ path, kind }) => {
        const module = path.slice(OWN_MODULE.length);
        const file = FROM_SOURCES ? `./${module}.ts` : `./dist/${module}.js`;
        return await build.resolve(file, { kind, resolveDir: ROOT });
      });
      // Applications with their own copy of sip-push get this one, so that each class exists once.
      build.onResolve({ filter: /^sip-push(\/|$)/ }, async ({ path, kind, resolveDir, pluginData }) => {
        if (resolveDir === ROOT || pluginData === RESOLVED) return undefined;
        return await build.resolve(path, { kind, resolveDir: ROOT, pluginData: RESOLVED });
      });
    },
  };
}

/** How esbuild finds the modules of a bundle. */

import { readFileSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import { locateApplication } from '../manifest/applications.js';
import { BUNDLED_APPLICATIONS } from '../manifest/this-package.js';
import { APPLICATION } from './entry.js';
import { shortenedModules } from './shortened.js';
import { moduleIn, RUNTIME, standInOf, standInText } from './stand-ins.js';
import { type Features, unusedText } from './unused.js';

/** The folder of this package, and whether it is run from its sources, as its own tests do. */
export const ROOT = dirname(fileURLToPath(import.meta.resolve('sip-push/package.json')));
export const FROM_SOURCES = extname(fileURLToPath(import.meta.url)) === '.ts';

/** Where our own modules are. */
const CORE = join(ROOT, FROM_SOURCES ? 'core' : 'dist/core');
/** Marks what was asked for again, from our own folder. */
const OURS = 'ours';
/** Packages that there is one copy of, ours, whoever asks. */
const ONE_COPY = /^(sip-push|sdp-transform|tsyringe|abstract-level)(\/|$)/;

export interface ModuleOptions {
  /** `use` of each application, and the folder that they are looked for from. */
  applications: readonly string[];
  folder: string;
  features: Features;
}

export function modules({ applications, folder, features }: ModuleOptions): Plugin {
  const changes = shortenedModules(features.foreign);
  const shorten = (path: string) => moduleIn(changes, path)?.(readFileSync(path, 'utf8'));
  return {
    name: 'sip-push',
    setup(build) {
      build.onResolve({ filter: new RegExp(`^${APPLICATION}`) }, async ({ path, kind }) => {
        const use = applications[Number(path.slice(APPLICATION.length))] ?? '';
        if (BUNDLED_APPLICATIONS.includes(use))
          return await build.resolve(`sip-push/apps/${use}`, { kind, resolveDir: ROOT });
        const { manifest } = await locateApplication(use, folder);
        const file = use.startsWith('.') ? resolve(folder, use) : use;
        const specifier = manifest ? fileURLToPath(manifest.module) : file;
        return await build.resolve(specifier, { kind, resolveDir: folder });
      });
      build.onResolve({ filter: new RegExp(`^${RUNTIME}`) }, ({ path }) => ({
        path: fileURLToPath(
          new URL(`./runtime/${path.slice(RUNTIME.length)}${FROM_SOURCES ? '.ts' : '.js'}`, import.meta.url),
        ),
      }));
      build.onResolve({ filter: /^[\w-]+$/ }, async ({ path, importer }) => {
        const standIn = importer.startsWith(CORE) ? standInOf(path, features.platform) : undefined;
        return standIn === undefined ? undefined : await build.resolve(standIn, { kind: 'import-statement' });
      });
      build.onResolve({ filter: ONE_COPY }, async ({ path, kind, resolveDir, pluginData }) => {
        if (resolveDir === ROOT || pluginData === OURS) return undefined;
        return await build.resolve(path, { kind, resolveDir: ROOT, pluginData: OURS });
      });
      build.onLoad({ filter: /\.[cm]?[jt]s$/ }, ({ path }) => {
        const contents = unusedText(path, features) ?? standInText(path, features.platform) ?? shorten(path);
        return contents === undefined ? undefined : { contents, loader: 'js' };
      });
    },
  };
}

/** A push application that somebody is writing: compiled and loaded anew as often as it changes. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type BuildFailure, build } from 'esbuild';
import type { PushAppDefinition } from '../../core/app/contract.js';
import { canonicalEventAppId } from '../../core/app/event-app-id.js';
import { ConfigurationError } from '../../core/errors.js';
import { CompileError, isCompiled, problemOf } from '../build/build-application.js';
import {
  type PackageApplication,
  type PackageManifest,
  readPackageManifest,
} from '../manifest/package-manifest.js';

export interface SourceApplication {
  readonly manifest: PackageApplication;
  readonly definition: PushAppDefinition;
}

export class ApplicationSource {
  /** Node.js never forgets a module: each version is a file of its own. */
  #version = 0;

  /** @param folder with the package.json of the application. */
  constructor(readonly folder: string) {}

  /**
   * What is there now.
   * @throws ConfigurationError where the manifest is wrong, CompileError, or what the module throws as it loads.
   */
  async load(): Promise<SourceApplication[]> {
    const manifest = await readPackageManifest(this.folder);
    if (!manifest) {
      throw new ConfigurationError(
        `${join(this.folder, 'package.json')} has no "sipPush"; \`sip-push create\` shows what it is like`,
      );
    }
    return await Promise.all(manifest.apps.map((app) => this.#load(manifest, app)));
  }

  /** Removes what was compiled. */
  async close(): Promise<void> {
    await rm(this.#cache, { recursive: true, force: true });
  }

  async #load({ folder }: PackageManifest, app: PackageApplication): Promise<SourceApplication> {
    const module = fileURLToPath(app.module);
    const source = (await isCompiled(folder)) ? sourceOf(module, folder) : module;
    const outfile = join(this.#cache, `${++this.#version}.mjs`);
    await compile(source, outfile, folder);
    const { default: definition }: { default?: unknown } = await import(pathToFileURL(outfile).href);
    if (typeof definition !== 'object' || definition === null) {
      throw new ConfigurationError(`${source} has no default export; expected definePushApp({ … })`);
    }
    const { id } = definition as { id?: unknown };
    if (typeof id === 'string' && canonicalEventAppId(id) !== app.id) {
      throw new ConfigurationError(
        `${source} is ${id}, but package.json has "sipPush" for ${app.id}: one must follow`,
      );
    }
    // The runtime holds it against the contract before it starts.
    return { manifest: app, definition: definition as PushAppDefinition };
  }

  /** In the package, so that what it imports is found from there. */
  get #cache(): string {
    return join(this.folder, 'node_modules/.cache/sip-push-dev');
  }
}

/** `dist/index.js` is what a host gets; `src/index.ts` is what its author writes. */
function sourceOf(module: string, folder: string): string {
  const dist = join(folder, 'dist');
  if (!module.startsWith(dist)) return module;
  return join(folder, 'src', module.slice(dist.length).replace(/js$/, 'ts'));
}

/** All of the application's own modules in one: a new version has nothing of the last. */
async function compile(source: string, outfile: string, folder: string): Promise<void> {
  try {
    await build({
      ...{ absWorkingDir: folder, entryPoints: [source], outfile, logLevel: 'silent' },
      ...{ bundle: true, packages: 'external', format: 'esm', platform: 'node', target: 'node20' },
      sourcemap: 'inline',
    });
  } catch (error) {
    const { errors = [] } = error as Partial<BuildFailure>;
    if (errors.length === 0) throw error;
    throw new CompileError(errors.map(problemOf), { cause: error });
  }
}

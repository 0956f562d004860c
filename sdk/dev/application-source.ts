/** A push application that somebody is writing: compiled and loaded anew as often as it changes. */

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import { START_WITHIN } from '../../core/app/limits.js';
import type { AppToLoad } from '../../core/app/runtime.js';
import { ConfigurationError } from '../../core/errors.js';
import { systemClock } from '../../core/time/clock.js';
import { within } from '../../core/time/deadline.js';
import { checkOptions, exampleOptions } from '../manifest/check-options.js';
import { type PackageApplication, readPackageManifest } from '../manifest/package-manifest.js';
import { compile } from './build-application.js';

/** What is there now: what package.json says, and what a host loads by it. */
export interface SourceApplication {
  readonly manifest: PackageApplication;
  readonly toLoad: AppToLoad;
}

export class ApplicationSource {
  /**
   * @param folder with the package.json of the application.
   * @param options what a host's configuration would say for each application; the first of the manifest's examples
   * when absent.
   */
  constructor(
    private readonly folder: string,
    private readonly options?: unknown,
  ) {}

  /**
   * Each time anew. Node.js keeps every version in memory until its process ends.
   * @throws ConfigurationError where the manifest, the options or the module are wrong; CompileError.
   */
  async load(): Promise<SourceApplication[]> {
    const manifest = await readPackageManifest(this.folder);
    if (!manifest) {
      throw new ConfigurationError(
        `${join(this.folder, 'package.json')} has no "sipPush"; \`sip-push create\` shows what it is like`,
      );
    }
    return await Promise.all(
      manifest.apps.map(async (app) => ({ manifest: app, toLoad: await this.#toLoad(app) })),
    );
  }

  async #toLoad(manifest: PackageApplication): Promise<AppToLoad> {
    const options = this.options ?? exampleOptions(manifest);
    checkOptions(manifest, options);
    const { permissions } = manifest;
    return {
      definition: await this.#definition(manifest),
      manifest,
      options,
      permissions,
    };
  }

  async #definition({ id, module }: PackageApplication): Promise<PushAppDefinition> {
    const source = sourceOf(fileURLToPath(module), this.folder);
    const { default: definition }: { default?: unknown } = await this.#import(source, module).catch(
      (error) => {
        if (error instanceof ConfigurationError) throw error;
        throw new ConfigurationError(`${id} cannot be loaded: ${placedReason(error)}`, { cause: error });
      },
    );
    if (typeof definition !== 'object' || definition === null) {
      throw new ConfigurationError(
        `${relative(this.folder, source)} has no default export; expected definePushApp({ … })`,
      );
    }
    // The runtime holds it against the contract, and against its manifest, before it starts.
    return definition as PushAppDefinition;
  }

  /** All of the application's own modules in one, for once: Node.js never reads a file again that it has imported. */
  async #import(source: string, module: URL): Promise<{ default?: unknown }> {
    // In the package, so that what it imports is found from there.
    const cache = join(this.folder, 'node_modules/.cache');
    await mkdir(cache, { recursive: true });
    const place = await mkdtemp(join(cache, 'sip-push-dev-'));
    try {
      const outfile = join(place, 'index.mjs');
      await compile({
        ...{ absWorkingDir: this.folder, entryPoints: [source], outfile, sourcemap: 'inline' },
        ...{ bundle: true, packages: 'external' },
        // What lies beside the module that a host gets is found from there.
        define: { 'import.meta.url': JSON.stringify(module.href) },
      });
      const imported = import(pathToFileURL(outfile).href);
      return await within(systemClock, START_WITHIN, 'loading its module', imported);
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  }
}

/** `dist/index.js` is what a host gets; `src/index.ts` is what its author writes. */
function sourceOf(module: string, folder: string): string {
  const dist = join(folder, 'dist') + sep;
  if (!module.startsWith(dist)) return module;
  const written = join(folder, 'src', module.slice(dist.length));
  return [written.replace(/js$/, 'ts'), written].find(existsSync) ?? module;
}

/** With where it was thrown, of the modules that somebody wrote. */
function placedReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const lines = (error.stack ?? error.message).split('\n');
  return lines.filter((line) => !/^\s+at .*node:internal/.test(line)).join('\n');
}

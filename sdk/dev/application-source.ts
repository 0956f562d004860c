/** A push application under development, which is compiled and reloaded after each change. */

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { BuildOptions } from 'esbuild';
import { exportedApplication } from '../../core/app/application/default-export.js';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import { START_WITHIN } from '../../core/app/limits.js';
import type { AppToLoad } from '../../core/app/runtime.js';
import { ConfigurationError } from '../../core/errors.js';
import { systemClock } from '../../core/time/clock.js';
import { within } from '../../core/time/deadline.js';
import { checkOptions, exampleOptions } from '../manifest/check-options.js';
import { isFile } from '../manifest/entry.js';
import { missingModule } from '../manifest/missing-module.js';
import {
  type PackageApplication,
  type PackageManifest,
  readPackageManifest,
} from '../manifest/package-manifest.js';
import { compile } from './build-application.js';

/** An application as loaded: its manifest in package.json, and what a host loads. */
export interface SourceApplication {
  readonly manifest: PackageApplication;
  readonly toLoad: AppToLoad;
}

export class ApplicationSource {
  /**
   * @param folder folder of the application's package.json.
   * @param options options for each application; by default the first of the manifest's examples.
   */
  constructor(
    private readonly folder: string,
    private readonly options?: unknown,
  ) {}

  /**
   * Compiles and imports the current sources. Node.js keeps every loaded version in memory until the process ends.
   * @throws ConfigurationError for an invalid manifest, options or module; CompileError.
   */
  async load(): Promise<SourceApplication[]> {
    const manifest = await readPackageManifest(this.folder);
    if (!manifest) {
      throw new ConfigurationError(
        `${join(this.folder, 'package.json')} has no "sipPush": run \`sip-push create\` for an example`,
      );
    }
    return await Promise.all(
      manifest.apps.map(async (app) => ({ manifest: app, toLoad: await this.#toLoad(app, manifest) })),
    );
  }

  async #toLoad(app: PackageApplication, manifest: PackageManifest): Promise<AppToLoad> {
    const options = this.options ?? exampleOptions(app);
    checkOptions(app, options);
    const { permissions } = app;
    return {
      definition: await this.#definition(app, manifest),
      manifest: app,
      options,
      permissions,
    };
  }

  async #definition(app: PackageApplication, manifest: PackageManifest): Promise<PushAppDefinition> {
    const { id, module } = app;
    const source = sourceOf(fileURLToPath(module), this.folder);
    const missing = isFile(source) ? undefined : await missingModule(app, manifest);
    if (missing !== undefined) throw new ConfigurationError(missing);
    const imported = await this.#import(source, module).catch((error) => {
      if (error instanceof ConfigurationError) throw error;
      throw new ConfigurationError(`cannot load ${id}: ${reasonWithStack(error)}`, { cause: error });
    });
    const definition = exportedApplication(imported);
    if (typeof definition !== 'object' || definition === null) {
      throw new ConfigurationError(
        `${relative(this.folder, source)} has no default export: expected definePushApp({ … })`,
      );
    }
    // The runtime validates the definition against the contract and the manifest before it starts.
    return definition as PushAppDefinition;
  }

  /** Bundles the application's modules into a new file, because Node.js never reloads an imported file. */
  async #import(source: string, module: URL): Promise<unknown> {
    // Inside the package, so that its imports resolve.
    const cache = join(this.folder, 'node_modules/.cache');
    await mkdir(cache, { recursive: true });
    const temporary = await mkdtemp(join(cache, 'sip-push-dev-'));
    try {
      const published = fileURLToPath(module);
      const options: BuildOptions = {
        ...{ absWorkingDir: this.folder, entryPoints: [source], sourcemap: 'inline' },
        ...{ bundle: true, packages: 'external', metafile: true },
        // Files beside the published module resolve as in a host.
        define: {
          'import.meta.url': JSON.stringify(module.href),
          __filename: JSON.stringify(published),
          __dirname: JSON.stringify(dirname(published)),
        },
      };
      let outfile = join(temporary, 'index.mjs');
      const { inputs = {} } = (await compile({ ...options, outfile })) ?? {};
      if (Object.values(inputs).some(({ format }) => format === 'cjs')) {
        // An ES module has no `require` for the packages that stay outside.
        outfile = join(temporary, 'index.cjs');
        await compile({ ...options, outfile, format: 'cjs' });
      }
      const imported = import(pathToFileURL(outfile).href);
      return await within(systemClock, START_WITHIN, 'loading its module', imported);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  }
}

/** The source of a published module: `src/index.ts` for `dist/index.js`. */
function sourceOf(module: string, folder: string): string {
  const dist = join(folder, 'dist') + sep;
  if (!module.startsWith(dist)) return module;
  const original = join(folder, 'src', module.slice(dist.length));
  return [original.replace(/js$/, 'ts'), original].find(existsSync) ?? module;
}

/** The error message with its stack, without frames of Node.js. */
function reasonWithStack(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const lines = (error.stack ?? error.message).split('\n');
  return lines.filter((line) => !/^\s+at .*node:internal/.test(line)).join('\n');
}

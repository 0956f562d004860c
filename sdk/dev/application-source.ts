/** A push application under development, which is compiled and reloaded after each change. */

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { BuildOptions } from 'esbuild';
import { exportedApplication } from '../../core/app/application/default-export.js';
import { readManifest } from '../../core/app/contract/manifest.js';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import { staticManifestOf } from '../../core/app/contract/static-manifest.js';
import { START_WITHIN } from '../../core/app/limits.js';
import type { AppToLoad } from '../../core/app/runtime.js';
import { ConfigurationError } from '../../core/errors.js';
import { systemClock } from '../../core/time/clock.js';
import { within } from '../../core/time/deadline.js';
import { checkOptions, exampleOptions } from '../manifest/check-options.js';
import { isFile } from '../manifest/entry.js';
import { missingModule } from '../manifest/missing-module.js';
import { optionsSchemaOf } from '../manifest/options-schema.js';
import {
  type PackageApplication,
  type PackageManifest,
  readPackageManifest,
} from '../manifest/package-manifest.js';
import { namedDefinition, runAs } from '../manifest/running-application.js';
import { compile } from './build-application.js';

/** Modules that a source can import. */
const MODULE = /\.[cm]?[jt]sx?$/;

/**
 * A loaded application: its manifest, merged from its definition and package.json, and the definition with options for
 * a host.
 */
export interface SourceApplication {
  readonly manifest: PackageApplication;
  readonly toLoad: AppToLoad;
}

export class ApplicationSource {
  /** Absolute paths of the files that the last loading read. */
  #inputs: ReadonlySet<string> = new Set();

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
    const inputs = new Set<string>();
    const applications = await Promise.all(
      manifest.apps.map((app) => this.#application(app, manifest, inputs)),
    );
    this.#inputs = inputs;
    return applications;
  }

  /** Whether the last loading read this file, or a loading could read it: a module, or a configuration of the package. */
  isSource(file: string): boolean {
    const configuration = ['package.json', 'tsconfig.json'].includes(relative(this.folder, file));
    return MODULE.test(file) || configuration || this.#inputs.has(file);
  }

  /** The definition can differ from package.json, which `sip-push build` updates. */
  async #application(
    app: PackageApplication,
    manifest: PackageManifest,
    inputs: Set<string>,
  ): Promise<SourceApplication> {
    const { module, permissions, samples, activation } = app;
    const definition = await this.#definition(app, manifest, inputs);
    const read = readManifest(definition);
    const derived = read.options && (await optionsSchemaOf(read.options, this.folder));
    const current = {
      ...staticManifestOf(read),
      module,
      permissions,
      options: derived?.schema ?? app.options,
      samples,
      activation,
    };
    const options = this.options ?? exampleOptions(current);
    checkOptions(current, options);
    return { manifest: current, toLoad: { definition, options, permissions } };
  }

  async #definition(
    app: PackageApplication,
    manifest: PackageManifest,
    inputs: Set<string>,
  ): Promise<PushAppDefinition> {
    const { id, module } = app;
    const source = sourceOf(fileURLToPath(module), this.folder);
    const missing = isFile(source) ? undefined : await missingModule(app, manifest);
    if (missing !== undefined) throw new ConfigurationError(missing);
    const imported = await this.#import(id, source, module, inputs).catch((error) => {
      if (error instanceof ConfigurationError) throw error;
      throw new ConfigurationError(`cannot load ${id}: ${reasonWithStack(error)}`, { cause: error });
    });
    const definition = exportedApplication(imported);
    if (typeof definition !== 'object' || definition === null) {
      throw new ConfigurationError(
        `${relative(this.folder, source)} has no default export: expected definePushApp({ … })`,
      );
    }
    return namedDefinition(definition as PushAppDefinition);
  }

  /** Bundles the application's modules into a new file, because Node.js never reloads an imported file. */
  async #import(id: string, source: string, module: URL, inputs: Set<string>): Promise<unknown> {
    // Inside the package, so that its imports resolve.
    const cache = join(this.folder, 'node_modules/.cache');
    await mkdir(cache, { recursive: true });
    const temporary = await mkdtemp(join(cache, 'sip-push-dev-'));
    try {
      const published = fileURLToPath(module);
      const options: BuildOptions = {
        absWorkingDir: this.folder,
        entryPoints: [source],
        sourcemap: 'inline',
        bundle: true,
        packages: 'external',
        metafile: true,
        // Files beside the published module resolve as in a host.
        define: {
          'import.meta.url': JSON.stringify(module.href),
          __filename: JSON.stringify(published),
          __dirname: JSON.stringify(dirname(published)),
        },
      };
      let outfile = join(temporary, 'index.mjs');
      const read = (await compile({ ...options, outfile }))?.inputs ?? {};
      for (const path of Object.keys(read)) inputs.add(join(this.folder, path));
      if (Object.values(read).some(({ format }) => format === 'cjs')) {
        // An ES module has no `require` for the packages that stay outside.
        outfile = join(temporary, 'index.cjs');
        await compile({ ...options, outfile, format: 'cjs' });
      }
      const imported = runAs(id, () => import(pathToFileURL(outfile).href));
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

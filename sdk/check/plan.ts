/** What to check: the applications of a package with their options and samples. */

import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AppPermissions } from '../../core/app/contract/permissions.js';
import { type StaticManifest, staticPart } from '../../core/app/contract/static-manifest.js';
import { ConfigurationError } from '../../core/errors.js';
import { applicationUrl, locateApplication } from '../manifest/applications.js';
import { exampleOptions } from '../manifest/check-options.js';
import { missingModule } from '../manifest/missing-module.js';
import type { JsonSchema } from '../manifest/options-schema.js';
import {
  type PackageApplication,
  type PackageManifest,
  readPackageManifest,
} from '../manifest/package-manifest.js';
import { type StaleBuild, staleBuild } from '../manifest/stale-build.js';
import { undeclaredPackages } from './dependencies.js';

/** Sample content of a type that an application accepts. */
export interface Sample {
  /** Media type, with its parameters. */
  readonly type: string;
  /** Absolute path. */
  readonly file: string;
}

/** One application. */
export interface CheckedApp {
  /** Specifier for `import`: the URL of a file, or an export of a package. */
  readonly module: string;
  /** Why the module cannot be loaded: it does not exist. */
  readonly missing?: string;
  /** Folder of the package, which contains the application's code. */
  readonly folder: string;
  /** Packages that it imports, and that package.json does not declare. */
  readonly undeclared?: readonly string[];
  /** Values in package.json. Those of the module must be equal. */
  readonly declared?: StaticManifest;
  /** JSON Schema of the options in package.json. That of the module must be equal, if it can be derived. */
  readonly optionsSchema?: JsonSchema;
  readonly options?: unknown;
  readonly permissions?: AppPermissions;
  readonly samples: readonly Sample[];
}

/** The applications of a package. */
export interface CheckPlan {
  readonly apps: readonly CheckedApp[];
  /** Applications of other packages, which provide services. */
  readonly providers?: readonly CheckedApp[];
  /** Set if the sources of the package changed after its build. */
  readonly stale?: StaleBuild;
}

/** @throws ConfigurationError if package.json is invalid or has no `sipPush`. */
export async function planOf(folder: string): Promise<CheckPlan> {
  const manifest = await readPackageManifest(folder);
  if (!manifest) {
    throw new ConfigurationError(
      'package.json has no "sipPush": add { "contract": "^1.0.0", "apps": [{ "id": "…", "accepts": ["…"] }] }',
    );
  }
  const dist = pathToFileURL(join(manifest.folder, 'dist', '/')).href;
  const isBuilt = manifest.apps.some(({ module }) => module.href.startsWith(dist));
  return {
    apps: await Promise.all(manifest.apps.map((app) => checkedApp(app, manifest))),
    stale: isBuilt ? await staleBuild(manifest.folder) : undefined,
  };
}

/**
 * An application that provides services, as a host's configuration names it.
 * @throws ConfigurationError if it was not found, or its manifest is invalid.
 */
export async function providerOf(use: string): Promise<CheckedApp> {
  const located = await locateApplication(use, '.');
  const { manifest } = located;
  return {
    module: applicationUrl(located),
    folder: '.',
    options: manifest && exampleOptions(manifest),
    permissions: manifest?.permissions,
    samples: [],
  };
}

async function checkedApp(app: PackageApplication, manifest: PackageManifest): Promise<CheckedApp> {
  const { folder } = manifest;
  const { module, samples, permissions } = app;
  const options = exampleOptions(app);
  return {
    module: module.href,
    missing: await missingModule(app, manifest),
    undeclared: await undeclaredPackages(folder, module.href),
    // Stack traces name the real path of a linked package.
    folder: await realpath(folder),
    declared: staticPart(app),
    optionsSchema: app.options,
    options,
    permissions,
    samples: Object.entries(samples).flatMap(([type, files]) => files.map((file) => ({ type, file }))),
  };
}

/** Finds a push application by its name in a configuration: a bundled id, a path, or a package. */

import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import { ConfigurationError } from '../../core/errors.js';
import { suggestion } from '../../core/text.js';
import { systemClock } from '../../core/time/clock.js';
import { within } from '../../core/time/deadline.js';
import { installedApplications, packageFolders } from './installed.js';
import { type PackageApplication, type PackageManifest, readPackageManifest } from './package-manifest.js';
import { BUNDLED_APPLICATIONS } from './this-package.js';

/** A module loads in milliseconds, unless its top level waits for something that never happens. */
const LOAD_DEADLINE_MS = 30_000;
/** An event-app-id; the dot distinguishes it from most package names. */
const EVENT_APP_ID = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i;
/** `sip-push-app-weather` or `@acme/weather`, but not a module in a package. */
const PACKAGE_NAME = /^(@[a-z0-9._~-]+\/)?[a-z0-9_~-][a-z0-9._~-]*$/i;

/** The location of an application, which has not been loaded. */
export interface LocatedApplication {
  /** Specifier for `import`. */
  readonly specifier: string;
  /** Its manifest, if its package has one. */
  readonly manifest?: PackageApplication;
}

/**
 * Resolves bundled applications like third-party ones, by package export.
 * @param use a bundled id, the path of a module or package, the name of a package, or the id of an application in an
 * installed package `sip-push-app-…`. If a package has several applications, `#` and an id follow its name or path.
 * @param folder base folder for paths and for the search of packages.
 * @throws ConfigurationError naming the application that was not found, and the path.
 */
export async function locateApplication(use: string, folder: string): Promise<LocatedApplication> {
  if (BUNDLED_APPLICATIONS.includes(use)) return { specifier: `sip-push/apps/${use}` };
  const [name = '', id] = use.split('#', 2);
  if (name.startsWith('.') || isAbsolute(name)) {
    const path = resolve(folder, name);
    if (!existsSync(path)) throw new ConfigurationError(`application "${use}" was not found: no ${path}`);
    if (!statSync(path).isDirectory()) return { specifier: pathToFileURL(path).href };
    return packageIn(use, path, id);
  }
  const home = PACKAGE_NAME.test(name) ? packageFolder(name, folder) : undefined;
  const manifest = home && (await readPackageManifest(home));
  if (manifest) return selectApplication(use, manifest, id);
  if (home === undefined && EVENT_APP_ID.test(use)) return await installedById(use, folder);
  return { specifier: moduleOf(use, folder) };
}

/** Imports an application. @throws ConfigurationError naming it. */
export async function importApplication(use: string, specifier: string): Promise<PushAppDefinition> {
  let module: { default?: unknown };
  try {
    module = await within(systemClock, LOAD_DEADLINE_MS, 'loading', import(specifier));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(`application "${use}" could not be loaded: ${reason.replace(/\s+/g, ' ')}`, {
      cause: error,
    });
  }
  const { default: definition } = module;
  if (typeof definition !== 'object' || definition === null) {
    throw new ConfigurationError(`application "${use}" has no default export: expected definePushApp({ … })`);
  }
  // The runtime validates the definition against the contract before it starts.
  return definition as PushAppDefinition;
}

/** @throws ConfigurationError naming the application that was not found. */
export async function findApplication(use: string, folder: string): Promise<PushAppDefinition> {
  return importApplication(use, (await locateApplication(use, folder)).specifier);
}

/** URL of the application's module, for example for an import in a worker. */
export function applicationUrl({ specifier }: LocatedApplication): string {
  if (specifier.startsWith('file:')) return specifier;
  return pathToFileURL(createRequire(import.meta.url).resolve(specifier)).href;
}

async function packageIn(use: string, path: string, id: string | undefined): Promise<LocatedApplication> {
  if (!existsSync(join(path, 'package.json'))) {
    throw new ConfigurationError(
      `application "${use}" is a folder without package.json: expected a package, or a file, e.g. ${use}/index.js`,
    );
  }
  const manifest = await readPackageManifest(path);
  if (manifest) return selectApplication(use, manifest, id);
  throw new ConfigurationError(
    `application "${use}": its package.json has no "sipPush": expected "sipPush": { "contract": "^1.0.0", "apps": [{ "id": "…", "accepts": ["…"] }] }, or name its file, e.g. ${use}/index.js`,
  );
}

function selectApplication(
  use: string,
  { apps }: PackageManifest,
  id: string | undefined,
): LocatedApplication {
  const ids = apps.map((app) => app.id);
  const fitting = apps.filter((app) => id === undefined || app.id === id);
  const [found, other] = fitting;
  if (!found) {
    throw new ConfigurationError(
      `application "${use}": the package has no such application${suggestion(id ?? '', ids)}`,
    );
  }
  if (other) {
    const name = use.split('#', 1)[0];
    throw new ConfigurationError(
      `application "${use}": the package has several applications: expected one of ${ids.map((each) => `${name}#${each}`).join(', ')}`,
    );
  }
  return { specifier: found.module.href, manifest: found };
}

function packageFolder(name: string, folder: string): string | undefined {
  return packageFolders(folder)
    .map((modules) => join(modules, name))
    .find((path) => existsSync(join(path, 'package.json')));
}

async function installedById(use: string, folder: string): Promise<LocatedApplication> {
  const installed = await installedApplications(folder);
  const fitting = installed.filter(({ apps }) => apps.some(({ id }) => id === use));
  const [found, other] = fitting;
  if (found && other && found.name !== other.name) {
    throw new ConfigurationError(
      `application "${use}" is in ${found.name} and in ${other.name}: use the name of one of the packages`,
    );
  }
  if (found) return selectApplication(use, found, use);
  const ids = installed.flatMap(({ apps }) => apps.map(({ id }) => id));
  throw new ConfigurationError(
    `application "${use}" was not found${suggestion(use, [...BUNDLED_APPLICATIONS, ...ids])}`,
  );
}

function moduleOf(use: string, folder: string): string {
  try {
    return pathToFileURL(createRequire(resolve(folder, 'package.json')).resolve(use)).href;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
      throw new ConfigurationError(
        `application "${use}": the package has no export of this name for the condition "default"`,
        { cause: error },
      );
    }
    throw new ConfigurationError(
      `application "${use}" was not found: expected a bundled id (mms.ua), a path (./my-app/index.js) or an installed package`,
      { cause: error },
    );
  }
}

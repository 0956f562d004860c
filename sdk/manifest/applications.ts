/** Finds a push application by its name in a configuration: a bundled id, a path, or a package. */

import { existsSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { exportedApplication } from '../../core/app/application/default-export.js';
import type { PushAppDefinition } from '../../core/app/contract/push-app.js';
import { ConfigurationError } from '../../core/errors.js';
import { suggestion } from '../../core/text.js';
import { systemClock } from '../../core/time/clock.js';
import { within } from '../../core/time/deadline.js';
import { bundledApplication } from './bundled.js';
import { packageLabel } from './contract-range.js';
import { entryOf, isFile } from './entry.js';
import { installedApplications, packageFolders } from './installed.js';
import { missingFile, missingModule } from './missing-module.js';
import {
  claimedIds,
  namesOf,
  type PackageApplication,
  type PackageManifest,
  packageFile,
  readPackageFields,
  readPackageManifest,
} from './package-manifest.js';
import { namedDefinition, runAs } from './running-application.js';
import { BUNDLED_APPLICATIONS } from './this-package.js';

/** A module loads in milliseconds, unless its top level waits for something that never happens. */
const LOAD_DEADLINE_MS = 30_000;
/** An event-app-id; the dot distinguishes it from most package names. */
const EVENT_APP_ID = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i;
/** `sip-push-app-weather`, `@acme/weather`, or a module in a package: `@acme/apps/weather`. */
const PACKAGE = /^((?:@[a-z0-9._~-]+\/)?[a-z0-9_~-][a-z0-9._~-]*)(\/.+)?$/i;
const MANIFEST_EXAMPLE = '"sipPush": { "contract": "^1.0.0", "apps": [{ "id": "…", "accepts": ["…"] }] }';

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
  if (BUNDLED_APPLICATIONS.includes(use)) {
    return { specifier: `sip-push/apps/${use}`, manifest: await bundledApplication(use) };
  }
  if (use.startsWith('.') || isAbsolute(use)) return await applicationAt(use, folder);
  const [, name = '', module] = PACKAGE.exec(use.split('#', 1)[0] ?? '') ?? [];
  const home = name === '' ? undefined : packageFolder(name, folder);
  if (home !== undefined) return await applicationIn(use, home, module);
  if (EVENT_APP_ID.test(use)) return await installedById(use, folder);
  throw new ConfigurationError(
    `application "${use}" was not found: expected a bundled id (mms.ua), a path (./my-app/index.js) or an installed package`,
  );
}

/** Imports an application. @throws ConfigurationError naming it. */
export async function importApplication(use: string, specifier: string): Promise<PushAppDefinition> {
  let module: unknown;
  try {
    const loading = runAs(use, () => import(specifier));
    module = await within(systemClock, LOAD_DEADLINE_MS, 'loading', loading);
  } catch (error) {
    throw new ConfigurationError(
      `application "${use}" could not be loaded: ${loadProblem(error, specifier)}`,
      {
        cause: error,
      },
    );
  }
  const definition = exportedApplication(module);
  if (typeof definition !== 'object' || definition === null) {
    throw new ConfigurationError(`application "${use}" has no default export: expected definePushApp({ … })`);
  }
  // The runtime validates the definition against the contract before it starts.
  return namedDefinition(definition as PushAppDefinition);
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

/** Why a module does not load, and what to do if one of its imports is missing. */
function loadProblem(error: unknown, specifier: string): string {
  const { message, code }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error));
  // Node.js lists the modules that required the missing one on further lines.
  const reason = message.replace(/\s*Require stack:[\s\S]*/, '').replace(/\s+/g, ' ');
  if (code === 'ERR_REQUIRE_ESM') return `${reason}: use Node.js 20.19 or later, or import()`;
  const [, missing = ''] = /^Cannot find (?:package|module) '([^']+)'/.exec(reason) ?? [];
  if (!specifier.startsWith('file:') || !PACKAGE.test(missing)) return reason;
  return `${reason}: run "npm install" in ${homeOf(fileURLToPath(specifier))}`;
}

/** The folder of the package that a file belongs to, behind links. */
function homeOf(file: string): string {
  const real = realpathSync(file);
  for (let folder = dirname(real); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
  }
  return dirname(real);
}

/** A path can contain any character: `#` begins an id only if there is no such path. */
async function applicationAt(use: string, folder: string): Promise<LocatedApplication> {
  const mark = use.lastIndexOf('#');
  const whole = mark < 0 || existsSync(resolve(folder, use));
  const path = resolve(folder, whole ? use : use.slice(0, mark));
  if (!existsSync(path))
    throw new ConfigurationError(`application "${use}" was not found: ${path} does not exist`);
  if (!statSync(path).isDirectory()) return { specifier: pathToFileURL(path).href };
  if (!existsSync(join(path, 'package.json'))) {
    throw new ConfigurationError(
      `application "${use}" is a folder without package.json: expected a package, or a file, e.g. ${use}/index.js`,
    );
  }
  const manifest = await readManifestFor(use, path);
  if (manifest) return await selectApplication(use, manifest, whole ? undefined : use.slice(mark + 1));
  throw new ConfigurationError(
    `application "${use}": its package.json has no "sipPush": expected ${MANIFEST_EXAMPLE}, or name its file, e.g. ${use}/index.js`,
  );
}

/** @param module path of a module in the package, such as `/weather`; absent: the applications of its manifest. */
async function applicationIn(
  use: string,
  home: string,
  module: string | undefined,
): Promise<LocatedApplication> {
  const manifest = module === undefined ? await readManifestFor(use, home) : undefined;
  if (manifest) return await selectApplication(use, manifest, use.split('#', 2)[1]);
  const fields = await readPackageFields(home);
  const named = namesOf(home, fields);
  const entry = entryOf(home, fields, module === undefined ? '.' : `.${module}`);
  const file = entry && packageFile(home, entry, 'export');
  const without = `its package.json has no "sipPush": expected ${MANIFEST_EXAMPLE}`;
  if (file === undefined) {
    throw new ConfigurationError(
      `application "${use}": ${packageLabel(named)} does not export ".${module ?? ''}"${module === undefined ? `, and ${without}` : `: expected it in "exports" of ${join(home, 'package.json')}`}`,
    );
  }
  if (!isFile(file)) {
    throw new ConfigurationError(
      `application "${use}": ${missingFile(file, named, fields)}${module === undefined ? `; ${without}` : ''}`,
    );
  }
  return { specifier: pathToFileURL(file).href };
}

async function readManifestFor(use: string, folder: string): Promise<PackageManifest | undefined> {
  return await readPackageManifest(folder).catch((error: Error) => {
    throw new ConfigurationError(`application "${use}": ${error.message}`, { cause: error });
  });
}

async function selectApplication(
  use: string,
  manifest: PackageManifest,
  id: string | undefined,
): Promise<LocatedApplication> {
  const { apps } = manifest;
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
  const missing = await missingModule(found, manifest);
  if (missing !== undefined) throw new ConfigurationError(`application "${use}": ${missing}`);
  return { specifier: found.module.href, manifest: found };
}

function packageFolder(name: string, folder: string): string | undefined {
  return packageFolders(folder)
    .map((modules) => join(modules, name))
    .find((path) => existsSync(join(path, 'package.json')));
}

async function installedById(use: string, folder: string): Promise<LocatedApplication> {
  const problems: { error: Error; folder: string }[] = [];
  const installed = await installedApplications(folder, (error, path) =>
    problems.push({ error, folder: path }),
  );
  const fitting = installed.filter(({ apps }) => apps.some(({ id }) => id === use));
  const [found, other] = fitting;
  if (found && other && found.name !== other.name) {
    throw new ConfigurationError(
      `application "${use}" is in ${found.name} and in ${other.name}: use the name of one of the packages`,
    );
  }
  if (found) return await selectApplication(use, found, use);
  for (const { error, folder: path } of problems) {
    if (!(await claimedIds(path)).includes(use)) continue;
    throw new ConfigurationError(`application "${use}": ${error.message}`, { cause: error });
  }
  const ids = installed.flatMap(({ apps }) => apps.map(({ id }) => id));
  const unusable = problems.map(({ error }) => `\nan installed package cannot be used: ${error.message}`);
  throw new ConfigurationError(
    `application "${use}" was not found${suggestion(use, [...BUNDLED_APPLICATIONS, ...ids])}${unusable.join('')}`,
  );
}

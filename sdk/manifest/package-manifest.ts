/** Reads the manifest of a package of push applications, without running its code. */

import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { canonicalEventAppId } from '../../core/app/contract/event-app-id.js';
import type { AppPermissions } from '../../core/app/contract/permissions.js';
import { type StaticManifest, staticPart } from '../../core/app/contract/static-manifest.js';
import { defined } from '../../core/defined.js';
import { ConfigurationError } from '../../core/errors.js';
import { validate } from '../config/validate.js';
import { contractProblem, type NamedPackage, packageLabel } from './contract-range.js';
import { entryOf, isInPackage } from './entry.js';
import { type ManifestKeys, manifestKeys } from './schema.js';

/** A package.json is a few kilobytes. */
const MAX_FILE = 1024 * 1024;

export type PackageFields = Readonly<Record<string, unknown>>;

/** An application in the manifest of a package. Its id is canonical: `weather.ua`. */
export interface PackageApplication extends StaticManifest {
  /** The module whose default export is the application. */
  readonly module: URL;
  readonly permissions?: AppPermissions;
  /** JSON Schema of its options. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Absolute paths of sample files by media type. */
  readonly samples: Readonly<Record<string, readonly string[]>>;
  readonly activation: 'start' | 'push';
}

/** A valid manifest whose contract this host implements. */
export interface PackageManifest {
  /** Absolute path of the package. */
  readonly folder: string;
  /** Name of the package, if it has one. */
  readonly name?: string;
  readonly version?: string;
  /** Range of contract versions, such as `^1.0.0`. */
  readonly contract: string;
  readonly apps: readonly PackageApplication[];
}

/**
 * @param folder folder of package.json.
 * @returns undefined if package.json has no `sipPush`.
 * @throws ConfigurationError naming the file and the invalid key, or the unsupported contract.
 */
export async function readPackageManifest(folder: string): Promise<PackageManifest | undefined> {
  const file = join(folder, 'package.json');
  const fields = await readPackageFields(folder);
  const { sipPush } = fields;
  if (sipPush === undefined) return undefined;
  const named = namesOf(folder, fields);
  requireContract(file, sipPush, named);
  const { contract, apps } = validate(manifestKeys, sipPush, `${file}: "sipPush"`);
  requireDistinctIds(file, apps);
  return { ...named, contract, apps: apps.map((app) => application(named, fields, app)) };
}

/** Folder, name and version of a package. */
export function namesOf(folder: string, { name, version }: PackageFields): NamedPackage {
  return {
    folder: resolve(folder),
    name: typeof name === 'string' ? name : undefined,
    version: typeof version === 'string' ? version : undefined,
  };
}

/** The event-app-ids in a manifest that may be invalid. */
export async function claimedIds(folder: string): Promise<string[]> {
  const { sipPush }: PackageFields = await readPackageFields(folder).catch(() => ({}));
  const apps: unknown = Object(sipPush).apps;
  const ids: unknown[] = Array.isArray(apps) ? apps.map((app) => Object(app).id) : [];
  return ids.filter((id) => typeof id === 'string').map(canonicalEventAppId);
}

/** The content of package.json. @throws ConfigurationError naming the file. */
export async function readPackageFields(folder: string): Promise<PackageFields> {
  const file = join(folder, 'package.json');
  try {
    if ((await stat(file)).size > MAX_FILE) throw new Error(`larger than ${MAX_FILE} bytes`);
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    throw new Error('expected a JSON object');
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/\s+/g, ' ') : String(error);
    throw new ConfigurationError(`cannot read ${file}: ${reason}`, { cause: error });
  }
}

/** Runs first, because a manifest for another contract may have other keys. */
function requireContract(file: string, sipPush: unknown, named: NamedPackage): void {
  const { contract }: { contract?: unknown } = Object(sipPush);
  const problem = typeof contract === 'string' && contractProblem(contract, named, file);
  if (problem) throw new ConfigurationError(problem);
}

function requireDistinctIds(file: string, apps: ManifestKeys['apps']): void {
  const names = apps.map(({ id, iari }) => (iari === undefined ? canonicalEventAppId(id) : `${id} ${iari}`));
  const index = names.findIndex((name, at) => names.indexOf(name) !== at);
  if (index < 0) return;
  throw new ConfigurationError(
    `${file}: "sipPush.apps[${index}].id": duplicate id "${apps[index]?.id}": applications with the same id need different "iari" values`,
  );
}

function application(
  named: NamedPackage,
  fields: PackageFields,
  app: ManifestKeys['apps'][number],
): PackageApplication {
  const { folder } = named;
  const { id, module, permissions, options, samples = {}, activation = 'start' } = app;
  return {
    ...staticPart(app),
    id: canonicalEventAppId(id),
    module: pathToFileURL(
      module === undefined ? mainModule(named, fields) : packageFile(folder, module, `module of ${id}`),
    ),
    permissions: permissions === undefined ? undefined : defined(permissions),
    options,
    samples: Object.fromEntries(
      Object.entries(samples).map(([type, paths]) => [
        type,
        paths.map((path) => packageFile(folder, path, `sample of ${id}`)),
      ]),
    ),
    activation,
  };
}

/**
 * The absolute path of a file in a package.
 * @throws ConfigurationError for a file outside of it: a host must not run or read it because a package names it.
 */
export function packageFile(folder: string, path: string, what: string): string {
  const file = resolve(folder, path);
  if (isInPackage(folder, file)) return file;
  throw new ConfigurationError(
    `${join(folder, 'package.json')}: invalid ${what} ${JSON.stringify(path)}: expected a file in the package, even when symbolic links are resolved`,
  );
}

/** The path of the module that an import of the package loads. @throws ConfigurationError */
export function mainModule(named: NamedPackage, fields: PackageFields): string {
  const path = entryOf(named.folder, fields);
  if (path !== undefined) return packageFile(named.folder, path, 'main module');
  throw new ConfigurationError(
    `${packageLabel(named)} has "exports" without a module for ".": expected e.g. "exports": "./dist/index.js", or the "module" of each application in ${join(named.folder, 'package.json')}`,
  );
}

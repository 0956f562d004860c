/** Reads what a package says of its push applications. Nothing of the package runs. */

import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { canonicalEventAppId } from '../../core/app/contract/event-app-id.js';
import type { AppPermissions } from '../../core/app/contract/permissions.js';
import { defined } from '../../core/defined.js';
import { ConfigurationError } from '../../core/errors.js';
import { validate } from '../config/validate.js';
import { contractProblem } from './contract-range.js';
import { entryOf } from './entry.js';
import { type ManifestKeys, manifestKeys } from './schema.js';

/** A package.json is a few kilobytes. */
const MAX_FILE = 1024 * 1024;

/** One application of a package, as its manifest has it. */
export interface PackageApplication {
  /** Canonical: `weather.ua`. */
  readonly id: string;
  /** Its module: the file that its default export is in. */
  readonly module: URL;
  readonly accepts: readonly string[];
  readonly iari?: string;
  readonly permissions?: AppPermissions;
  /** JSON Schema of its options. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Files of sample content, absolute, by media type. */
  readonly samples: Readonly<Record<string, readonly string[]>>;
  readonly activation: 'start' | 'push';
}

/** What package.json says, held against this host's contract. */
export interface PackageManifest {
  /** Absolute. */
  readonly folder: string;
  /** Of the package, where it has one. */
  readonly name?: string;
  readonly version?: string;
  /** Range of versions, `^1.0.0`. */
  readonly contract: string;
  readonly apps: readonly PackageApplication[];
}

/**
 * @param folder the one that package.json is in.
 * @returns undefined where package.json has no `sipPush`.
 * @throws ConfigurationError naming the file, and the key that is wrong; or that the contract is not this host's.
 */
export async function readPackageManifest(folder: string): Promise<PackageManifest | undefined> {
  const file = join(folder, 'package.json');
  const fields = await readFields(file);
  const { name, version, sipPush } = fields;
  if (sipPush === undefined) return undefined;
  requireContract(file, sipPush);
  const { contract, apps } = validate(manifestKeys, sipPush, `${file}: "sipPush"`);
  requireOneEach(file, apps);
  return {
    folder: resolve(folder),
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof version === 'string' ? { version } : {}),
    contract,
    apps: apps.map((app) => application(folder, fields, app)),
  };
}

async function readFields(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    if ((await stat(file)).size > MAX_FILE) throw new Error(`it has more than ${MAX_FILE} bytes`);
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    throw new Error('it is no JSON object');
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/\s+/g, ' ') : String(error);
    throw new ConfigurationError(`${file} cannot be read: ${reason}`, { cause: error });
  }
}

/** Ahead of everything else: a manifest for another contract may have other keys. */
function requireContract(file: string, sipPush: unknown): void {
  const { contract }: { contract?: unknown } = Object(sipPush);
  const problem = typeof contract === 'string' && contractProblem(contract);
  if (problem) throw new ConfigurationError(`${file}: "sipPush.contract": ${problem}`);
}

function requireOneEach(file: string, apps: ManifestKeys['apps']): void {
  const names = apps.map(({ id, iari }) => (iari === undefined ? canonicalEventAppId(id) : `${id} ${iari}`));
  const index = names.findIndex((name, at) => names.indexOf(name) !== at);
  if (index < 0) return;
  throw new ConfigurationError(
    `${file}: "sipPush.apps[${index}].id" is "${apps[index]?.id}" again; two applications of one id need an iari each`,
  );
}

function application(
  folder: string,
  fields: Readonly<Record<string, unknown>>,
  app: ManifestKeys['apps'][number],
): PackageApplication {
  const { id, module, accepts, iari, permissions, options, samples = {}, activation = 'start' } = app;
  return {
    id: canonicalEventAppId(id),
    module: pathToFileURL(resolve(folder, module ?? entryOf(fields))),
    accepts,
    iari,
    permissions: permissions === undefined ? undefined : defined(permissions),
    options,
    samples: Object.fromEntries(
      Object.entries(samples).map(([type, paths]) => [type, paths.map((path) => resolve(folder, path))]),
    ),
    activation,
  };
}

/** Writes the manifest of a package from the definitions of its applications. */

import { readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { satisfies, validRange } from 'semver';
import { readManifest } from '../../core/app/contract/manifest.js';
import { CONTRACT_VERSION } from '../../core/app/contract/push-app.js';
import {
  disagreementsOf,
  disagreementText,
  type StaticManifest,
  staticManifestOf,
} from '../../core/app/contract/static-manifest.js';
import { ConfigurationError } from '../../core/errors.js';
import { validate } from '../config/validate.js';
import { importApplication } from './applications.js';
import { isFile } from './entry.js';
import { missingFile } from './missing-module.js';
import { optionsDifference } from './options-difference.js';
import { type JsonSchema, type OptionsSchema, optionsSchemaOf } from './options-schema.js';
import { mainModule, namesOf, packageFile, readPackageFields } from './package-manifest.js';
import { manifestKeys } from './schema.js';

type Fields = Readonly<Record<string, unknown>>;

/** What `sip-push build` writes, or that it has nothing to write. */
export interface ManifestUpdate {
  /** What package.json says, and what the definitions say. Empty: the manifest is up to date. */
  readonly differences: readonly string[];
  /** The keys that `write` changes, with their values: `weather.ua: needs: log → log, storage`. */
  readonly changes: readonly string[];
  /** Applications whose options have no JSON Schema, and why. */
  readonly notices: readonly string[];
  /** Writes package.json. Keys that only the author writes are unchanged. */
  write(): Promise<void>;
}

/**
 * Loads the applications of a built package, and compares their definitions with its manifest. Without a manifest, the
 * package has one application: its main module.
 * @throws ConfigurationError if a module cannot be loaded, or package.json is invalid.
 */
export async function manifestUpdate(folder: string): Promise<ManifestUpdate> {
  const file = join(folder, 'package.json');
  const fields = await readPackageFields(folder);
  const existing = fieldsOf(fields.sipPush);
  const apps = Array.isArray(existing.apps) && existing.apps.length > 0 ? existing.apps.map(fieldsOf) : [{}];
  const differences: string[] = [];
  const changes: string[] = [];
  const notices: string[] = [];
  const updated: Fields[] = [];
  for (const app of apps) {
    const manifest = await definitionIn(folder, fields, app);
    const { eventAppId: id } = manifest;
    const { schema, problem }: Partial<OptionsSchema> = manifest.options
      ? await optionsSchemaOf(manifest.options, folder)
      : {};
    const next = merged(app, staticManifestOf(manifest), schema);
    updated.push(next);
    changes.push(...changesOf(app, next).map((change) => `${id}: ${change}`));
    for (const found of disagreementsOf(declaredBy(app), manifest)) {
      differences.push(`${id}: ${disagreementText(found)}`);
    }
    const difference = schema && optionsDifference(app.options, schema);
    if (difference !== undefined) differences.push(`${id}: ${difference}`);
    if (problem !== undefined && app.options === undefined) {
      notices.push(`${id}: hosts cannot check the options before they load it: ${problem}`);
    }
  }
  const contract = contractOf(existing.contract);
  if (contract !== existing.contract) {
    const had =
      existing.contract === undefined ? 'missing contract' : `invalid contract "${existing.contract}"`;
    differences.push(`${had} in package.json: expected "${contract}", for this sip-push`);
    changes.push(...changesOf({ contract: existing.contract }, { contract }));
  }
  const sipPush = { ...existing, contract, apps: updated };
  validate(manifestKeys, sipPush, `${file}: "sipPush"`);
  return { differences, changes, notices, write: () => writeFields(file, { ...fields, sipPush }) };
}

/** @throws ConfigurationError with the differences. */
export async function requireCurrentManifest(folder: string): Promise<void> {
  const { differences } = await manifestUpdate(folder);
  if (differences.length === 0) return;
  throw new ConfigurationError(
    `the manifest of ${folder} is out of date: ${differences.join('; ')}: run "sip-push build"`,
  );
}

async function definitionIn(folder: string, fields: Fields, { module }: Fields) {
  const named = namesOf(folder, fields);
  const path = typeof module === 'string' ? packageFile(folder, module, 'module') : mainModule(named, fields);
  if (!isFile(path)) throw new ConfigurationError(missingFile(path, named, fields));
  return readManifest(await importApplication(relative(folder, path), pathToFileURL(path).href));
}

/**
 * The keys of the definition first, as in a manifest that an author writes.
 * @param schema JSON Schema of the options. If it cannot be derived, that of the author stays.
 */
function merged(
  { id: _, module, ...app }: Fields,
  { id, ...declared }: StaticManifest,
  schema: JsonSchema | undefined,
): Fields {
  const { accepts, iari, replaces, needs, provides, events, queries, options, ...own } = app;
  return { id, module, ...declared, options: schema ?? options, ...own };
}

/** The keys that a definition has, too; those that are invalid are absent. */
function declaredBy(fields: Fields): Partial<StaticManifest> {
  return {
    id: textOf(fields.id),
    accepts: textsOf(fields.accepts),
    iari: textOf(fields.iari),
    replaces: textsOf(fields.replaces),
    needs: textsOf(fields.needs),
    provides: textsOf(fields.provides),
    events: textsOf(fields.events),
    queries: textsOf(fields.queries),
  };
}

function changesOf(before: Fields, after: Fields): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys]
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => {
      const [old, next] = [inWords(before[key]), inWords(after[key])];
      if (old === undefined) return `${key}: ${next ?? 'added'}`;
      if (next === undefined) return `${key}: removed`;
      return old === next ? `${key}: changed` : `${key}: ${old} → ${next}`;
    });
}

/** Undefined for a missing value; a schema has no short form. */
function inWords(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  const list = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return list ? value.join(', ') || 'none' : 'a schema';
}

/** An author can support earlier versions, too. */
function contractOf(existing: unknown): string {
  const includes =
    typeof existing === 'string' && validRange(existing) !== null && satisfies(CONTRACT_VERSION, existing);
  return includes ? existing : `^${CONTRACT_VERSION}`;
}

/** Keeps the indentation of the file. */
async function writeFields(file: string, fields: object): Promise<void> {
  const [, indentation = '  '] = /^\{\r?\n([ \t]+)"/.exec(await readFile(file, 'utf8')) ?? [];
  await writeFile(file, `${JSON.stringify(fields, undefined, indentation)}\n`);
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function textsOf(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}

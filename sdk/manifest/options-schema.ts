/** The JSON Schema of an application's options, from the schema in its definition. */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StandardSchemaV1 } from '../../core/app/contract/options.js';
import { reasonOf } from '../../core/text.js';
import { entryOf, isFile } from './entry.js';
import { packageFolders } from './installed.js';
import { type PackageFields, readPackageFields } from './package-manifest.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The JSON Schema of options, or why there is none. */
export type OptionsSchema =
  | { readonly schema: JsonSchema; readonly problem?: undefined }
  | { readonly schema?: undefined; readonly problem: string };

/** A version that hosts and editors read. */
const TARGET = 'draft-2020-12';

/** A module that converts the schemas of a library that does not implement Standard JSON Schema itself. */
interface Converter {
  readonly package: string;
  /** Name of the export. */
  readonly module: string;
  convert(exports: Readonly<Record<string, unknown>>, schema: StandardSchemaV1): unknown;
}

/** By the vendor of the schema. */
const CONVERTERS: ReadonlyMap<string, Converter> = new Map([
  [
    'zod',
    {
      package: 'zod',
      module: './v4/core',
      convert: ({ toJSONSchema }, schema) => call(toJSONSchema, schema, { io: 'input', ...ZOD }),
    },
  ],
  [
    'valibot',
    {
      package: '@valibot/to-json-schema',
      module: '.',
      convert: ({ toJsonSchema }, schema) =>
        call(toJsonSchema, schema, { typeMode: 'input', errorMode: 'ignore', target: TARGET }),
    },
  ],
]);

/** A part that JSON cannot represent, such as a function, is any value: the application checks it. */
const ZOD = { unrepresentable: 'any' };

/**
 * Asks the library of the schema first (Standard JSON Schema, https://standardschema.dev/json-schema), then a known
 * converter that the package of the application declares as a dependency.
 * @param folder folder of the package.
 */
export async function optionsSchemaOf(options: StandardSchemaV1, folder: string): Promise<OptionsSchema> {
  const standard = options['~standard'];
  try {
    const converted = await convert(options, folder);
    if (typeof converted === 'string') return { problem: converted };
    if (isObject(converted)) return { schema: tidy(converted) };
    return { problem: `${standard.vendor} returned no JSON Schema` };
  } catch (error) {
    return { problem: `${standard.vendor} cannot convert it to JSON Schema: ${reasonOf(error)}` };
  }
}

/** @returns the JSON Schema, or the reason why there is no converter. */
async function convert(options: StandardSchemaV1, folder: string): Promise<unknown> {
  const { vendor, jsonSchema }: { vendor: string; jsonSchema?: unknown } = options['~standard'];
  const { input }: { input?: unknown } = Object(jsonSchema);
  if (typeof input === 'function') {
    const libraryOptions = vendor === 'zod' ? ZOD : undefined;
    return Reflect.apply(input, jsonSchema, [{ target: TARGET, libraryOptions }]);
  }
  const converter = CONVERTERS.get(vendor);
  if (!converter) return `${vendor} does not implement Standard JSON Schema`;
  const module = await moduleOf(converter, folder);
  if (module === undefined)
    return `${vendor} needs a converter: run "npm install --save-dev ${converter.package}"`;
  return converter.convert(await import(module), options);
}

/** URL of the converter that the package declares and has installed. */
async function moduleOf({ package: name, module }: Converter, folder: string): Promise<string | undefined> {
  if (!isDeclared(name, await readPackageFields(folder))) return undefined;
  for (const modules of packageFolders(folder)) {
    const home = join(modules, name);
    const fields = await readPackageFields(home).catch(() => undefined);
    const file = fields && entryOf(home, fields, module);
    if (file !== undefined && isFile(file)) return pathToFileURL(file).href;
  }
  return undefined;
}

function isDeclared(name: string, fields: PackageFields): boolean {
  const kinds = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'];
  return kinds.some((kind) => Object.hasOwn(Object(fields[kind]), name));
}

function call(convert: unknown, ...args: unknown[]): unknown {
  if (typeof convert !== 'function') throw new Error('expected a later version of the converter');
  return Reflect.apply(convert, undefined, args);
}

/** Plain JSON without the keys that say nothing about options. */
function tidy(schema: object): JsonSchema {
  const { $schema: _, ...rest }: Record<string, unknown> = JSON.parse(
    JSON.stringify(schema, (key, value: unknown) => (isSafeInteger(key, value) ? undefined : value)),
  );
  return rest;
}

/** zod adds the bounds of safe integers to the schema of every integer. */
function isSafeInteger(key: string, value: unknown): boolean {
  return (
    (key === 'minimum' && value === Number.MIN_SAFE_INTEGER) ||
    (key === 'maximum' && value === Number.MAX_SAFE_INTEGER)
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

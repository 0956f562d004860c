/** The JSON Schema that `sip-push build` derives from the options of a definition. */

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as mini from 'zod/mini';
import { checkOptions } from '../../sdk/manifest/check-options.js';
import { optionsDifference } from '../../sdk/manifest/options-difference.js';
import { optionsSchemaOf } from '../../sdk/manifest/options-schema.js';
import type { PackageApplication } from '../../sdk/manifest/package-manifest.js';

const ZOD = dirname(fileURLToPath(import.meta.resolve('zod/package.json')));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-schema-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(name: string, content: string | object): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
}

/** A package with these dependencies, and zod installed. */
async function makePackage(dependencies: Record<string, string>): Promise<void> {
  await write('package.json', { name: 'weather', dependencies });
  await mkdir(join(folder, 'node_modules'));
  await symlink(ZOD, join(folder, 'node_modules/zod'));
}

const standard = (vendor: string, more: object = {}) => ({
  '~standard': { version: 1 as const, vendor, validate: (value: unknown) => ({ value }), ...more },
});

describe('the JSON Schema of options', () => {
  it('comes from a library with Standard JSON Schema, for the input', async () => {
    const asked: unknown[] = [];
    const jsonSchema = {
      input(options: unknown) {
        asked.push(options);
        return { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' };
      },
    };
    expect(await optionsSchemaOf(standard('own', { jsonSchema }), folder)).toEqual({
      schema: { type: 'object' },
    });
    expect(asked).toEqual([expect.objectContaining({ target: 'draft-2020-12' })]);
  });

  it('comes from zod, with descriptions, defaults and examples', async () => {
    const options = z
      .strictObject({
        city: z.string().describe('name of the city'),
        keep: z.int().min(1).default(10),
        since: z.date().optional(),
      })
      .meta({ examples: [{ city: 'Oslo' }] });
    expect(await optionsSchemaOf(options, folder)).toEqual({
      schema: {
        type: 'object',
        properties: {
          city: { type: 'string', description: 'name of the city' },
          keep: { type: 'integer', minimum: 1, default: 10 },
          since: {},
        },
        required: ['city'],
        additionalProperties: false,
        examples: [{ city: 'Oslo' }],
      },
    });
  });

  it("comes from zod/mini by the package's zod", async () => {
    await makePackage({ zod: '^4.0.0' });
    const options = mini
      .strictObject({ keep: mini._default(mini.number().check(mini.describe('items')), 10) })
      .check(mini.meta({ examples: [{ keep: 5 }] }));
    expect(await optionsSchemaOf(options, folder)).toEqual({
      schema: {
        type: 'object',
        properties: { keep: { type: 'number', default: 10, description: 'items' } },
        additionalProperties: false,
        examples: [{ keep: 5 }],
      },
    });
  });

  it('comes from Valibot by the converter that the package declares', async () => {
    await makePackage({ '@valibot/to-json-schema': '^1.0.0' });
    const converter = 'node_modules/@valibot/to-json-schema';
    await write(`${converter}/package.json`, { type: 'module', exports: './index.js' });
    await write(
      `${converter}/index.js`,
      "export const toJsonSchema = (_, { typeMode }) => ({ type: 'object', description: typeMode });",
    );
    expect(await optionsSchemaOf(standard('valibot'), folder)).toEqual({
      schema: { type: 'object', description: 'input' },
    });
  });

  it.each<[string, ReturnType<typeof standard>, string]>([
    ['of another library', standard('own'), 'own does not implement Standard JSON Schema'],
    [
      'without a declared converter',
      standard('valibot'),
      'valibot needs a converter: run "npm install --save-dev @valibot/to-json-schema"',
    ],
    [
      'that its library cannot convert',
      standard('own', {
        jsonSchema: {
          input() {
            throw new Error('a Map has no JSON');
          },
        },
      }),
      'own cannot convert it to JSON Schema: a Map has no JSON',
    ],
    ['of an earlier zod', standard('zod'), 'zod cannot convert it to JSON Schema: '],
  ])('is absent for a schema %s, and the reason is known', async (_, options, reason) => {
    await makePackage({ zod: '^3.0.0' });
    const { schema, problem } = await optionsSchemaOf(options, folder);
    expect(schema).toBeUndefined();
    expect(problem).toContain(reason);
  });
});

it('a difference between two schemas is named by its path; the order of keys has no meaning', () => {
  const schema = { type: 'object', properties: { keep: { type: 'number', maximum: 5 } } };
  const reordered = { properties: { keep: { maximum: 5, type: 'number' } }, type: 'object' };
  expect(optionsDifference(reordered, schema)).toBeUndefined();
  expect(optionsDifference(undefined, schema)).toMatch(/^missing options in package\.json: expected {"type/);
  expect(optionsDifference({ ...schema, properties: { keep: { type: 'number' } } }, schema)).toBe(
    'missing options.properties.keep.maximum in package.json: expected 5, as in the definition',
  );
});

it.each<[unknown, string]>([
  [{}, 'options of weather.ua: "city" is missing: expected string (name of the city)'],
  [{ city: 5 }, 'options of weather.ua: "city": expected string, received number (name of the city)'],
  [{ city: 'x', keep: 0 }, 'options of weather.ua: "keep": expected number to be >=1'],
  [{ city: 'x', sites: ['y'] }, 'options of weather.ua: "sites[0]": expected a URL (address)'],
  [{ city: 'x', onRain: 5 }, 'options of weather.ua: "onRain": not allowed here (for programs)'],
  [{ city: 'x', kep: 1 }, 'options of weather.ua: unknown key "kep"; did you mean "keep"?'],
])(
  '%j: an invalid option is reported with the application, the key, the problem and its description',
  async (options, words) => {
    const { schema } = await optionsSchemaOf(
      z.strictObject({
        city: z.string().describe('name of the city'),
        keep: z.int().min(1).optional(),
        sites: z.array(z.url().describe('address')).optional(),
        onRain: z.custom().optional().meta({ not: {}, description: 'for programs' }),
      }),
      folder,
    );
    const app: Pick<PackageApplication, 'id' | 'options'> = { id: 'weather.ua', options: schema };
    expect(() => checkOptions(app, options)).toThrow(words);
  },
);

/** Options of an application, validated by its schema before it starts. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { ConfigurationError } from '../../../core/errors.js';
import type { PushAppDefinition, StandardSchemaV1 } from '../../../sdk/index.js';
import { definePushApp } from '../../../sdk/index.js';
import { type Bench, openBench, testApp } from '../support.js';

let bench: Bench;

beforeEach(async () => {
  bench = await openBench();
});

afterEach(async () => {
  vi.useRealTimers();
  await bench.runtime.stop();
});

const city = z.strictObject({
  city: z.string().default('Ghent'),
  hours: z.array(z.object({ from: z.number() })).optional(),
});

/** Loads an application with this schema. @returns the options that `start` receives. */
async function started(options: StandardSchemaV1 | undefined, values: unknown): Promise<unknown> {
  let parsed: unknown;
  const definition: PushAppDefinition = {
    ...testApp(() => {}),
    options,
    start(context) {
      parsed = context.options;
      return { receive() {} };
    },
  };
  await bench.runtime.load(definition, values);
  return parsed;
}

describe('options', () => {
  it('are parsed by the schema', async () => {
    expect(await started(city, { city: 'Bruges' })).toEqual({ city: 'Bruges' });
  });

  it('are {} for the schema if the configuration has none', async () => {
    expect(await started(city, undefined)).toEqual({ city: 'Ghent' });
  });

  it('can be validated by an asynchronous schema', async () => {
    const schema = z.object({ city: z.string().refine(async (name) => name !== '') });
    expect(await started(schema, { city: 'x' })).toEqual({ city: 'x' });
  });

  it('are unchanged without a schema', async () => {
    expect(await started(undefined, { any: 1 })).toEqual({ any: 1 });
  });

  it('can use any library that supports Standard Schema', async () => {
    const own = Object.assign(() => {}, {
      '~standard': { version: 1 as const, vendor: 'own', validate: () => ({ value: 'made' }) },
    });
    expect(await started(own, 1)).toBe('made');
  });
});

describe('invalid options', () => {
  it.each<[unknown, string]>([
    [{ city: 5 }, 'test.ua: options.city: Invalid input: expected string, received number'],
    [
      { hours: [{ from: 1 }, { from: '2' }] },
      'test.ua: options.hours[1].from: Invalid input: expected number, received string',
    ],
    ['text', 'test.ua: options: Invalid input: expected object, received string'],
    [{ city: 'x', cty: 'x' }, 'test.ua: options: Unrecognized key: "cty"'],
    [{ city: 1, hours: 2 }, 'received number\ntest.ua: options.hours: Invalid input'],
  ])('%j: reports each issue by its path, and does not start', async (values, words) => {
    const error = await started(city, values).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error)).toContain(words);
    expect(bench.runtime.eventAppIds).toEqual([]);
  });

  it('can have objects in paths', async () => {
    const schema: StandardSchemaV1 = {
      '~standard': {
        version: 1,
        vendor: 'own',
        validate: () => ({ issues: [{ message: 'no', path: [{ key: 'a' }, 0] }, { message: 'never' }] }),
      },
    };
    await expect(started(schema, 1)).rejects.toThrow('test.ua: options.a[0]: no\ntest.ua: options: never');
  });

  it.each<[string, () => never | Promise<never>]>([
    [
      'throws',
      () => {
        throw new Error('no regex');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no regex'))],
  ])('a schema that %s is reported as an error', async (_, validate) => {
    await expect(started({ '~standard': { version: 1, vendor: 'own', validate } }, {})).rejects.toThrow(
      'test.ua: the schema could not validate the options: no regex',
    );
  });

  it('a schema that never answers has a deadline', async () => {
    vi.useFakeTimers();
    const validate = () => new Promise<never>(() => {});
    const failure = started({ '~standard': { version: 1, vendor: 'own', validate } }, {}).catch(String);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await failure).toContain('its validate() did not end within 5 s');
  });

  it('rejects a value that is not a schema', async () => {
    await expect(started({ type: 'object' } as never, {})).rejects.toThrow(
      'test.ua: invalid options, an object: expected a schema that follows Standard Schema (https://standardschema.dev), like z.object({ … }) of zod',
    );
  });
});

it('options have the types of the schema', () => {
  definePushApp({
    id: 'a.ua',
    accepts: ['text/plain'],
    options: city,
    start({ options }) {
      options.city.toUpperCase();
      // @ts-expect-error: no such option
      options.town;
      return { receive() {} };
    },
  });
});

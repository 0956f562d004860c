/** The messages of issues of `zod/mini`, which has none in a bundle. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { issuesText } from '../../../core/app/contract/options.js';

// As in a bundle without classic zod, which loads English messages.
const before = z.config();
const localeError = before.localeError;
beforeAll(() => void z.config({ localeError: undefined }));
afterAll(() => void z.config({ localeError }));

it.each<[string, z.ZodMiniType, unknown, string]>([
  ['a type', z.object({ city: z.string() }), { city: 5 }, 'options.city: expected string'],
  ['a missing value', z.object({ city: z.string() }), {}, 'options.city: expected string'],
  ['a value', z.enum(['low', 'high']), 'x', 'options: expected "low" or "high"'],
  ['an unknown key', z.strictObject({}), { city: 5, x: 1 }, 'options: unknown "city", "x"'],
  ['a number', z.number().check(z.minimum(3)), 2, 'options: expected at least 3'],
  ['a bound', z.number().check(z.lt(3)), 3, 'options: expected less than 3'],
  ['a length', z.string().check(z.maxLength(2)), 'abc', 'options: expected at most 2 characters'],
  ['a list', z.array(z.number()).check(z.minLength(1)), [], 'options: expected at least 1 items'],
  ['a multiple', z.number().check(z.multipleOf(5)), 3, 'options: expected a multiple of 5'],
  ['a pattern', z.string().check(z.regex(/^\d+$/)), 'x', 'options: expected text that matches /^\\d+$/'],
  ['a format', z.url(), 'x', 'options: expected url'],
  ['alternatives', z.union([z.boolean(), z.array(z.string())]), 5, 'options: expected boolean or array'],
  [
    'alternatives with inner values',
    z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]),
    {},
    'options: Invalid input',
  ],
  [
    'a message of the author',
    z.string('expected the name of a city'),
    5,
    'options: expected the name of a city',
  ],
  ['a check of the author', z.string().check(z.refine(() => false)), 'x', 'options: Invalid input'],
])('%s is explained by what was expected', async (_, schema, value, expected) => {
  const { issues = [] } = await schema['~standard'].validate(value);
  expect(issuesText(issues, 'options')).toEqual([expected]);
});

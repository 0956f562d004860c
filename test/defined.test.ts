/** Options over defaults. */

import { expect, it } from 'vitest';
import { defined } from '../core/defined.js';

it('removes the properties that are undefined, so that defaults remain', () => {
  const options: { size?: number; name?: string | null } = { size: undefined, name: null };
  expect({ size: 5, ...defined(options) }).toEqual({ size: 5, name: null });
  expect(Object.keys(defined({ first: 0, second: undefined, third: '' }))).toEqual(['first', 'third']);
});

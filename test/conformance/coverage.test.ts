/** Every requirement has a test, and the table of requirements is up to date. */

import { describe, expect, it } from 'vitest';
import { coverage } from '../../.ci/requirements.mjs';

describe('the table of requirements', () => {
  const { table, written, covered, ids } = coverage();

  it('has a test for each row', () => {
    expect(ids.filter((id) => !covered.has(id))).toEqual([]);
  });

  it('is what `node .ci/requirements.mjs` writes', () => {
    // Not toBe, whose difference of two tables is not readable.
    expect(written === table, 'stale: run node .ci/requirements.mjs').toBe(true);
  });
});

/** Every requirement has a test, and the table of requirements is up to date. */

import { describe, expect, it } from 'vitest';
import { coverage } from '../../.ci/requirements.mjs';

describe('the table of requirements', () => {
  const { table, written, covered, ids } = coverage();

  it('has a test for each row', () => {
    expect(ids.filter((id) => !covered.has(id))).toEqual([]);
  });

  it('matches the output of `node .ci/requirements.mjs`', () => {
    // Not toBe: its diff of two tables is unreadable.
    expect(written === table, 'stale: run node .ci/requirements.mjs').toBe(true);
  });
});

/** Every requirement of the push modes has a test, and the table of them is up to date. */

import { describe, expect, it } from 'vitest';
import { coverage } from '../../.ci/requirements.mjs';

/** Registration, push resource identifiers, pager and session mode, security, response codes. */
const SECTIONS = /^(6\.1|7\.1|7\.2|8\.1\.1|8\.1\.2|8\.2\.1|8\.2\.2|8\.2\.3|9|9\.1|C)-/;
const NOT_IN_A_MODE = new Set([
  // Of what a sender knows about terminals: it learns that by capability delivery and registration events.
  '9-04',
]);

describe('the table of requirements', () => {
  const { table, written, covered, ids } = coverage();

  it('has a test for each row of registration, identifiers, both modes, security and response codes', () => {
    const wanted = ids.filter((id) => SECTIONS.test(id) && !NOT_IN_A_MODE.has(id));
    expect(wanted.filter((id) => !covered.has(id))).toEqual([]);
  });

  it('is what `node .ci/requirements.mjs` writes', () => {
    // Not toBe: the difference of two such tables is no help to a reader.
    expect(written === table, 'stale: run node .ci/requirements.mjs').toBe(true);
  });
});

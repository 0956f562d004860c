/** The order in which vitest starts test files. */

import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take more than ten seconds on two idle cores, the longest first. They start before the others, so that no
 * long file runs alone at the end.
 */
const LONG = [
  'package/loading',
  'package/documents',
  'cli/commands/host',
  'cli/host-console',
  'fuzz/fuzz',
  'app/isolation/endings',
  'interop/session-kamailio',
  'sip/hostile-peers',
  'interop/msrp-relay-kamailio',
  'interop/sip-invite-sipp',
].map((name) => `/test/${name}.test.ts`);

/** Files with a process of their own first, because small files of the others fill the end best. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ project, moduleId }: TestSpecification) => {
      const at = LONG.findIndex((name) => moduleId.endsWith(name));
      return (project.config.isolate ? 0 : 2) + (at < 0 ? 1 : at / LONG.length);
    };
    // The sort is stable: other files keep the order of vitest, by earlier duration or by size.
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}

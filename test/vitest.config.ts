import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { LongestFirst } from './support/longest-first.js';
import { FULL, SLOW } from './support/scale.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** `npm run test:slow` runs `NAME.slow.test.ts`, `npm test` the others: no kill loops, large transfers, installations. */
const FILES = SLOW && !FULL ? '**/*.slow.test.ts' : '**/*.test.ts';

/**
 * Tests of programs change their folder, and change state that a process has once. Each of these files has a process of its own.
 * The other files share processes, which load each module once.
 */
const PROGRAMS = ['cli', 'package'].map((folder) => `test/${folder}/${FILES}`);

/** Milliseconds after which a test has hung, even on a busy machine. No test asserts on time. */
const PATIENCE = FULL ? 1_800_000 : SLOW ? 600_000 : 300_000;

export default defineConfig({
  root,
  // Tests run the sources; the built package is tested by test/package.
  resolve: { conditions: ['sip-push-source'] },
  ssr: { resolve: { conditions: ['sip-push-source'] } },
  test: {
    exclude: SLOW || FULL ? configDefaults.exclude : [...configDefaults.exclude, '**/*.slow.test.ts'],
    testTimeout: PATIENCE,
    hookTimeout: PATIENCE,
    // Tests change their current folder, which a thread cannot do.
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    // Tests of single modules have the whole platform, like programs that import `sip-push`.
    setupFiles: ['core/platform/node/complete.ts'],
    // More workers than cores, because tests mostly wait for a peer, a timer of RFC 3261, or a process that starts.
    maxWorkers: 3,
    projects: [
      {
        extends: true,
        test: {
          name: 'modules',
          include: [`test/${FILES}`],
          exclude: PROGRAMS,
          isolate: false,
          benchmark: { include: [] },
        },
      },
      {
        extends: true,
        test: { name: 'programs', include: PROGRAMS, benchmark: { include: ['test/bench/*.bench.ts'] } },
      },
    ],
  },
});

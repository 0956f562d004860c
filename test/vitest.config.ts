import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { FULL, SLOW } from './support/scale.js';

const root = fileURLToPath(new URL('..', import.meta.url));

const ALL = 'test/**/*.test.ts';
/** What `npm run test:slow` runs, and `npm test` does not: kill loops, large transfers, whole builds, installations. */
const SLOW_ONES = ['test/**/*.slow.test.ts'];

/** Milliseconds after which a test has hung, also on a busy machine. No test asserts on time. */
const PATIENCE = FULL ? 1_800_000 : SLOW ? 600_000 : 120_000;

export default defineConfig({
  root,
  // Tests run the sources; the built package is tested by test/package.
  resolve: { conditions: ['sip-push-source'] },
  ssr: { resolve: { conditions: ['sip-push-source'] } },
  test: {
    include: SLOW && !FULL ? SLOW_ONES : [ALL],
    exclude: SLOW || FULL ? configDefaults.exclude : [...configDefaults.exclude, ...SLOW_ONES],
    testTimeout: PATIENCE,
    hookTimeout: PATIENCE,
    // Tests change their current folder, which a thread cannot do.
    pool: 'forks',
    // Tests of single modules have the whole platform, like programs that import `sip-push`.
    setupFiles: ['core/platform/node/complete.ts'],
    // More workers than cores, because tests mostly wait for a peer, a timer of RFC 3261, or a process that starts.
    maxWorkers: 3,
  },
});

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

export default defineConfig({
  root,
  // Tests run the sources; the built package is tested by test/package.
  resolve: { conditions: ['sip-push-source'] },
  ssr: { resolve: { conditions: ['sip-push-source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    // Guards against a hang, on a busy machine too: no test asserts on time.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Tests of single modules have the whole platform, as programs do that import `sip-push`.
    setupFiles: ['core/platform/node/complete.ts'],
    // On two cores: much of what tests do is to wait for a peer, a timer of RFC 3261, or a process that starts.
    maxWorkers: 3,
  },
});

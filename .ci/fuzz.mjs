/**
 * Fuzzes the readers of bytes from the network, and prints a table: surfaces, messages, failures, peak memory.
 *
 *   node .ci/fuzz.mjs [--surface NAME]… [--runs N] [--time SECONDS] [--seed N]
 *
 * Without --surface all surfaces run in turn, each in a process of its own, so that an endless loop ends with its process.
 * --runs: inputs of each surface. --time: seconds for each surface, instead of --runs.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
// Within the package, whose modules resolve its own name.
const OUT = join(ROOT, '.vitest/fuzz.mjs');

/** Modules keep their own URL, by which they find their files. */
const ownUrl = {
  name: 'own-url',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(
        'import.meta.url',
        JSON.stringify(pathToFileURL(path).href),
      ),
      loader: 'ts',
    }));
  },
};

mkdirSync(join(OUT, '..'), { recursive: true });
await build({
  entryPoints: [join(ROOT, 'test/fuzz/main.ts')],
  outfile: OUT,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  conditions: ['sip-push-source'],
  tsconfig: join(ROOT, 'tsconfig.json'),
  plugins: [ownUrl],
  logLevel: 'warning',
});
const { status, signal } = spawnSync(process.execPath, [OUT, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(signal ? 130 : status);

/** The script of workers, made of the sources: Node.js itself reads no TypeScript. */

import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
// Inside the tree, where the packages are found that it imports.
const SCRIPT = `${ROOT}node_modules/.cache/sip-push/worker-script-${process.pid}.mjs`;

let script: Promise<URL> | undefined;

/** Made once by each process of the tests. */
export function workerScript(): Promise<URL> {
  script ??= build({
    absWorkingDir: ROOT,
    entryPoints: ['core/worker-script.ts'],
    outfile: SCRIPT,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    conditions: ['sip-push-source'],
    logLevel: 'warning',
  }).then(() => pathToFileURL(SCRIPT));
  return script;
}

/** The script of workers, made of the sources: Node.js itself reads no TypeScript. */

import { rename } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
// Inside the tree, where the packages are found that it imports.
const SCRIPT = `${ROOT}node_modules/.cache/sip-push/worker-script.mjs`;

let script: Promise<URL> | undefined;

/** Made once by each process of the tests. */
export function workerScript(): Promise<URL> {
  script ??= make();
  return script;
}

async function make(): Promise<URL> {
  const fresh = `${SCRIPT}.${process.pid}`;
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['core/worker-script.ts'],
    outfile: fresh,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    conditions: ['sip-push-source'],
    logLevel: 'warning',
  });
  // Others may be reading the one that is there.
  await rename(fresh, SCRIPT);
  return pathToFileURL(SCRIPT);
}

/** The script of workers, bundled from the sources because Node.js does not run TypeScript. */

import { rename } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
// Inside the project, so that imports of packages resolve.
const SCRIPT = `${ROOT}node_modules/.cache/sip-push/worker-script.mjs`;

/** Hostile applications of tests post messages that no application can post, because applications do not reach this port. */
const EXPOSE_PORT = `import { workerData as testData } from 'node:worker_threads';
globalThis.hostPort = Object.values(Object(testData))[0];`;

let script: Promise<URL> | undefined;

/** Bundles the script once in each test process. */
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
    banner: { js: EXPOSE_PORT },
    format: 'esm',
    platform: 'node',
    packages: 'external',
    conditions: ['sip-push-source'],
    logLevel: 'warning',
  });
  // Other processes may be reading the existing file.
  await rename(fresh, SCRIPT);
  return pathToFileURL(SCRIPT);
}

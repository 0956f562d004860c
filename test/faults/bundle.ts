/** Test programs that run as separate processes. */

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Program {
  /** For `node`. */
  path: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** @param name of a module in the folder `room` of the tests, without `.ts`. */
export async function bundle(name: string, room = 'faults'): Promise<Program> {
  // In the tree, so that the program finds the packages.
  const folder = join(ROOT, 'node_modules/.cache/sip-push', room);
  const path = join(folder, `${name}-${process.pid}.mjs`);
  await mkdir(folder, { recursive: true });
  await build({
    absWorkingDir: ROOT,
    entryPoints: [`test/${room}/${name}.ts`],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['sip-push-source'],
    external: [
      ...['classic-level', 'memory-level', 'ws', 'tsyringe', 'reflect-metadata', 'fastest-levenshtein'],
      ...['jssip', 'sdp-transform'],
    ],
  });
  return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

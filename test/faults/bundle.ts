/** Bundles test programs that run as separate processes. */

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Program {
  /** Path of the bundled module. */
  path: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Bundles `test/FOLDER/NAME.ts`. */
export async function bundle(name: string, folder = 'faults/programs'): Promise<Program> {
  // Inside the project, so that the program finds the packages.
  const output = join(ROOT, 'node_modules/.cache/sip-push', folder);
  const path = join(output, `${name}-${process.pid}.mjs`);
  await mkdir(output, { recursive: true });
  await build({
    absWorkingDir: ROOT,
    entryPoints: [`test/${folder}/${name}.ts`],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['sip-push-source'],
    external: [
      ...['classic-level', 'memory-level', 'ws', 'tsyringe', 'reflect-metadata', 'fastest-levenshtein'],
      ...['jssip', 'sdp-transform', 'dns-packet'],
    ],
  });
  return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

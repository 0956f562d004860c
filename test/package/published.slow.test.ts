/** Checks the published tarball with publint and are-the-types-wrong. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runProcess } from '../support/programs/process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const program = (path: string) => join(ROOT, 'node_modules', path);

let folder: string;
let tarball: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-tarball-'));
  // dist is already built; building it again would disturb other test suites.
  const packed = await runProcess(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', folder],
    { cwd: ROOT },
  );
  expect(packed.code, packed.stderr).toBe(0);
  const [{ filename }] = JSON.parse(packed.stdout);
  tarball = join(folder, filename);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('publint finds no problems', async () => {
  const { code, stdout } = await runProcess(process.execPath, [
    program('publint/src/cli.js'),
    'run',
    tarball,
    '--strict',
    '--level',
    'suggestion',
  ]);
  expect(stdout).toContain('All good!');
  expect(code).toBe(0);
});

it('are-the-types-wrong finds no problems for ES modules resolved by `exports`', async () => {
  const { code, stdout } = await runProcess(process.execPath, [
    program('@arethetypeswrong/cli/dist/index.js'),
    tarball,
    '--profile',
    'esm-only',
    '--format',
    'json',
  ]);
  expect(code, stdout.slice(0, 2000)).toBe(0);
});

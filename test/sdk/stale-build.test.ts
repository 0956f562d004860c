/** Whether the sources of a package changed after its build, from its source maps and dates. */

import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildApplication } from '../../sdk/dev/build-application.js';
import { staleBuild, staleBuildText } from '../../sdk/manifest/stale-build.js';

const EARLIER = new Date('2026-01-01T12:00:00Z');
const LATER = new Date('2026-01-01T13:00:00Z');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-stale-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(path: string, text: string, at = EARLIER): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  await utimes(file, at, at);
}

it('a build is current whatever its dates, until a source that its maps contain changes or is removed', async () => {
  await write('src/index.ts', '\uFEFFexport const one: number = 1;\n');
  await write('src/deep/two.mts', 'export const two = 2;\n');
  await buildApplication(folder);
  await utimes(join(folder, 'dist/index.js'), EARLIER, EARLIER);
  await utimes(join(folder, 'dist/deep/two.mjs'), EARLIER, EARLIER);
  await write('src/index.ts', '\uFEFFexport const one: number = 1;\n', LATER);
  expect(await staleBuild(folder)).toBeUndefined();
  await write('src/deep/two.mts', 'export const two = 3;\n');
  const stale = await staleBuild(folder);
  expect(stale && staleBuildText(stale)).toBe(
    'src/deep/two.mts changed after the build of 2026-01-01T12:00:00Z',
  );
  await rm(join(folder, 'src/deep/two.mts'));
  expect(await staleBuild(folder)).toMatchObject({ source: 'src/deep/two.mts', change: 'was removed' });
});

it('a source that no map contains is compared by its date', async () => {
  await write('src/index.ts', 'export {};');
  await write('dist/index.js', '');
  for (const text of [
    '{',
    'null',
    '{"sources":5}',
    '{"sources":["../src/index.ts"],"sourcesContent":[null]}',
  ]) {
    await write('dist/index.js.map', text, LATER);
    await write('src/index.ts', 'export {};', EARLIER);
    expect(await staleBuild(folder)).toBeUndefined();
    await write('src/index.ts', 'export {};', LATER);
    expect(await staleBuild(folder)).toEqual({ source: 'src/index.ts', change: 'changed', built: EARLIER });
  }
});

it('a package without a build, or in JavaScript, is never stale', async () => {
  await write('src/index.ts', 'export {};', LATER);
  expect(await staleBuild(folder)).toBeUndefined();
  await rm(join(folder, 'src/index.ts'));
  await write('src/index.js', 'export {};', LATER);
  await write('src/types.d.ts', 'export {};', LATER);
  await write('dist/index.js', '');
  expect(await staleBuild(folder)).toBeUndefined();
});

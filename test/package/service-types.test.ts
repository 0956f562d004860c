/** The types of a service of another package, with the applications of the guide. */

import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codeBlocks } from '../support/pages/code-blocks.js';
import { runProcess } from '../support/programs/process.js';
import { ROOT } from './consumer.js';

const WITHIN_MS = 100_000;
const PROVIDER = 'sip-push-app-weather';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-services-'));
  await mkdir(join(folder, 'node_modules', PROVIDER), { recursive: true });
  await symlink(ROOT, join(folder, 'node_modules/sip-push'));
  const blocks = codeBlocks(await readFile(join(ROOT, 'sdk/docs/guides/use-services.md'), 'utf8'));
  const source = (name: string) => blocks.find(({ file }) => file === name)?.text ?? '';
  const consumer = source('news.ts').replace("'./weather.js'", `'${PROVIDER}'`);
  const manifest = (fields: object) => JSON.stringify({ type: 'module', ...fields });
  await writeFile(join(folder, 'package.json'), manifest({ devDependencies: { [PROVIDER]: '*' } }));
  await writeFile(join(folder, 'news.ts'), consumer);
  const provider = join(folder, 'node_modules', PROVIDER);
  await writeFile(join(provider, 'package.json'), manifest({ name: PROVIDER, exports: './weather.js' }));
  // As it is published: the compiled module and its declarations.
  await writeFile(join(folder, 'weather.ts'), source('weather.ts'));
  expect(await compile('weather.ts', '--declaration', '--emitDeclarationOnly')).toBe('');
  await rename(join(folder, 'weather.d.ts'), join(provider, 'weather.d.ts'));
  await rm(join(folder, 'weather.ts'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Resolves with the errors. */
async function compile(...words: string[]): Promise<string> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const strict = ['--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2022'];
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
  const { stdout } = await runProcess(process.execPath, [tsc, ...strict, ...types, ...words], {
    cwd: folder,
    withinMs: WITHIN_MS,
  });
  return stdout;
}

it('are those of the providing package, which is a development dependency', async () => {
  expect(await compile('news.ts')).toBe('');
  const code = await readFile(join(folder, 'news.js'), 'utf8');
  expect(code).toContain('weather.forecast');
  expect(code).not.toContain(PROVIDER);
});

it('are missing without it: the compiler names the package', async () => {
  await rm(join(folder, 'node_modules', PROVIDER), { recursive: true });
  expect(await compile('news.ts', '--noEmit')).toContain(`TS2307: Cannot find module '${PROVIDER}'`);
});

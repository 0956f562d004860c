/** The guides show one application, and the manifest that sip-push writes for it. */

import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { packageOf } from '../../sdk/create/package-json.js';
import { buildApplication } from '../../sdk/dev/build-application.js';
import { manifestUpdate } from '../../sdk/manifest/update-manifest.js';
import { codeBlocks } from '../support/pages/code-blocks.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const blocksOf = async (guide: string) =>
  codeBlocks(await readFile(join(ROOT, 'sdk/docs/guides', guide), 'utf8'));

it('publish-an-application.md shows what create and build write for write-an-application.md', async () => {
  const source = (await blocksOf('write-an-application.md')).find(({ file }) =>
    file?.endsWith('src/index.ts'),
  );
  const shown = (await blocksOf('publish-an-application.md')).find(({ language }) => language === 'json');
  const folder = await mkdtemp(join(tmpdir(), 'sip-push-manifest-'));
  try {
    await mkdir(join(folder, 'node_modules'));
    await symlink(ROOT, join(folder, 'node_modules/sip-push'));
    await symlink(join(ROOT, 'node_modules/zod'), join(folder, 'node_modules/zod'));
    const project = { id: 'weather.ua', types: ['text/plain'], language: 'ts' } as const;
    const created = { ...packageOf(project, { version: '0.1.0' }), dependencies: { zod: '^4.0.0' } };
    await writeFile(join(folder, 'package.json'), JSON.stringify(created));
    await mkdir(join(folder, 'src'));
    await writeFile(join(folder, 'src/index.ts'), source?.text ?? '');
    await buildApplication(folder);
    await (await manifestUpdate(folder)).write();
    const written = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const fields = JSON.parse(shown?.text ?? '');
    expect(fields.sipPush).toEqual(written.sipPush);
    expect(written).toMatchObject(fields);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it('the README, the guide and the reference show the same application', async () => {
  const readme = codeBlocks(await readFile(join(ROOT, 'README.md'), 'utf8'));
  const guide = await blocksOf('write-an-application.md');
  const [comment = ''] = /\/\*\*[\s\S]*?\*\//.exec(await readFile(join(ROOT, 'sdk/index.ts'), 'utf8')) ?? [];
  const [example] = codeBlocks(comment.replaceAll(/^ \* ?/gm, ''));
  const code = (text = '') => text.replace(/\s+\/\/ .*$/gm, '').trim();
  const shown = code(example?.text);
  expect(shown).toContain('definePushApp({');
  expect(code(readme.find(({ file }) => file === 'weather.mjs')?.text)).toBe(shown);
  expect(code(guide.find(({ file }) => file?.endsWith('src/index.ts'))?.text)).toBe(shown);
});

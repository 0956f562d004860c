/** `sip-push build`: compiles an application in TypeScript, and writes the manifest. */

import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Folder } from '../sip-push.js';

const PACKAGE = { name: 'weather', version: '1.0.0', type: 'module', exports: './dist/index.js' };
const SOURCE = `export default {
  id: 'weather.ua',
  accepts: ['text/plain'],
  events: { forecast: true as const },
  start: (): { receive(): void } => ({ receive() {} }),
};
`;

let folder: Folder;
beforeEach(async () => {
  folder = await Folder.make();
  await folder.write('package.json', PACKAGE);
});
afterEach(() => folder.remove());

const read = (name: string) => readFile(join(folder.path, name), 'utf8');
const distFiles = async () => (await readdir(join(folder.path, 'dist'), { recursive: true })).sort();

describe('compiles', () => {
  it('modules with their extensions and declarations, and removes those without a source', async () => {
    await folder.write('src/index.ts', `export { two } from './deep/two.mjs';\n${SOURCE}`);
    await folder.write('src/deep/two.mts', 'export const two: number = 2;\n');
    await folder.write('src/types.d.ts', 'declare const three: number;\n');
    await folder.write('elsewhere.ts', 'export const four: number = 4;\n');
    await symlink(join(folder.path, 'elsewhere.ts'), join(folder.path, 'src/four.ts'));
    for (const stale of ['gone.test.js', 'gone.test.d.ts']) await folder.write(`dist/${stale}`, 'x');
    for (const kept of ['notes.txt', 'types.d.ts']) await folder.write(`dist/${kept}`, 'kept');
    const { code, stderr } = await folder.run('build');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(
        /^3 modules in dist\n"sipPush" in package\.json was updated:\n {2}weather\.ua: /,
      ),
    });
    expect(await distFiles()).toEqual([
      ...['deep', 'deep/two.d.mts', 'deep/two.mjs', 'deep/two.mjs.map'],
      ...['four.d.ts', 'four.js', 'four.js.map', 'index.d.ts', 'index.js', 'index.js.map'],
      ...['notes.txt', 'types.d.ts'],
    ]);
    expect(await read('dist/index.d.ts')).toContain("export { two } from './deep/two.mjs';");
  });

  it('with the tsconfig.json of the application, which can include other folders', async () => {
    await folder.write('tsconfig.json', {
      compilerOptions: { strict: true, noEmit: true, module: 'nodenext', target: 'es2022' },
      include: ['src', 'test'],
    });
    await folder.write('src/index.ts', SOURCE.replace('start: ()', 'start: (context)'));
    await folder.write('test/index.test.ts', 'export const wrong: string = 1;\n');
    const { code, stderr } = await folder.run('build');
    expect(stderr).toMatch(/^sip-push: src\/index\.ts\(5,11\): error TS7006: /);
    expect(code).toBe(2);
    await folder.write('src/index.ts', SOURCE);
    expect(await folder.run('build')).toMatchObject({ code: 0 });
  });

  it('nothing after an error, whose position it reports', async () => {
    await folder.write('src/index.ts', 'const one = 1;\nconst two = ;\n');
    await folder.write('dist/index.js', 'before');
    const { code, stderr } = await folder.run('build');
    expect(stderr).toMatch(/^sip-push: src\/index\.ts\(2,13\): error TS1109: /m);
    expect(code).toBe(2);
    expect(await read('dist/index.js')).toBe('before');
    expect(JSON.parse(await read('package.json'))).toEqual(PACKAGE);
  });

  it('nothing of a package in JavaScript, and writes its manifest', async () => {
    await folder.write('package.json', { ...PACKAGE, exports: './src/index.js' });
    const source = SOURCE.replace(' as const', '').replace('(): { receive(): void }', '()');
    await folder.write('src/index.js', source);
    const { code, stdout, stderr } = await folder.run('build');
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: '' });
    expect(stderr).toContain('"sipPush" in package.json was updated');
    expect(await readdir(folder.path)).toEqual(['package.json', 'src']);
    const { sipPush } = JSON.parse(await read('package.json'));
    expect(sipPush).toEqual({
      contract: '^1.0.0',
      apps: [{ id: 'weather.ua', accepts: ['text/plain'], events: ['forecast'] }],
    });
    expect(await folder.run('build')).toMatchObject({ code: 0, stderr: '' });
  });

  it('nothing in a folder without package.json', async () => {
    const { code, stderr } = await folder.run('build', 'nowhere');
    expect(stderr).toMatch(/^sip-push: cannot read .*nowhere\/package\.json/);
    expect(code).toBe(2);
  });
});

describe('--check', () => {
  it('rejects a manifest that is out of date, and writes none', async () => {
    await folder.write('src/index.ts', SOURCE);
    expect(await folder.run('build')).toMatchObject({ code: 0 });
    expect(await folder.run('build', '--check')).toMatchObject({ code: 0 });
    const stale = (await read('package.json')).replace('"forecast"', '"storm"');
    await writeFile(join(folder.path, 'package.json'), stale);
    const { code, stderr } = await folder.run('build', '--check');
    expect(stderr).toMatch(
      /is out of date: weather\.ua: invalid events "storm" in package\.json: expected "forecast", as in the definition: run "sip-push build"$/,
    );
    expect(code).toBe(2);
    expect(await read('package.json')).toBe(stale);
  });

  it('checks the types, rejects a build that is older than its sources, and writes nothing', async () => {
    await folder.write('src/index.ts', SOURCE);
    const unbuilt = await folder.run('build', '--check');
    expect(unbuilt).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is not built, .*: run "sip-push build"$/),
    });
    expect((await readdir(folder.path)).sort()).toEqual(['node_modules', 'package.json', 'src']);
    expect(await folder.run('build')).toMatchObject({ code: 0 });
    const before = await read('dist/index.js');
    await folder.write('src/index.ts', `${SOURCE}export const two: number = '2';\n`);
    const untyped = await folder.run('build', '--check');
    expect(untyped).toMatchObject({ code: 2, stderr: expect.stringContaining('error TS2322: ') });
    await folder.write('src/index.ts', `${SOURCE}export const two: number = 2;\n`);
    const { code, stderr } = await folder.run('build', '--check');
    expect(stderr).toMatch(
      /^sip-push: src\/index\.ts changed after the build of \S+Z: run "sip-push build"$/,
    );
    expect(code).toBe(2);
    expect(await read('dist/index.js')).toBe(before);
  });

  it('accepts the manifest of the bundled applications', async () => {
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const { code, stderr } = await folder.runProcess('build', root, '--check');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

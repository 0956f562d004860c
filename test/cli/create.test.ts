/** `sip-push create` and `sip-push build`: a new application tests, compiles and runs at once. */

import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProcess } from '../support/process.js';
import { CLI, Folder } from './sip-push.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let folder: Folder;
beforeEach(async () => {
  folder = await Folder.make();
  // As npm would leave it that installed the package here.
  await mkdir(join(folder.path, 'node_modules/.bin'), { recursive: true });
  await symlink(ROOT, join(folder.path, 'node_modules/sip-push'));
  await symlink(CLI, join(folder.path, 'node_modules/.bin/sip-push'));
});
afterEach(() => folder.remove());

const inProject = (command: string, ...words: string[]) =>
  runProcess(command, words, { cwd: join(folder.path, 'weather'), withinMs: 60_000 });

describe.each(['ts', 'js'])('a new application in %s', (language) => {
  it('passes its own tests', async () => {
    const words = ['weather', '--id', 'weather.ua', '--type', 'text/plain', '--type', 'image/*'];
    const created = await folder.run('create', ...words, '--language', language, '--yes');
    expect(created).toMatchObject({ code: 0, stdout: '' });
    expect(created.stderr).toContain('Next: cd weather && npm install && npm test');
    const { code, stdout } = await inProject('npm', 'test');
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/^# pass 4$/m);
  }, 70_000);
});

it('a new application compiles, for a strict user', async () => {
  await folder.run('create', 'weather', '--yes');
  const { stdout } = await inProject(process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc'));
  expect(stdout).toBe('');
});

it('its manifest says what its module says, and names its peer alone', async () => {
  await folder.run('create', 'sip-push-app-snow', '--yes');
  const manifest = JSON.parse(await readFile(join(folder.path, 'sip-push-app-snow/package.json'), 'utf8'));
  expect(manifest).toMatchObject({
    name: 'sip-push-app-snow',
    keywords: ['sip-push-app'],
    sipPush: { contract: '^1.0.0', apps: [{ id: 'snow.ua', accepts: ['text/plain'] }] },
  });
  expect(Object.keys(manifest.peerDependencies)).toEqual(['sip-push']);
  expect(manifest).not.toHaveProperty('dependencies');
  expect(manifest).not.toHaveProperty('devDependencies');
});

describe('refuses, and leaves everything as it was', () => {
  it('a folder with something in it', async () => {
    await mkdir(join(folder.path, 'full'));
    await writeFile(join(folder.path, 'full/notes.txt'), 'mine');
    const { code, stderr } = await folder.run('create', 'full', '--yes');
    expect(code).toBe(2);
    expect(stderr).toMatch(/full is not empty \(notes\.txt\); expected a new folder$/);
    expect(await readdir(join(folder.path, 'full'))).toEqual(['notes.txt']);
  });

  it.each([
    [['--id', 'a,b'], /--id "a,b" is no event-app-id; expected .* e\.g\. weather\.ua/],
    [['--type', 'text'], /--type "text" is no media type without parameters; expected e\.g\. text\/plain/],
    [['--type', 'Text/Plain'], /write it in lower case, "text\/plain"/],
    [['--language', 'java'], /--language "java" is no language here; expected ts or js/],
    [['other'], /create takes one directory; "other" is another/],
  ])('%s', async (words, said) => {
    const { code, stderr } = await folder.run('create', 'weather', ...words, '--yes');
    expect(stderr).toMatch(said);
    expect(code).toBe(2);
    expect(await readdir(folder.path)).toEqual(['node_modules']);
  });
});

describe('sip-push build', () => {
  it('says where something does not compile', async () => {
    await folder.write('src/index.ts', 'const one = 1;\nconst two = ;\n');
    const { code, stderr } = await folder.run('build');
    expect(stderr).toMatch(/^sip-push: src\/index\.ts:2:13: Unexpected ";"$/m);
    expect(code).toBe(2);
  });

  it('says that there is nothing', async () => {
    const { code, stderr } = await folder.run('build', 'nowhere');
    expect(stderr).toMatch(/no .*nowhere\/src: expected the folder of the application's modules/);
    expect(code).toBe(2);
  });
});

/** A new application can be tested, compiled and packed at once, but not with an outdated manifest. */

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProcess } from '../../support/programs/process.js';
import { makeInstalledFolder } from '../installed-folder.js';
import type { Folder } from '../sip-push.js';

let folder: Folder;
beforeEach(async () => {
  folder = await makeInstalledFolder();
});
afterEach(() => folder.remove());

const inProject = (command: string, ...words: string[]) =>
  runProcess(command, words, { cwd: join(folder.path, 'weather') });

describe.each(['ts', 'js'])('a new application in %s', (language) => {
  it('passes its own tests', async () => {
    const words = ['weather', '--id', 'weather.ua', '--type', 'text/plain', '--type', 'image/*'];
    const created = await folder.run('create', ...words, '--language', language, '--yes');
    expect(created).toMatchObject({ code: 0, stdout: '' });
    expect(created.stderr).toContain('Next: cd weather && npm test');
    const { code, stdout } = await inProject('npm', 'test');
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/^# pass 4$/m);
  });
});

it('a new application checks its types before its tests', async () => {
  await folder.run('create', 'weather', '--yes');
  const source = join(folder.path, 'weather/src/index.ts');
  await writeFile(
    source,
    (await readFile(source, 'utf8')).replace("tx.emit('received'", "tx.emit('receive'"),
  );
  const { code, stderr } = await inProject('npm', 'test');
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/src\/index\.ts\(\d+,\d+\): error TS2345: .*"receive"/);
});

it('a new application compiles with the TypeScript beside sip-push, and exports its types', async () => {
  await folder.run('create', 'weather', '--yes');
  await rm(join(folder.path, 'node_modules/typescript'));
  const { code, stderr } = await inProject('npm', 'run', 'build');
  expect(code, stderr).toBe(0);
  expect(await readFile(join(folder.path, 'weather/dist/index.d.ts'), 'utf8')).toContain('PushAppDefinition');
});

it.each(['ts', 'js'])('a new application in %s has a manifest that is up to date', async (language) => {
  await folder.run('create', 'weather', '--language', language, '--yes');
  const built = await inProject('npm', 'run', 'build');
  expect(built.code, built.stderr).toBe(0);
  const { code, stderr } = await inProject('npm', 'run', 'prepack');
  expect(code, stderr).toBe(0);
});

describe('a package whose manifest is out of date', () => {
  beforeEach(async () => {
    await folder.run('create', 'weather', '--language', 'js', '--yes');
    const file = join(folder.path, 'weather/package.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('"received"', '"arrived"'));
  });

  const STALE = /invalid events "arrived" in package\.json: expected "received", as in the definition/;

  it('is not loaded by a host', async () => {
    await folder.write('bob.json', {
      identity: 'sip:bob@domain.test',
      server: 'sip:127.0.0.1:9;transport=tcp',
      store: 'memory',
      apps: ['./weather'],
    });
    const { code, stderr } = await folder.runProcess('host', '--config', 'bob.json');
    expect(stderr).toMatch(STALE);
    expect(stderr).toContain('run "sip-push build"');
    expect(code).toBe(2);
    const bundled = await folder.runProcess('bundle', '--config', 'bob.json', '--outfile', 'host.mjs');
    expect(bundled.stderr).toMatch(STALE);
    expect(bundled.code).toBe(2);
  });

  it('does not pass sip-push check', async () => {
    const { code, stdout } = await folder.runProcess('check', 'weather');
    expect(stdout).toMatch(STALE);
    expect(code).toBe(1);
  });

  it('is not packed by npm', async () => {
    const pack = () => runProcess('npm', ['pack', '--dry-run'], { cwd: join(folder.path, 'weather') });
    const { code, stderr } = await pack();
    expect(stderr).toMatch(STALE);
    expect(code).not.toBe(0);
    expect(await folder.runProcess('build', 'weather')).toMatchObject({ code: 0 });
    expect((await pack()).code).toBe(0);
  });
});

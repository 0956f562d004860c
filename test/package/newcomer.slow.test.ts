/**
 * From an empty folder, with the tarball that npm would publish: an application is created, tested, checked, developed,
 * bundled, and receives a push; so does an application that uses the service of another package, and a
 * third-party application, from its own package.
 */

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lineOf } from '../cli/sip-push.js';
import { type RunningProcess, runProcess, startProcess } from '../support/programs/process.js';
import { JOB_MS } from '../support/wait.js';
import { PLACES, type Sources, WEATHER, WRONG_CALL } from './newcomer-applications.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLE = join(ROOT, 'examples/third-party-app');
const INSTALL = ['install', '--no-audit', '--no-fund', '--prefer-offline'];

let folder: string;
const running: RunningProcess[] = [];

/** Runs a command in the folder of a package in `folder`. */
const inPackage = (name: string, command: string, ...words: string[]) =>
  runProcess(command, words, { cwd: join(folder, name), withinMs: JOB_MS });
const inFolder = (command: string, ...words: string[]) => inPackage('.', command, ...words);
/** The command that npx runs, without the start-up time of npm. */
const sipPush = (...words: string[]) => inFolder('node_modules/.bin/sip-push', ...words);
const bundle = () => startProcess(process.execPath, ['host.mjs', '--json'], { cwd: folder });

async function expectSuccess(ending: ReturnType<typeof runProcess>): Promise<string> {
  const { code, stdout, stderr } = await ending;
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

/** Packs a package. @returns the path of the tarball. */
async function pack(from: string, ...options: string[]): Promise<string> {
  const words = ['pack', '--json', '--loglevel=error', '--pack-destination', folder, ...options];
  const packed = JSON.parse(await expectSuccess(runProcess('npm', words, { cwd: from, withinMs: JOB_MS })));
  return `./${packed[0].filename}`;
}

async function write(name: string, sources: Sources): Promise<void> {
  for (const [path, text] of Object.entries(sources)) await writeFile(join(folder, name, path), text);
}

/** The tests of a package have passed. */
async function expectTested(name: string): Promise<void> {
  expect(await expectSuccess(inPackage(name, 'npm', 'test'))).toMatch(/^# fail 0$/m);
}

/** Pushes the sample of a package to it under `sip-push dev`. @returns what the application emitted. */
async function pushInDev(name: string, ...options: string[]) {
  await using dev = await startProcess('node_modules/.bin/sip-push', ['dev', '.', '--json', ...options], {
    cwd: join(folder, name),
  });
  await lineOf(dev, 'ready');
  dev.stdin.write('\n');
  expect(await lineOf(dev, 'receipt')).toMatchObject({ outcome: 'delivered', status: 200 });
  return await lineOf(dev, 'app');
}

async function configure(server: string, ...apps: string[]): Promise<void> {
  const account = { identity: 'sip:bob@domain.test', server, trust: ['sip:psa@domain.test'] };
  await writeFile(join(folder, 'bob.json'), JSON.stringify({ ...account, apps, data: './bob-data' }));
  await writeFile(join(folder, 'psa.json'), JSON.stringify({ identity: 'sip:psa@domain.test', server }));
}

async function push(app: string, type: string, file: string): Promise<void> {
  const to = ['--to', 'sip:bob@domain.test', '--app', app, '--type', type];
  await expectSuccess(sipPush('send', '--config', 'psa.json', ...to, file));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-newcomer-'));
});
afterAll(async () => {
  for (const each of running.splice(0).reverse()) await each.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('from an empty folder', () => {
  let server: string;

  it('creates, installs, tests, checks, develops and bundles an application, and pushes to it', async () => {
    // The package is already built; building it again would disturb other test suites.
    const tarball = await pack(ROOT, '--ignore-scripts');
    await expectSuccess(inFolder('npm', 'init', '--yes'));
    await expectSuccess(inFolder('npm', ...INSTALL, tarball));
    await expectSuccess(inFolder('npx', 'sip-push', 'create', 'weather', '--yes'));
    await expectSuccess(inPackage('weather', 'npm', ...INSTALL));
    await expectTested('weather');
    const checked = await expectSuccess(inPackage('weather', 'npx', 'sip-push', 'check', '.'));
    expect(checked).toBe('weather.ua: 100 of 100');
    expect(await pushInDev('weather')).toMatchObject({ app: 'weather.ua', kind: 'received', size: 6 });
    const network = await startProcess('node_modules/.bin/sip-push', ['network', '--json'], {
      cwd: folder,
    });
    running.push(network);
    const { uris } = await lineOf(network, 'listening');
    [, server = ''] = uris as string[];
    await configure(server, './weather');
    await expectSuccess(sipPush('bundle', '--config', 'bob.json', '--outfile', 'host.mjs'));
    await using host = await bundle();
    await lineOf(host, 'registered', { identity: 'sip:bob@domain.test' });
    await push('weather.ua', 'text/plain', 'weather/samples/hello.txt');
    expect(await lineOf(host, 'push')).toMatchObject({
      app: 'weather.ua',
      outcome: 'accepted',
      status: 200,
    });
  });

  it('uses the service of another package, with its types, in tests, a check, dev and a bundle', async () => {
    await expectSuccess(sipPush('create', 'places', '--yes'));
    await write('places', PLACES);
    await expectSuccess(inPackage('places', 'npm', ...INSTALL));
    await expectTested('places');
    const places = await pack(join(folder, 'places'));
    await expectSuccess(inPackage('weather', 'npm', ...INSTALL, '--save-dev', join(folder, places)));

    await write('weather', { ...WEATHER, ...WRONG_CALL });
    const wrong = await inPackage('weather', 'npm', 'run', 'build');
    expect(wrong.code).not.toBe(0);
    expect(wrong.stderr).toMatch(/src\/index\.ts\(\d+,\d+\): error TS2345: .*'number'.*'string'/);
    await write('weather', WEATHER);
    await expectTested('weather');

    const provider = ['--with', 'sip-push-app-places'];
    const check = (...words: string[]) => inPackage('weather', 'npx', 'sip-push', 'check', '.', ...words);
    const without = await check();
    expect(without.code).toBe(1);
    expect(without.stdout).toMatch(/needs "places\.names".*\n.*\n.*--with/);
    expect(await expectSuccess(check(...provider))).toBe('weather.ua: 100 of 100');
    expect(await pushInDev('weather', ...provider)).toMatchObject({ kind: 'forecast', place: 'GNE' });

    await configure(server, './weather', './places');
    await expectSuccess(sipPush('bundle', '--config', 'bob.json', '--outfile', 'host.mjs'));
    await rm(join(folder, 'bob-data'), { recursive: true, force: true });
    await using host = await bundle();
    expect(await lineOf(host, 'registered')).toMatchObject({ apps: ['places.ua', 'weather.ua'] });
    await push('places.ua', 'text/plain', 'places/samples/hello.txt');
    await push('weather.ua', 'text/plain', 'weather/samples/hello.txt');
    expect(await lineOf(host, 'app')).toMatchObject({
      ...{ app: 'weather.ua', kind: 'forecast', place: 'Ghent', forecast: 'sunny' },
    });
  });

  it('uses a third-party application by its package name, in a host and in a bundle', async () => {
    const theirs = join(folder, 'theirs');
    await cp(EXAMPLE, theirs, {
      recursive: true,
      filter: (path) => !/node_modules|dist/.test(path.slice(EXAMPLE.length)),
    });
    await expectTested('theirs');
    await expectSuccess(sipPush('check', 'theirs'));
    const tarball = await pack(theirs);
    await expectSuccess(inFolder('npm', ...INSTALL, tarball));
    await configure(server, 'sip-push-app-emn', 'wml.ua');
    const notification = 'node_modules/sip-push-app-emn/samples/notification.wbxml';
    for (const start of [
      () =>
        startProcess('node_modules/.bin/sip-push', ['host', '--config', 'bob.json', '--json'], {
          cwd: folder,
        }),
      bundle,
    ]) {
      await rm(join(folder, 'bob-data'), { recursive: true, force: true });
      if (start === bundle)
        await expectSuccess(sipPush('bundle', '--config', 'bob.json', '--outfile', 'host.mjs'));
      await using host = await start();
      expect(await lineOf(host, 'registered')).toMatchObject({ apps: ['emn.ua', 'wml.ua'] });
      await push('emn.ua', 'application/vnd.wap.emn+wbxml', notification);
      expect(await lineOf(host, 'app')).toMatchObject({
        ...{ app: 'emn.ua', kind: 'mail', mailbox: 'imap://mail.example.com' },
      });
    }
    const manifest = JSON.parse(await expectSuccess(inFolder(process.execPath, 'host.mjs', '--manifest')));
    expect(JSON.stringify(manifest)).toContain('emn.ua');
  });
});

it('the example imports only published modules', async () => {
  const { peerDependencies, dependencies } = JSON.parse(
    await readFile(join(EXAMPLE, 'package.json'), 'utf8'),
  );
  expect(Object.keys({ ...peerDependencies, ...dependencies })).toEqual(['sip-push']);
});

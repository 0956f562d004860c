/**
 * From an empty folder, with the tarball that npm would publish: an application is created, tested, checked, bundled,
 * and receives a push; so is an application of another author, from its own package.
 */

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lineOf } from '../cli/sip-push.js';
import { type RunningProcess, runProcess, startProcess } from '../support/programs/process.js';
import { JOB_MS } from '../support/wait.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLE = join(ROOT, 'examples/third-party-app');
/** Milliseconds, generous: on two idle cores, the test takes less than a minute. It prints its duration. */

let folder: string;
const running: RunningProcess[] = [];

const inFolder = (command: string, ...words: string[]) =>
  runProcess(command, words, { cwd: folder, withinMs: JOB_MS });
/** The command that npx runs, without the start-up time of npm. */
const sipPush = (...words: string[]) => inFolder('node_modules/.bin/sip-push', ...words);
const bundle = () => startProcess(process.execPath, ['host.mjs', '--json'], { cwd: folder });

async function expectSuccess(ending: ReturnType<typeof runProcess>): Promise<string> {
  const { code, stdout, stderr } = await ending;
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

/** Packs a package. @returns the path of the tarball. */
async function pack(from: string): Promise<string> {
  // The package is already built; building it again would disturb other test suites.
  const words = ['pack', '--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', folder];
  const packed = JSON.parse(await expectSuccess(runProcess('npm', words, { cwd: from, withinMs: JOB_MS })));
  return `./${packed[0].filename}`;
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

  it('creates, tests, checks and bundles an application, and pushes to it', async () => {
    const tarball = await pack(ROOT);
    await expectSuccess(inFolder('npm', 'init', '--yes'));
    await expectSuccess(inFolder('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball));
    await expectSuccess(inFolder('npx', 'sip-push', 'create', 'weather', '--yes'));
    expect(
      await expectSuccess(runProcess('npm', ['test'], { cwd: join(folder, 'weather'), withinMs: JOB_MS })),
    ).toMatch(/^# fail 0$/m);
    await expectSuccess(sipPush('check', 'weather'));
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

  it('uses a third-party application by its package name, in a host and in a bundle', async () => {
    const theirs = join(folder, 'theirs');
    await cp(EXAMPLE, theirs, {
      recursive: true,
      filter: (path) => !/node_modules|dist/.test(path.slice(EXAMPLE.length)),
    });
    expect(await expectSuccess(runProcess('npm', ['test'], { cwd: theirs, withinMs: JOB_MS }))).toMatch(
      /^# fail 0$/m,
    );
    await expectSuccess(sipPush('check', 'theirs'));
    const tarball = await pack(theirs);
    await expectSuccess(inFolder('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball));
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

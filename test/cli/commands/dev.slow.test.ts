/** `sip-push dev`: an application during development. */

import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startProcess } from '../../support/programs/process.js';
import type { Running } from '../../support/programs/running.js';
import { eventually } from '../../support/wait.js';
import { CLI, Folder, type Line, lineOf, linesOf } from '../sip-push.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

let folder: Folder;
let dev: Running;
const source = () => join(folder.path, 'weather/src/index.ts');

beforeEach(async () => {
  folder = await Folder.make();
  await mkdir(join(folder.path, 'node_modules'));
  await symlink(ROOT, join(folder.path, 'node_modules/sip-push'));
  await folder.run('create', 'weather', '--yes');
});
afterEach(async () => {
  await dev?.stop();
  await folder.remove();
});

/** The device is registered when it is ready. */
async function start(...words: string[]) {
  dev = await folder.startProcess('dev', 'weather', '--json', ...words);
  expect(await lineOf(dev, 'ready')).toMatchObject({ apps: ['weather.ua'] });
}

async function change(from: string, to: string) {
  await writeFile(source(), (await readFile(source(), 'utf8')).replaceAll(from, to));
}

const writeLine = (line: string) => dev.stdin.write(`${line}\n`);
const ofEvent = (name: string) => linesOf(dev).filter(({ event }) => event === name);

/** Pushes, and repeats the push while the core does not know the reloaded application yet. Resolves with the receipt. */
async function push(line = ''): Promise<Line> {
  const before = ofEvent('receipt').length;
  writeLine(line);
  const receipt = await eventually('a receipt', () => ofEvent('receipt')[before]);
  return receipt.status === 480 ? await push(line) : receipt;
}

describe('executes each line', () => {
  it('as a push of a sample, a text or a file in each mode, or as a query', async () => {
    await start();
    writeLine('');
    await lineOf(dev, 'app', { mode: 'pager', size: 6 });
    writeLine('pager hello there');
    await lineOf(dev, 'app', { mode: 'pager', size: 11 });
    const { length } = await readFile(join(folder.path, 'weather/README.md'));
    writeLine('session @README.md');
    await lineOf(dev, 'app', { mode: 'session', size: length });
    writeLine('indirect');
    await lineOf(dev, 'app', { mode: 'indirect', size: 6 });
    await eventually('four receipts', () => (ofEvent('receipt').length === 4 ? true : undefined));
    expect(ofEvent('receipt').map(({ outcome }) => outcome)).toEqual(Array(4).fill('delivered'));
    writeLine('weather.ua last');
    expect(await lineOf(dev, 'answer')).toMatchObject({ answer: { mode: 'indirect', size: 6 } });
    writeLine('weather.ua @samples/hello.txt');
    await lineOf(dev, 'app', { mode: 'pager', size: 6 });
    writeLine('weather.ua session text/plain two');
    await lineOf(dev, 'app', { mode: 'session', size: 3 });
    writeLine('pager image/png x');
    await lineOf(dev, 'receipt', { outcome: 'refused', status: 415 });
    writeLine('pager @nowhere.txt');
    await dev.line(/^push failed: cannot read .*nowhere\.txt/);
    writeLine('quit');
    expect((await dev.ended()).code).toBe(0);
  });
});

describe('when a file is saved', () => {
  it('loads the new version, and the device stays registered', async () => {
    await start();
    await change('received', 'got');
    await lineOf(dev, 'reloaded');
    await push();
    await lineOf(dev, 'app', { kind: 'got' });
    expect(ofEvent('registration-failed')).toEqual([]);
  });

  it('registers once for each reload, even if the previous version is loaded again', async () => {
    await start();
    const registrations = (most: number) =>
      eventually(`${most} registrations`, () => ofEvent('registered')[most - 1]);
    await change('received', 'got');
    await lineOf(dev, 'reloaded');
    await registrations(2);
    await change('log }) => ({', "log }) => Promise.reject(new Error('no database')) as never ?? ({");
    await lineOf(dev, 'not-reloaded');
    await registrations(3);
    writeLine('quit');
    expect((await dev.ended()).code).toBe(0);
    expect(ofEvent('registered').map(({ apps }) => apps)).toEqual(Array(3).fill(['weather.ua']));
  });

  it('reports a compile or load error, and continues with the previous version', async () => {
    await start();
    await change('maxSize:', 'maxSize =');
    const { reason } = await lineOf(dev, 'not-reloaded');
    expect(reason).toMatch(/^src\/index\.ts:8:11: /);
    expect(await push()).toMatchObject({ outcome: 'delivered' });
    await change('maxSize =', 'maxSize:');
    await lineOf(dev, 'reloaded');
    await change('10_000_000', '-1');
    await eventually('a second refusal', () => ofEvent('not-reloaded')[1]);
    expect(ofEvent('not-reloaded')[1]?.reason).toMatch(/invalid maxSize -1: expected bytes/);
    expect(await push('pager once more')).toMatchObject({ outcome: 'delivered' });
  });

  it('follows a definition that differs from the manifest', async () => {
    await start();
    await change("'weather.ua'", "'climate.ua'");
    expect(await lineOf(dev, 'reloaded')).toMatchObject({ apps: ['climate.ua'] });
    expect(await push()).toMatchObject({ outcome: 'delivered' });
    await lineOf(dev, 'app', { app: 'climate.ua', kind: 'received' });
  });

  it('keeps the permissions of the manifest', async () => {
    const file = join(folder.path, 'weather/package.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace('"storage": 1048576', '"storage": 10'));
    await start();
    await change('received', 'got');
    await lineOf(dev, 'reloaded');
    await push('pager hello');
    await dev.line(/at most 10 \(permissions\.storage\)/);
  });

  it('watches a folder that was removed and created again', async () => {
    await start();
    await rename(join(folder.path, 'weather/src'), join(folder.path, 'before'));
    await lineOf(dev, 'not-reloaded');
    await rename(join(folder.path, 'before'), join(folder.path, 'weather/src'));
    await lineOf(dev, 'reloaded');
    await change('received', 'got');
    await eventually('a second reload', () => ofEvent('reloaded')[1]);
    await push();
    await lineOf(dev, 'app', { kind: 'got' });
  });

  it('reports the source line of a load error', async () => {
    await start();
    await change('export default', 'undefined.nothing;\nexport default');
    const { reason } = await lineOf(dev, 'not-reloaded');
    expect(reason).toMatch(/^cannot load weather\.ua: TypeError: .*\n\s+at .*src\/index\.ts:5:11/);
  });

  it('ignores changes to its own data in the folder', async () => {
    await start('--data', 'weather/data');
    for (let sent = 1; sent <= 3; sent++) await push();
    await change('received', 'got');
    await lineOf(dev, 'reloaded');
    await push();
    await lineOf(dev, 'app', { kind: 'got' });
    expect(ofEvent('reloaded')).toHaveLength(1);
  });
});

describe('continues', () => {
  it('after an uncaught error in the application', async () => {
    await change('(push) {', "(push) { setTimeout(() => { throw new Error('not handled'); });");
    await start();
    writeLine('');
    await dev.line(/uncaught error, probably of an application: .*not handled/);
    writeLine('');
    await eventually('a second receipt', () => ofEvent('receipt')[1]);
  });

  it('after the end of stdin, and executes all lines', async () => {
    await start();
    dev.stdin.end('pager hello\n');
    await lineOf(dev, 'receipt', { outcome: 'delivered' });
    await change('received', 'got');
    await lineOf(dev, 'reloaded');
  });
});

it('edits lines at a terminal, recalls earlier lines, and exits on Ctrl-D', async () => {
  // `script` of util-linux provides a terminal, whose output is on stdout.
  const command = `'${process.execPath}' '${CLI}' dev weather`;
  dev = await startProcess('script', ['-qec', command, '/dev/null'], { cwd: folder.path });
  await dev.line(/is running\. Enter/);
  const answers = () => dev.stdout.filter((line) => line.includes('answer        null'));
  // Two characters are deleted.
  dev.stdin.write('weather.ua lst\u007f\u007fast\r');
  await eventually('an answer', () => answers()[0]);
  dev.stdin.write('\u001b[A\r');
  await eventually('a second answer', () => answers()[1]);
  dev.stdin.write('\u0004');
  expect((await dev.ended()).code, dev.describe()).toBe(0);
});

it('runs several applications of a package, of which one needs another', async () => {
  const app = (id: string, more: string, instance: string) => `
    import { definePushApp } from 'sip-push/sdk';
    export default definePushApp({ id: '${id}', accepts: ['text/plain'], ${more},
      start: (context) => ({ receive() {}, ${instance} }) });`;
  const query = "queries: { now: () => context['weather.now'].now() }";
  await folder.write(
    'weather/src/index.ts',
    app('reader.ua', "needs: ['weather.now'], queries: { now: true }", query),
  );
  const services = (text: string) => `services: { 'weather.now': { now: () => '${text}' } }`;
  await folder.write(
    'weather/src/provider.ts',
    app('provider.ua', "provides: ['weather.now']", services('sun')),
  );
  const apps = [
    { id: 'reader.ua', accepts: ['text/plain'] },
    { id: 'provider.ua', accepts: ['text/plain'], module: './dist/provider.js' },
  ];
  const manifest = { name: 'weather', type: 'module', exports: './dist/index.js' };
  await folder.write('weather/package.json', { ...manifest, sipPush: { contract: '^1.0.0', apps } });
  dev = await folder.startProcess('dev', 'weather', '--json');
  await lineOf(dev, 'ready');
  await folder.write(
    'weather/src/provider.ts',
    app('provider.ua', "provides: ['weather.now']", services('rain')),
  );
  await lineOf(dev, 'reloaded');
  writeLine('reader.ua now');
  expect(await lineOf(dev, 'answer')).toMatchObject({ answer: 'rain' });
});

it('loads a provider of another package with --with', async () => {
  await change('needs: [', "needs: ['weather.now', ");
  await change('start: ({', "start: ({ 'weather.now': weather,");
  await change('last: () => storage.get(', 'last: async () => Object(weather).now(');
  const services = "services: { 'weather.now': { now: async () => 'sun' } }";
  await folder.write(
    'provider.mjs',
    `export default { id: 'provider.ua', accepts: ['text/plain'], provides: ['weather.now'],
      start: () => ({ receive() {}, ${services} }) };`,
  );
  const { code, stderr } = await folder.runProcess('dev', 'weather');
  expect(stderr).toMatch(
    /weather\.ua: needs "weather\.now", which no application .*; add --with PACKAGE with the package that provides it/,
  );
  expect(code).toBe(2);
  await start('--with', './provider.mjs');
  writeLine('weather.ua last');
  expect(await lineOf(dev, 'answer')).toMatchObject({ answer: 'sun' });
  await change("'Something new'", "'Something else'");
  await lineOf(dev, 'reloaded');
  writeLine('weather.ua last');
  await eventually('a second answer', () => ofEvent('answer')[1]);
  expect(ofEvent('answer')[1]).toMatchObject({ answer: 'sun' });
});

it('validates the given options, or uses the example of the manifest', async () => {
  const file = join(folder.path, 'weather/package.json');
  const schema = `{ "type": "object", "required": ["city"], "properties": { "city": { "type": "string" } }, "examples": [{ "city": "Oslo" }] }`;
  await writeFile(file, (await readFile(file, 'utf8')).replace('"id":', `"options": ${schema}, "id":`));
  await change('log }) =>', 'log, options }) =>');
  await change('size };', 'size, options };');
  await start();
  writeLine('');
  await lineOf(dev, 'receipt');
  expect(await lineOf(dev, 'app')).toMatchObject({ options: { city: 'Oslo' } });
  const { code, stderr } = await folder.runProcess('dev', 'weather', '--options', '{"town":"Oslo"}');
  expect(stderr).toMatch(/options of weather\.ua/);
  expect(code).toBe(2);
});

it('exits with 2 without an application', async () => {
  await folder.write('plain/package.json', { name: 'plain' });
  const { code, stderr } = await folder.run('dev', 'plain');
  expect(stderr).toMatch(/package\.json has no "sipPush": run `sip-push create` for an example$/);
  expect(code).toBe(2);
});

it('exits if it cannot start, and releases its resources', async () => {
  await folder.write('occupied', 'a file');
  const { code, stderr } = await folder.runProcess('dev', 'weather', '--data', 'occupied');
  expect(stderr).toMatch(/^sip-push: /);
  expect(code).toBe(1);
  expect(await readdir(join(folder.path, 'weather/node_modules/.cache'))).toEqual([]);
});

it('exits with 0 on Ctrl-C', async () => {
  await start();
  dev.kill('SIGINT');
  expect((await dev.ended()).code).toBe(0);
  expect(linesOf(dev).at(-1)).toMatchObject({ event: 'stopped' });
});

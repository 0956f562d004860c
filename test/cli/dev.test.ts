/** `sip-push dev`: an application that is written while it runs. */

import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunningProcess } from '../support/process.js';
import { eventually } from '../support/wait.js';
import { Folder, lineOf, linesOf } from './sip-push.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let folder: Folder;
let dev: RunningProcess;
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

async function start() {
  dev = await folder.start('dev', 'weather', '--json');
  await lineOf(dev, 'registered');
  await lineOf(dev, 'ready');
}

async function change(from: string, to: string) {
  await writeFile(source(), (await readFile(source(), 'utf8')).replaceAll(from, to));
}

const say = (line: string) => dev.stdin.write(`${line}\n`);
const ofEvent = (name: string) => linesOf(dev).filter(({ event }) => event === name);

describe('each line is a push', () => {
  it('a sample, words, a file, in each mode; or a question', async () => {
    await start();
    say('');
    await lineOf(dev, 'app', { mode: 'pager', size: 6 });
    say('pager hello there');
    await lineOf(dev, 'app', { mode: 'pager', size: 11 });
    const { length } = await readFile(join(folder.path, 'weather/README.md'));
    say('session @README.md');
    await lineOf(dev, 'app', { mode: 'session', size: length });
    say('indirect');
    await lineOf(dev, 'app', { mode: 'indirect', size: 6 });
    await eventually('four receipts', () => (ofEvent('receipt').length === 4 ? true : undefined));
    expect(ofEvent('receipt').map(({ outcome }) => outcome)).toEqual(Array(4).fill('delivered'));
    say('weather.ua last');
    expect(await lineOf(dev, 'answer')).toMatchObject({ answer: { mode: 'indirect', size: 6 } });
    say('pager image/png x');
    await lineOf(dev, 'receipt', { outcome: 'refused', status: 415 });
    say('pager @nowhere.txt');
    await dev.line(/^no push: .*nowhere\.txt cannot be read/);
    say('quit');
    expect((await dev.ended(10_000)).code).toBe(0);
  });
});

describe('when a file is saved', () => {
  it('the new version is loaded, and the device stays registered', async () => {
    await start();
    await change("'received'", "'got'");
    await lineOf(dev, 'reloaded');
    say('');
    await lineOf(dev, 'app', { kind: 'got' });
    expect(ofEvent('registered').every(({ apps }) => Array.isArray(apps))).toBe(true);
    expect(ofEvent('registration-failed')).toEqual([]);
  });

  it('what does not compile, or load, is said, and the version before goes on', async () => {
    await start();
    await change('delivery:', 'delivery =');
    const { reason } = await lineOf(dev, 'not-reloaded');
    expect(reason).toMatch(/^src\/index\.ts:9:12: Unexpected/);
    say('');
    await lineOf(dev, 'receipt', { outcome: 'delivered' });
    await change('delivery =', 'delivery:');
    await lineOf(dev, 'reloaded');
    await change("'durable'", "'lasting'");
    await eventually('a second refusal', () => ofEvent('not-reloaded')[1]);
    expect(ofEvent('not-reloaded')[1]?.reason).toMatch(
      /delivery is "lasting"; expected "direct" or "durable"/,
    );
    say('pager once more');
    await eventually('a second receipt', () => ofEvent('receipt')[1]);
    expect(ofEvent('receipt')[1]).toMatchObject({ outcome: 'delivered' });
  });

  it('a module that is another application than the manifest says', async () => {
    await start();
    await change("'weather.ua'", "'climate.ua'");
    const { reason } = await lineOf(dev, 'not-reloaded');
    expect(reason).toMatch(/is climate\.ua, but package\.json has "sipPush" for weather\.ua/);
  });
});

it('ends with 2 where there is no application to begin with', async () => {
  await folder.write('plain/package.json', { name: 'plain' });
  const { code, stderr } = await folder.run('dev', 'plain');
  expect(stderr).toMatch(/package\.json has no "sipPush"; `sip-push create` shows what it is like$/);
  expect(code).toBe(2);
});

it('ends with 0 at Ctrl-C', async () => {
  await start();
  dev.kill('SIGINT');
  expect((await dev.ended(10_000)).code).toBe(0);
  expect(linesOf(dev).at(-1)).toMatchObject({ event: 'stopped' });
});

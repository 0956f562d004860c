/** `sip-push bundle`: its files, its output, and its errors. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runProcess } from '../../support/programs/process.js';
import { bob, Folder, linesOf } from '../sip-push.js';

const TIMEOUT = 180_000;
const SERVER = 'sip:127.0.0.1:5060;transport=tcp';
const BUNDLE = ['bundle', '--config', 'bob.json', '--outfile', 'out/host.mjs'];

it('writes a host with its other files, and a table of sizes', { timeout: TIMEOUT }, async () => {
  await using folder = await Folder.make();
  await folder.write('bob.json', bob(SERVER));
  const made = await folder.runFor(TIMEOUT, ...BUNDLE, '--limit', '800kB', '--json');
  expect(made.code, made.stderr).toBe(0);
  const files = ['host.mjs', 'host.mjs.map', 'host.mjs.LICENSES.txt', 'host.mjs.cdx.json'];
  expect(linesOf(made)).toMatchObject([
    { event: 'bundled', outfile: 'out/host.mjs', files, applications: [{ id: 'mms.ua' }] },
  ]);
  expect((await readdir(join(folder.path, 'out'))).sort()).toEqual(files.sort());
  expect(made.stderr).toMatch(/^jssip@\d.*kB$/m);
  expect(made.stderr).toMatch(/^total +\d+\.\d kB, \d+\.\d kB gzipped$/m);
  const manifest = await runProcess(process.execPath, ['out/host.mjs', '--manifest'], { cwd: folder.path });
  expect(manifest.code, manifest.stderr).toBe(0);
  expect(JSON.parse(manifest.stdout)).toMatchObject({ platform: 'node', applications: [{ id: 'mms.ua' }] });
});

it('writes nothing if the bundle is larger than a limit', { timeout: TIMEOUT }, async () => {
  await using folder = await Folder.make();
  await folder.write('bob.json', bob(SERVER));
  const made = await folder.runFor(TIMEOUT, ...BUNDLE, '--limit', '100kB', '--limit-gzip', '10kB');
  expect([made.code, made.stdout]).toEqual([1, '']);
  expect(made.stderr).toMatch(/too large: \d+\.\d kB minified, the limit is 100\.0 kB; nothing was written/);
  expect(made.stderr).toMatch(/too large: \d+\.\d kB compressed, the limit is 10\.0 kB/);
  expect(await readdir(folder.path)).toEqual(['bob.json']);
});

it.each([
  [['--platform', 'deno'], 'invalid --platform "deno": expected node or browser'],
  [['--limit', 'small'], 'invalid --limit "small": expected a size, e.g. 800kB'],
  [['--target', 'vax'], 'classic-level has no prebuilt file for "vax": expected one of android-arm'],
])('rejects %j', { timeout: TIMEOUT }, async (words, message) => {
  await using folder = await Folder.make();
  await folder.write('bob.json', { ...bob(SERVER), store: 'level' });
  const made = await folder.runFor(TIMEOUT, ...BUNDLE, ...words);
  expect([made.code, made.stderr]).toEqual([2, expect.stringContaining(message)]);
});

it('reports an invalid configuration like sip-push host', async () => {
  await using folder = await Folder.make();
  await folder.write('bob.json', { ...bob(SERVER), identty: 'sip:bob@domain.test' });
  const made = await folder.run(...BUNDLE);
  expect([made.code, made.stderr]).toEqual([2, expect.stringContaining('did you mean "identity"?')]);
});

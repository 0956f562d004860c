/** `sip-push create`: the files of a new application, and the questions at a terminal. */

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeWbxml, emailNotification, parseXml, WbxmlLanguage } from '../../../sdk/formats/index.js';
import { type RunningProcess, startProcess } from '../../support/programs/process.js';
import { makeInstalledFolder } from '../installed-folder.js';
import { CLI, type Folder } from '../sip-push.js';

let folder: Folder;
beforeEach(async () => {
  folder = await makeInstalledFolder();
});
afterEach(() => folder.remove());

it('a new application has a sample of each media type', async () => {
  const types = ['text/vnd.wap.si', 'image/*', 'audio/amr'].flatMap((type) => ['--type', type]);
  await folder.run('create', 'weather', ...types, '--yes');
  const manifest = JSON.parse(await readFile(join(folder.path, 'weather/package.json'), 'utf8'));
  expect(manifest.sipPush.apps[0].samples).toEqual({
    'text/vnd.wap.si': ['./samples/hello.vnd-wap-si'],
    'image/png': ['./samples/hello.png'],
    'audio/amr': ['./samples/hello.amr'],
  });
  expect((await readdir(join(folder.path, 'weather/samples'))).sort()).toEqual([
    ...['hello.amr', 'hello.png', 'hello.vnd-wap-si'],
  ]);
});

it('the samples of a new application are documents of their types', async () => {
  const types = [
    ...['application/vnd.wap.emn+wbxml', 'text/vnd.wap.emn+xml'],
    ...['application/vnd.wap.connectivity-wbxml', 'text/vnd.wap.connectivity-xml'],
    ...['application/vnd.acme.news+wbxml', 'application/vnd.acme.news+xml', 'application/vnd.acme.news+json'],
  ];
  await folder.run('create', 'mail', ...types.flatMap((type) => ['--type', type]), '--yes');
  const { sipPush } = JSON.parse(await readFile(join(folder.path, 'mail/package.json'), 'utf8'));
  const samples = new Map<string, Uint8Array>();
  for (const [type, [path]] of Object.entries<[string]>(sipPush.apps[0].samples)) {
    samples.set(type, new Uint8Array(await readFile(join(folder.path, 'mail', path))));
  }
  const octets = (type: string) => samples.get(type) ?? new Uint8Array();
  const mailbox = { mailbox: 'mailat:user@mail.example' };
  expect(emailNotification.fromWbxml(octets('application/vnd.wap.emn+wbxml'))).toMatchObject(mailbox);
  expect(emailNotification.fromXml(octets('text/vnd.wap.emn+xml'))).toMatchObject(mailbox);
  const prov = new WbxmlLanguage({
    title: 'PROV',
    publicId: 0x0b,
    tags: [{ 0x05: 'wap-provisioningdoc', 0x06: 'characteristic', 0x07: 'parm' }],
    attributeStarts: [{ 0x05: ['name'], 0x06: ['value'], 0x45: ['version'], 0x50: ['type'] }],
  });
  expect(decodeWbxml(octets('application/vnd.wap.connectivity-wbxml'), prov).root.name).toBe(
    'wap-provisioningdoc',
  );
  expect(parseXml(octets('text/vnd.wap.connectivity-xml'), 'PROV').name).toBe('wap-provisioningdoc');
  const own = new WbxmlLanguage({ title: 'news', tags: [{ 0x05: 'news' }] });
  expect(decodeWbxml(octets('application/vnd.acme.news+wbxml'), own).root.name).toBe('hello');
  expect(parseXml(octets('application/vnd.acme.news+xml'), 'news').name).toBe('hello');
  expect(JSON.parse(new TextDecoder().decode(octets('application/vnd.acme.news+json')))).toEqual({
    hello: 'world',
  });
});

it('a new application has equal ids in manifest and module, and one peer dependency', async () => {
  await folder.run('create', 'sip-push-app-snow', '--yes');
  const manifest = JSON.parse(await readFile(join(folder.path, 'sip-push-app-snow/package.json'), 'utf8'));
  expect(manifest).toMatchObject({
    name: 'sip-push-app-snow',
    license: 'MIT',
    keywords: ['sip-push-app'],
    sipPush: { contract: '^1.0.0', apps: [{ id: 'snow.ua', accepts: ['text/plain'] }] },
  });
  expect(Object.keys(manifest.peerDependencies)).toEqual(['sip-push']);
  expect(manifest).not.toHaveProperty('dependencies');
  expect(Object.keys(manifest.devDependencies)).toEqual(['@types/node', 'typescript']);
});

it.each([
  ['My Weather', 'my-weather.ua', 'sip-push-app-my-weather', `'My Weather'`],
  ['.hidden.app', 'hidden.app', 'sip-push-app-hidden-app', '.hidden.app'],
  ['天気', 'new.ua', 'sip-push-app-new', `'天気'`],
])('derives from the directory %s the id %s and the package %s', async (directory, id, name, shown) => {
  const { stderr } = await folder.run('create', directory, '--yes');
  const manifest = JSON.parse(await readFile(join(folder.path, directory, 'package.json'), 'utf8'));
  expect(manifest).toMatchObject({ name, sipPush: { apps: [{ id }] } });
  expect(stderr).toContain(`Next: cd ${shown} && npm test`);
});

it("removes OMNA's prefix from an id", async () => {
  await folder.run('create', 'mail', '--id', 'x-wap-application:emn.ua', '--yes');
  const manifest = JSON.parse(await readFile(join(folder.path, 'mail/package.json'), 'utf8'));
  expect(manifest).toMatchObject({ name: 'sip-push-app-emn', sipPush: { apps: [{ id: 'emn.ua' }] } });
});

describe('at a terminal', () => {
  /** `script` of util-linux provides a terminal, whose output is on stdout. */
  const atTerminal = (...words: string[]) =>
    startProcess(
      'script',
      ['-qec', `'${process.execPath}' '${CLI}' create ${words.join(' ')}`, '/dev/null'],
      {
        cwd: folder.path,
      },
    );
  const answer = (running: RunningProcess, text: string) => running.stdin.write(`${text}\r`);

  it('asks for missing options, and repeats a question after an invalid answer', async () => {
    await using running = await atTerminal('weather');
    answer(running, 'a b');
    answer(running, 'rain.ua');
    answer(running, 'text/plain, image/png');
    answer(running, 'js');
    expect((await running.ended()).code, running.describe()).toBe(0);
    await running.line(/^"a b" is not a valid event-app-id.* e\.g\. weather\.ua$/);
    const manifest = JSON.parse(await readFile(join(folder.path, 'weather/package.json'), 'utf8'));
    expect(manifest).toMatchObject({
      exports: './src/index.js',
      sipPush: { apps: [{ id: 'rain.ua', accepts: ['text/plain', 'image/png'] }] },
    });
  });

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('ends at %s and writes nothing', async (_, key) => {
    await using running = await atTerminal('weather', '--id', 'rain.ua');
    answer(running, 'text');
    await running.line(/"text" is not a valid media type/);
    running.stdin.write(key);
    expect((await running.ended()).code, running.describe()).toBe(1);
    expect(running.stdout.at(-1)).toBe('nothing was written');
    expect(await readdir(folder.path)).toEqual(['node_modules']);
  });

  it('asks no question if the folder is not empty', async () => {
    await mkdir(join(folder.path, 'full'));
    await writeFile(join(folder.path, 'full/notes.txt'), 'mine');
    await using running = await atTerminal('full');
    expect((await running.ended()).code).toBe(2);
  });
});

describe('rejects without a change', () => {
  it('a folder that is not empty', async () => {
    await mkdir(join(folder.path, 'full'));
    await writeFile(join(folder.path, 'full/notes.txt'), 'mine');
    const { code, stderr } = await folder.run('create', 'full', '--yes');
    expect(code).toBe(2);
    expect(stderr).toMatch(/full is not empty \(notes\.txt\): expected a new folder$/);
    expect(await readdir(join(folder.path, 'full'))).toEqual(['notes.txt']);
  });

  it.each([
    [['--id', 'a,b'], /--id "a,b" is not a valid event-app-id: expected letters, .* e\.g\. weather\.ua/],
    [['--id', 'a*/b'], /--id "a\*\/b" is not a valid event-app-id/],
    [
      ['--type', 'text'],
      /--type "text" is not a valid media type: expected a type without parameters, e\.g\. text\/plain/,
    ],
    [['--type', 'Text/Plain'], /"Text\/Plain" is not in lower case: expected "text\/plain"/],
    [['--language', 'java'], /--language "java" is not supported: expected ts or js/],
    [['other'], /unexpected argument "other": expected one DIRECTORY/],
  ])('%s', async (words, said) => {
    const { code, stderr } = await folder.run('create', 'weather', ...words, '--yes');
    expect(stderr).toMatch(said);
    expect(code).toBe(2);
    expect(await readdir(folder.path)).toEqual(['node_modules']);
  });
});

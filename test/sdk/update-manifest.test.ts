/** The manifest that `sip-push build` writes from the definitions of a package. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkTypes } from '../../sdk/dev/declarations.js';
import { manifestUpdate, requireCurrentManifest } from '../../sdk/manifest/update-manifest.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-update-'));
});

afterEach(() => rm(folder, { recursive: true }));

const PACKAGE = { name: 'weather', version: '1.0.0', type: 'module', exports: './index.js' };
const APP = { id: 'weather.ua', accepts: ['text/plain', 'text/html'] };

const write = (name: string, content: object | string, indentation = 2) =>
  writeFile(
    join(folder, name),
    typeof content === 'string' ? content : JSON.stringify(content, null, indentation),
  );

const writeModule = (name: string, definition: object) =>
  write(name, `export default { ...${JSON.stringify(definition)}, start: () => ({ receive() {} }) };`);

async function readBack(): Promise<string> {
  return await readFile(join(folder, 'package.json'), 'utf8');
}

async function update() {
  const { differences, write: save } = await manifestUpdate(folder);
  await save();
  return { differences, ...JSON.parse(await readBack()) };
}

it('the manifest is the main module with its services and the names of its events and queries, if package.json has none', async () => {
  await write('package.json', PACKAGE, 4);
  await writeModule('index.js', {
    ...{ ...APP, id: 'x-wap-application:weather.ua', replaces: ['forecast.ua'], maxSize: 10 },
    ...{ events: { forecast: true, storm: true }, queries: { today: true } },
    ...{ needs: ['storage', 'log'], provides: ['weather.forecast'] },
    iari: 'urn%3Aurn-7%3A3gpp-application.ims.iari.x',
  });
  expect((await update()).sipPush).toEqual({
    contract: '^1.0.0',
    apps: [
      {
        ...APP,
        iari: 'urn:urn-7:3gpp-application.ims.iari.x',
        replaces: ['forecast.ua'],
        needs: ['storage', 'log'],
        provides: ['weather.forecast'],
        events: ['forecast', 'storm'],
        queries: ['today'],
      },
    ],
  });
  expect(await readBack()).toMatch(/^\{\n {4}"name"[\s\S]*\n\}\n$/);
  expect((await manifestUpdate(folder)).differences).toEqual([]);
});

it('the manifest keeps what only the author writes, and a range of contracts that includes the current one', async () => {
  const own = {
    permissions: { storage: 5 },
    options: { type: 'object' },
    samples: { 'text/plain': ['./hello.txt'] },
    activation: 'push',
  };
  const $schema = './manifest.schema.json';
  await write('package.json', {
    ...PACKAGE,
    sipPush: {
      $schema,
      contract: '>=1 <3',
      apps: [
        { module: './one.js', ...own },
        { module: './two.js', id: 'old.ua', needs: ['log'], events: ['gone'] },
      ],
    },
    license: 'MIT',
  });
  await writeModule('one.js', APP);
  await writeModule('two.js', { ...APP, id: 'news.ua' });
  const { sipPush, license } = await update();
  expect(license).toBe('MIT');
  expect(sipPush).toEqual({
    $schema,
    contract: '>=1 <3',
    apps: [
      { module: './one.js', ...APP, ...own },
      { module: './two.js', ...APP, id: 'news.ua' },
    ],
  });
});

describe('the JSON Schema of options', () => {
  const own = { type: 'object', examples: [{ keep: 1 }] };
  const derived = { type: 'object', properties: { keep: { type: 'number' } } };
  const writeWith = (jsonSchema: string) =>
    write(
      'index.js',
      `const standard = { version: 1, vendor: 'own', validate: (value) => ({ value })${jsonSchema} };
      export default { ...${JSON.stringify(APP)}, options: { '~standard': standard }, start: () => ({ receive() {} }) };`,
    );

  it('is written from the definition, and a different one is out of date', async () => {
    await write('package.json', PACKAGE);
    await writeWith(`, jsonSchema: { input: () => (${JSON.stringify(derived)}) }`);
    expect((await update()).sipPush.apps).toEqual([{ ...APP, options: derived }]);
    await requireCurrentManifest(folder);
    await write('package.json', {
      ...PACKAGE,
      sipPush: { contract: '^1.0.0', apps: [{ ...APP, options: own }] },
    });
    await expect(requireCurrentManifest(folder)).rejects.toThrow(
      'weather.ua: invalid options.examples [{"keep":1}] in package.json: expected none, as in the definition: run "sip-push build"',
    );
  });

  it('of a library that offers none is that of the author', async () => {
    await write('package.json', PACKAGE);
    await writeWith('');
    const { notices } = await manifestUpdate(folder);
    expect(notices).toEqual([
      'weather.ua: hosts cannot check the options before they load it: own does not implement Standard JSON Schema',
    ]);
    await write('package.json', { ...PACKAGE, sipPush: { apps: [{ options: own }] } });
    expect((await manifestUpdate(folder)).notices).toEqual([]);
    expect((await update()).sipPush.apps).toEqual([{ ...APP, options: own }]);
  });
});

describe('a manifest that is out of date', () => {
  const stale = (sipPush: object) => write('package.json', { ...PACKAGE, sipPush });

  it('is an error that names each difference', async () => {
    await stale({
      contract: '^0.1.0',
      apps: [{ id: 'old.ua', accepts: ['text/plain'], events: ['storm'], queries: ['today'] }],
    });
    await writeModule('index.js', {
      ...APP,
      needs: ['storage', 'log'],
      events: { storm: true, forecast: true },
    });
    await expect(requireCurrentManifest(folder)).rejects.toThrow(
      `the manifest of ${folder} is out of date: ${[
        'weather.ua: invalid id "old.ua" in package.json: expected "weather.ua", as in the definition',
        'weather.ua: invalid accepts "text/plain" in package.json: expected "text/html", "text/plain", as in the definition',
        'weather.ua: missing needs in package.json: expected "log", "storage", as in the definition',
        'weather.ua: invalid events "storm" in package.json: expected "forecast", "storm", as in the definition',
        'weather.ua: invalid queries "today" in package.json: expected none, as in the definition',
        'invalid contract "^0.1.0" in package.json: expected "^1.0.0", for this sip-push',
      ].join('; ')}: run "sip-push build"`,
    );
  });

  it('does not differ only in the order of names, or in the form of an id', async () => {
    const accepts = APP.accepts.toReversed();
    await stale({ contract: '^1.0.0', apps: [{ id: 'x-wap-application:weather.ua', accepts }] });
    await writeModule('index.js', APP);
    await requireCurrentManifest(folder);
  });
});

describe('the manifest cannot be written', () => {
  it('for a module that is missing or not an application', async () => {
    await write('package.json', { ...PACKAGE, exports: './dist/index.js', scripts: { build: 'tsc' } });
    await expect(manifestUpdate(folder)).rejects.toThrow('is not built, it has no ./dist/index.js');
    await write('package.json', PACKAGE);
    await write('index.js', 'export const one = 1;');
    await expect(manifestUpdate(folder)).rejects.toThrow('application "index.js" has no default export');
  });

  it('with an invalid key of the author', async () => {
    await write('package.json', { ...PACKAGE, sipPush: { apps: [{ permisions: {} }] } });
    await writeModule('index.js', APP);
    await expect(manifestUpdate(folder)).rejects.toThrow(
      'unknown key "apps[0].permisions"; did you mean "permissions"?',
    );
  });
});

it('the manifest is written without declarations if there is no TypeScript', async () => {
  expect(await checkTypes(folder, true, [join(folder, 'package.json')])).toBe(false);
});

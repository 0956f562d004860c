/** How a host finds applications, and reports invalid ones before their code runs. */

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { PushRuntime } from '../../core/app/index.js';
import { run } from '../../sdk/cli/program.js';
import { loadHostSettings } from '../../sdk/config/host.js';
import { memoryStreams } from '../support/programs/command.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-applications-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function write(path: string, content: object | string): Promise<void> {
  const file = join(folder, path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
}

const source = (id: string, accepts = ['text/plain']) =>
  `globalThis.sipPushRan = (globalThis.sipPushRan ?? []).concat(${JSON.stringify(id)});
   export default { id: ${JSON.stringify(id)}, accepts: ${JSON.stringify(accepts)}, start: () => ({ receive() {} }) };`;

const ran = () => (globalThis as { sipPushRan?: string[] }).sipPushRan ?? [];

/** A package with one application in each of these modules. */
async function makePackage(path: string, apps: object[], more: object = {}): Promise<void> {
  const name = path.replace(/^.*node_modules\//, '');
  const sipPush = { contract: '^1.0.0', apps };
  await write(`${path}/package.json`, { name, type: 'module', exports: './index.js', sipPush, ...more });
}

async function settings(...apps: (string | object)[]) {
  const config = { identity: 'sip:bob@domain.test', server: 'sip:127.0.0.1:5060', apps };
  await write('host.json', config);
  return loadHostSettings(join(folder, 'host.json'));
}

const app = { id: 'weather.ua', accepts: ['text/plain'] };

describe('a host finds an application', () => {
  beforeEach(() => {
    (globalThis as { sipPushRan?: string[] }).sipPushRan = [];
  });

  it.each<[string, string]>([
    ['by the folder of its package', './apps/weather'],
    ['by the name of its package', 'sip-push-app-weather'],
    ['by a name with a scope', '@acme/sip-push-app-news'],
    ['by its id, where its package is installed', 'weather.ua'],
    ['by its id, in a scope', 'news.ua'],
  ])('%s', async (_, use) => {
    const permissions = { storage: 1000 };
    for (const path of ['apps/weather', 'node_modules/sip-push-app-weather']) {
      await makePackage(path, [{ ...app, permissions }]);
      await write(`${path}/index.js`, source('weather.ua'));
    }
    await makePackage('node_modules/@acme/sip-push-app-news', [{ ...app, permissions, id: 'news.ua' }]);
    await write('node_modules/@acme/sip-push-app-news/index.js', source('news.ua'));
    await makePackage('node_modules/sip-push-app-broken', [{ id: 5 }]);
    const { apps } = await settings({ use, options: { a: 1 } });
    const id = use.includes('news') ? 'news.ua' : 'weather.ua';
    expect(apps).toMatchObject([
      { definition: { id }, options: { a: 1 }, permissions, manifest: { id, activation: 'start' } },
    ]);
  });

  it('by its id in a package with several', async () => {
    await makePackage('apps', [
      { ...app, module: './one.js' },
      { ...app, id: 'news.ua', module: './two.js' },
    ]);
    await write('apps/one.js', source('weather.ua'));
    await write('apps/two.js', source('news.ua'));
    const { apps } = await settings('./apps#news.ua');
    expect(apps).toMatchObject([{ definition: { id: 'news.ua' } }]);
    await expect(settings('./apps')).rejects.toThrow(
      'application "./apps": the package has several applications: expected one of ./apps#weather.ua, ./apps#news.ua',
    );
    await expect(settings('./apps#new.ua')).rejects.toThrow(
      'application "./apps#new.ua": the package has no such application; did you mean "news.ua"?',
    );
  });

  it('and loads it at its first push if its manifest says so', async () => {
    await makePackage('apps/weather', [{ ...app, activation: 'push' }]);
    await write('apps/weather/index.js', source('weather.ua'));
    const { apps } = await settings('./apps/weather');
    expect(apps).toMatchObject([{ manifest: { id: 'weather.ua', accepts: ['text/plain'] } }]);
    expect(ran()).toEqual([]);
    const store = await platform.openStore();
    const runtime = await PushRuntime.open({ store });
    await runtime.loadAll(apps.filter((one) => 'load' in one));
    expect(runtime.eventAppIds).toEqual(['weather.ua']);
    expect(ran()).toEqual([]);
    await runtime.query('weather.ua', 'x').catch(() => {});
    expect(ran()).toEqual(['weather.ua']);
    await runtime.stop();
  });

  it('in a worker, with the manifest of its package', async () => {
    await makePackage('apps/weather', [{ ...app, permissions: { files: 5 } }]);
    await write('apps/weather/index.js', source('weather.ua'));
    const { apps } = await settings({
      use: './apps/weather',
      isolation: 'worker',
      permissions: { storage: 7 },
    });
    expect(apps).toMatchObject([
      {
        module: pathToFileURL(join(folder, 'apps/weather/index.js')).href,
        isolation: {},
        permissions: { files: 5, storage: 7 },
      },
    ]);
    expect(ran()).toEqual([]);
  });

  it('and prefers the permissions of the host to those of the package', async () => {
    await makePackage('apps/weather', [{ ...app, permissions: { fetch: ['https://a.test'], storage: 9 } }]);
    await write('apps/weather/index.js', source('weather.ua'));
    const { apps } = await settings({ use: './apps/weather', permissions: { storage: 5 } });
    expect(apps).toMatchObject([{ permissions: { fetch: ['https://a.test'], storage: 5 } }]);
  });
});

describe('a host reports an invalid application before its code runs', () => {
  const options = {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  };

  beforeEach(async () => {
    (globalThis as { sipPushRan?: string[] }).sipPushRan = [];
    await makePackage('apps/weather', [{ ...app, options }]);
    await write('apps/weather/index.js', source('weather.ua'));
  });

  it.each<[string | object, string | RegExp]>([
    ['./apps/weather', 'host.json: "apps[0]": options of weather.ua: "city" is missing'],
    [
      { use: './apps/weather', options: { cty: 'x' } },
      'options of weather.ua: unknown key "cty"; did you mean "city"?',
    ],
    [
      { use: './apps/weather', options: { city: 5 } },
      'options of weather.ua: "city": expected string, received number',
    ],
    [
      { use: './apps/weather', permissions: { disk: 5 } },
      'unknown key "apps[0].permissions.disk": expected one of fetch, storage, files',
    ],
    [
      './apps',
      'application "./apps" is a folder without package.json: expected a package, or a file, e.g. ./apps/index.js',
    ],
    ['./nowhere', /application ".\/nowhere" was not found: .*nowhere does not exist/],
    ['wether.ua', 'application "wether.ua" was not found; did you mean "weather.ua"?'],
    ['sip-push-app-nothing', 'application "sip-push-app-nothing" was not found: expected a bundled id'],
    [
      'old.ua',
      'application "old.ua" is in sip-push-app-old and in sip-push-app-older: use the name of one of the packages',
    ],
    [
      'sip-push-app-future',
      'sip-push-app-future is for contract ^9.0.0, this host has 1.0.0: install an earlier version of sip-push-app-future',
    ],
    ['./plain', 'application "./plain": its package.json has no "sipPush": expected "sipPush": {'],
    [
      './schema',
      'invalid "options" of weather.ua in its package.json: expected a JSON Schema that this host supports',
    ],
  ])('%j', async (use, words) => {
    for (const name of ['old', 'older']) {
      await makePackage(`node_modules/sip-push-app-${name}`, [{ ...app, id: 'old.ua' }]);
    }
    await makePackage('node_modules/sip-push-app-weather', [app]);
    await makePackage('node_modules/sip-push-app-future', [app], {
      sipPush: { contract: '^9.0.0', applications: [] },
    });
    await write('plain/package.json', { name: 'plain' });
    await makePackage('schema', [{ ...app, options: { type: 'nonsense' } }]);
    await write('schema/index.js', source('weather.ua'));
    await expect(settings(use)).rejects.toThrow(words);
    expect(ran()).toEqual([]);
  });

  const FUTURE =
    'weather-app 2.0.0 is for contract ^2.0.0, this host has 1.0.0: install an earlier version of weather-app, or a later one of sip-push';

  it.each<[string, string, object, string]>([
    [
      'for a later contract, by its name',
      'weather-app',
      { version: '2.0.0', sipPush: { contract: '^2.0.0' } },
      FUTURE,
    ],
    [
      'for an earlier contract',
      'weather-app',
      { version: '0.1.0', sipPush: { contract: '^0.1.0' } },
      'weather-app 0.1.0 is for contract ^0.1.0, this host has 1.0.0: install a later version of weather-app, or an earlier one of sip-push',
    ],
    [
      'without "sipPush", whose module is no application',
      'weather-app',
      { sipPush: undefined, exports: { '.': { browser: './index.js' } } },
      'weather-app 1.0.0 does not export ".", and its package.json has no "sipPush": expected "sipPush": {',
    ],
    [
      'that is not built',
      'weather-app',
      { exports: './dist/index.js', scripts: { build: 'tsc' } },
      'weather-app 1.0.0 is not built, it has no ./dist/index.js: run "npm run build" in ',
    ],
    [
      'whose "main" is out of date',
      'weather-app',
      { exports: undefined, main: 'lib/old.js' },
      'weather-app 1.0.0 has no ./lib/old.js, which its package.json names: correct "main" or the "module" of the application in ',
    ],
    [
      'whose "main" is out of date, or that is not built again',
      'weather-app',
      { exports: undefined, main: 'old.js', scripts: { build: 'tsc' } },
      'weather-app 1.0.0 has no ./old.js, which its package.json names: run "npm run build" in ',
    ],
    [
      'without "sipPush" and without its main module',
      'weather-app',
      { sipPush: undefined, exports: undefined, main: 'old.js' },
      'weather-app 1.0.0 has no ./old.js, which its package.json names: correct "main"',
    ],
    [
      'without the export that is named',
      'weather-app/forecast',
      {},
      'weather-app 1.0.0 does not export "./forecast": expected it in "exports" of ',
    ],
  ])('says what a package is: one %s', async (_, use, fields, words) => {
    await makePackage('node_modules/weather-app', [app], { version: '1.0.0', ...fields });
    await expect(settings(use)).rejects.toThrow(`host.json: "apps[0]": application "${use}": `);
    await expect(settings(use)).rejects.toThrow(words);
  });

  it('names the package with the id that is for another contract, instead of "not found"', async () => {
    const fields = { version: '2.0.0', sipPush: { contract: '^2.0.0', apps: [{ ...app, id: 'rain.ua' }] } };
    await makePackage('node_modules/sip-push-app-rain', [], fields);
    await expect(settings('rain.ua')).rejects.toThrow(
      'application "rain.ua": sip-push-app-rain 2.0.0 is for contract ^2.0.0, this host has 1.0.0: install',
    );
    await expect(settings('snow.ua')).rejects.toThrow(
      /application "snow\.ua" was not found.*\nan installed package cannot be used: sip-push-app-rain 2\.0\.0 is for/,
    );
  });

  it('names the folder in which an import of the application is missing', async () => {
    await makePackage('node_modules/weather-app', [app]);
    await write('node_modules/weather-app/index.js', "import 'not-installed';");
    await expect(settings('weather-app')).rejects.toThrow(
      /application "weather-app" could not be loaded: .*run "npm install" in .*node_modules\/weather-app$/,
    );
  });

  it('loads a package without a manifest as a module', async () => {
    await write('node_modules/some-app/package.json', {
      name: 'some-app',
      type: 'module',
      exports: './a.js',
    });
    await write('node_modules/some-app/a.js', source('some.ua'));
    expect((await settings('some-app')).apps).toMatchObject([{ definition: { id: 'some.ua' } }]);
  });
});

describe('services of other applications', () => {
  const reader = { id: 'reader.ua', accepts: ['text/html'], needs: ['weather.now'] };
  const provider = { ...app, provides: ['weather.now'] };
  const definition = ({ id, accepts, ...services }: typeof app & object) =>
    source(id, accepts).replace('start:', `...${JSON.stringify(services)}, start:`);
  const MISSING =
    'host.json: "apps": reader.ua: needs "weather.now", which no application of this host provides; existing services: clock, fetch, files, log, schedule, storage; ';

  it.each(['start', 'push'])('are missing before a host starts, with activation "%s"', async (activation) => {
    await makePackage('reader', [{ ...reader, activation }]);
    await write('reader/index.js', definition(reader));
    await expect(settings('./reader')).rejects.toThrow(
      `${MISSING}add the package that provides it to "apps"`,
    );
    await makePackage('node_modules/sip-push-app-weather', [provider]);
    await write('node_modules/sip-push-app-weather/index.js', definition(provider));
    await expect(settings('./reader')).rejects.toThrow(
      `${MISSING}weather.ua provides it: add "sip-push-app-weather" to "apps"`,
    );
    expect((await settings('./reader', 'sip-push-app-weather')).apps).toHaveLength(2);
  });

  it('leave an optional application out, in a bundle, too', async () => {
    await makePackage('reader', [reader]);
    await write('reader/index.js', definition(reader));
    await write('host.json', {
      ...{ identity: 'sip:bob@domain.test', server: 'sip:127.0.0.1:5060' },
      apps: [{ use: './reader', optional: true }, 'wml.ua'],
    });
    const omitted: [message: string, index: number][] = [];
    const { apps } = await loadHostSettings(join(folder, 'host.json'), (...each) => omitted.push(each));
    expect(apps).toHaveLength(1);
    expect(omitted).toEqual([[expect.stringMatching(/needs "weather\.now".*optional, and left out$/), 0]]);
  });
});

describe('sip-push apps', () => {
  const SERVICES = { needs: ['storage', 'log'], provides: ['here.place'] };

  async function listed(...args: string[]) {
    const lines: string[] = [];
    const problems: string[] = [];
    const io = memoryStreams({ out: (line) => lines.push(line), err: (line) => problems.push(line) });
    const code = await run(['apps', folder, ...args], io);
    return { lines, problems, code };
  }

  const permissions = { fetch: ['https://*.weather.test'], storage: 1000 };

  it('lists applications and permissions without running code', async () => {
    await makePackage('node_modules/sip-push-app-weather', [
      {
        ...app,
        events: ['rain', 'sun'],
        queries: ['now'],
        permissions,
        activation: 'push',
        options: { type: 'object' },
      },
    ]);
    await makePackage(
      '.',
      [{ ...app, id: 'here.ua', iari: 'urn:a', ...SERVICES, permissions: { fetch: [] } }],
      {
        name: 'here',
        version: '1.2.3',
      },
    );
    const { lines, problems, code } = await listed();
    expect(problems).toEqual([]);
    const bundled = ['dcd.ua, bundled', 'mms.ua, bundled', 'syncml.dm, bundled', 'wml.ua, bundled'];
    expect(lines.filter((line) => line.endsWith(', bundled'))).toEqual(bundled);
    expect(lines).toContain(
      '  emits     notification, message, retrieval-failed, delivery-report, read-report',
    );
    expect(lines.slice(lines.indexOf('here.ua, of here 1.2.3'))).toEqual([
      'here.ua, of here 1.2.3',
      '  IARI      urn:a',
      '  accepts   text/plain',
      '  needs     storage, log',
      '  provides  here.place',
      '  loaded    with the host',
      '  fetches   from nowhere',
      '  stores    as the host allows',
      '  files     as the host allows',
      'weather.ua, of sip-push-app-weather',
      '  accepts   text/plain',
      '  emits     rain, sun',
      '  answers   now',
      '  loaded    at its first push',
      '  fetches   from https://*.weather.test',
      '  stores    1000 bytes',
      '  files     as the host allows',
      '  options   {"type":"object"}',
    ]);
    expect(code).toBe(0);
    const objects = (await listed('--json')).lines.map((line) => JSON.parse(line));
    expect(objects).toContainEqual({
      id: 'dcd.ua',
      accepts: ['application/vnd.oma.dcd', 'application/vnd.oma.dcdc'],
      needs: ['storage', 'log', 'clock'],
      events: ['content'],
      queries: ['list', 'content'],
      options: expect.objectContaining({ type: 'object', additionalProperties: false }),
      bundled: true,
    });
    expect(objects.at(-1)).toMatchObject({
      id: 'weather.ua',
      package: 'sip-push-app-weather',
      contract: '^1.0.0',
      permissions,
      activation: 'push',
    });
  });

  it.each(['nosuch', 'mms.ua'])('exits with 2 for %s, and says what to do', async (directory) => {
    const problems: string[] = [];
    const code = await run(['apps', directory], memoryStreams({ err: (line) => problems.push(line) }));
    expect({ code, problems }).toEqual({
      code: 2,
      problems: [
        `sip-push: invalid DIRECTORY "${directory}": expected a folder, e.g. "."; without it, "sip-push apps" lists the bundled applications (dcd.ua, mms.ua, syncml.dm, wml.ua) and those of the current folder`,
      ],
    });
  });

  it('lists a package of a workspace once, and reports the package in the folder', async () => {
    await makePackage('packages/sip-push-app-weather', [app]);
    await mkdir(join(folder, 'node_modules'));
    await symlink('../packages/sip-push-app-weather', join(folder, 'node_modules/sip-push-app-weather'));
    const lines: string[] = [];
    const io = memoryStreams({ out: (line) => lines.push(line), err: (line) => lines.push(line) });
    const place = join(folder, 'packages/sip-push-app-weather');
    expect(await run(['apps', place, '--json'], io)).toBe(0);
    expect(lines.filter((line) => line.includes('weather.ua'))).toHaveLength(1);
    await makePackage('packages/sip-push-app-weather', [app], { sipPush: { contract: '^9.0.0' } });
    expect(await run(['apps', place], io)).toBe(1);
    expect(lines.filter((line) => line.includes('is for contract ^9.0.0'))).toHaveLength(1);
  });

  it('reports invalid packages', async () => {
    await makePackage('node_modules/sip-push-app-future', [app], { sipPush: { contract: '^9.0.0' } });
    await makePackage('node_modules/sip-push-app-weather', [app]);
    const { lines, problems, code } = await listed();
    expect(lines).toContain('weather.ua, of sip-push-app-weather');
    expect(problems).toEqual([
      expect.stringContaining('sip-push-app-future is for contract ^9.0.0, this host has 1.0.0'),
    ]);
    expect(code).toBe(1);
    expect((await listed('one', 'more')).problems).toEqual([
      'sip-push: unexpected argument "one": expected one DIRECTORY',
    ]);
  });
});

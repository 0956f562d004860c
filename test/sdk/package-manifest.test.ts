/** The manifest of a package, read and validated before its code runs. */

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../core/errors.js';
import { readPackageManifest } from '../../sdk/manifest/package-manifest.js';
import { manifestJsonSchema } from '../../sdk/manifest/schema.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-manifest-'));
});

afterAll(() => rm(folder, { recursive: true }));

const app = { id: 'weather.ua', accepts: ['text/plain'] };
const sipPush = { contract: '^1.0.0', apps: [app] };

async function read(fields: object | string) {
  const text = typeof fields === 'string' ? fields : JSON.stringify(fields);
  await writeFile(join(folder, 'package.json'), text);
  return readPackageManifest(folder);
}

describe('the manifest of a package', () => {
  it('lists the applications and their modules', async () => {
    const options = { type: 'object', properties: { city: { type: 'string' } } };
    const samples = { 'text/plain': ['./samples/sunny.txt'] };
    const permissions = { fetch: ['https://*.weather.test'], storage: 1048576, files: 10485760 };
    const manifest = await read({
      name: 'sip-push-app-weather',
      version: '2.1.0',
      exports: { '.': { types: './dist/index.d.ts', import: './dist/index.js' } },
      sipPush: {
        $schema: 'https://unpkg.com/sip-push/dist/sdk/manifest/manifest.schema.json',
        contract: '^1.0.0',
        apps: [
          { ...app, id: 'x-wap-application:weather.ua', permissions, options, samples, activation: 'push' },
          {
            ...app,
            id: 'other.ua',
            module: './dist/other.js',
            iari: 'urn:urn-7:3gpp-application.ims.iari.x',
            replaces: ['former.ua'],
          },
        ],
      },
    });
    expect(manifest).toEqual({
      folder,
      name: 'sip-push-app-weather',
      version: '2.1.0',
      contract: '^1.0.0',
      apps: [
        {
          id: 'weather.ua',
          module: pathToFileURL(join(folder, 'dist/index.js')),
          accepts: ['text/plain'],
          permissions,
          options,
          samples: { 'text/plain': [join(folder, 'samples/sunny.txt')] },
          activation: 'push',
        },
        {
          id: 'other.ua',
          module: pathToFileURL(join(folder, 'dist/other.js')),
          accepts: ['text/plain'],
          iari: 'urn:urn-7:3gpp-application.ims.iari.x',
          replaces: ['former.ua'],
          samples: {},
          activation: 'start',
        },
      ],
    });
  });

  it.each<[string, object, string]>([
    ['a string', { exports: './a.js' }, 'a.js'],
    ['conditions', { exports: { types: './a.d.ts', default: './b.js' } }, 'b.js'],
    ['conditions in conditions', { exports: { '.': { node: { import: './c.mjs' } } } }, 'c.mjs'],
    ['a list', { exports: { '.': ['./d.js', './e.js'] } }, 'd.js'],
    ['a list with unknown conditions', { exports: [{ browser: './x.js' }, './d.js'] }, 'd.js'],
    ['import and not require', { exports: { require: './x.cjs', import: './i.js' } }, 'i.js'],
    ['require alone', { exports: { '.': { require: './r.cjs' }, './x': './x.js' } }, 'r.cjs'],
    ['main', { main: './f.js' }, 'f.js'],
    ['main without an extension', { main: 'lib/g' }, 'lib/g.js'],
    ['a folder in main', { main: 'lib' }, 'lib/index.js'],
    ['nothing', {}, 'index.js'],
  ])('finds the module of a package by its export map: %s', async (_, fields, file) => {
    await mkdir(join(folder, 'lib'), { recursive: true });
    for (const name of ['g.js', 'index.js']) await writeFile(join(folder, 'lib', name), '');
    const manifest = await read({ ...fields, sipPush });
    expect(manifest?.apps[0]?.module).toEqual(pathToFileURL(join(folder, file)));
  });

  describe('stays inside its package', () => {
    const secret = () => join(folder, '..', 'secret.js');
    const reject = async (fields: object, what: string) =>
      await expect(read({ name: 'weather', ...fields })).rejects.toThrow(
        `${what}: expected a file in the package`,
      );
    const withApp = (more: object) => ({ sipPush: { ...sipPush, apps: [{ ...app, ...more }] } });

    it('a module, a sample, and the main module without ../', async () => {
      await reject(withApp({ module: './../secret.js' }), 'invalid module of weather.ua "./../secret.js"');
      const samples = { 'text/plain': ['./samples/../../secret.js'] };
      await reject(withApp({ samples }), 'invalid sample of weather.ua "./samples/../../secret.js"');
      await reject({ main: '../secret.js', sipPush }, `invalid main module ${JSON.stringify(secret())}`);
      await reject({ exports: './../secret.js', sipPush }, `invalid main module ${JSON.stringify(secret())}`);
    });

    it('no symbolic link that leads out of it, but the package itself can be a link', async () => {
      const outside = await mkdtemp(join(tmpdir(), 'sip-push-outside-'));
      try {
        await writeFile(join(outside, 'secret.js'), '');
        await symlink(outside, join(folder, 'linked'));
        await reject(
          withApp({ module: './linked/secret.js' }),
          'invalid module of weather.ua "./linked/secret.js"',
        );
        const samples = { 'text/plain': ['./linked/secret.js'] };
        await reject(withApp({ samples }), 'invalid sample of weather.ua "./linked/secret.js"');
        await writeFile(join(folder, 'inside.js'), '');
        await symlink(join(folder, 'inside.js'), join(folder, 'alias.js'));
        await read({ name: 'weather', ...withApp({ module: './alias.js' }) });
        const link = join(outside, 'package');
        await symlink(folder, link);
        expect((await readPackageManifest(link))?.apps[0]?.module).toEqual(
          pathToFileURL(join(link, 'alias.js')),
        );
      } finally {
        await rm(outside, { recursive: true });
      }
    });
  });

  it('for another version of the contract is rejected first', async () => {
    const other = { ...sipPush, contract: '^2.0.0', novelty: 1 };
    await expect(read({ name: 'weather', version: '1.2.3', sipPush: other })).rejects.toThrow(
      'weather 1.2.3 is for contract ^2.0.0, this host has 1.0.0: install an earlier version of weather, or a later one of sip-push',
    );
  });

  it('of a package that does not export "." is an error, unless the manifest names the modules', async () => {
    const exports = { './weather': './weather.js' };
    await expect(read({ name: 'weather', exports, sipPush })).rejects.toThrow(
      'weather has "exports" without a module for ".": expected e.g. "exports": "./dist/index.js", or the "module"',
    );
    const named = { ...sipPush, apps: [{ ...app, module: './weather.js' }] };
    expect((await read({ exports, sipPush: named }))?.apps).toHaveLength(1);
  });

  it('is optional', async () => {
    expect(await read({ name: 'something-else' })).toBeUndefined();
  });

  it.each<[string, unknown, string]>([
    ['', 'text', ': expected object, received string'],
    ['', { apps: [app] }, ': "contract" is missing'],
    [
      '.contract',
      { ...sipPush, contract: 'one' },
      ': "one" is not a valid version range: expected e.g. "^1.0.0"',
    ],
    ['', { ...sipPush, apps: [] }, ': "apps": expected at least one application'],
    ['', { ...sipPush, aps: [] }, ': unknown key "aps"; did you mean "apps"?'],
    [
      '',
      { ...sipPush, apps: [{ ...app, acepts: [] }] },
      ': unknown key "apps[0].acepts"; did you mean "accepts"?',
    ],
    ['', { ...sipPush, apps: [{ ...app, id: 'a b' }] }, ': "apps[0].id": expected an event-app-id'],
    [
      '',
      { ...sipPush, apps: [{ ...app, accepts: ['text'] }] },
      ': "apps[0].accepts[0]": expected a media type',
    ],
    [
      '',
      { ...sipPush, apps: [{ ...app, accepts: ['Text/Plain'] }] },
      ': "apps[0].accepts[0]": expected lower case',
    ],
    [
      '',
      { ...sipPush, apps: [{ ...app, module: '../x.js' }] },
      ': "apps[0].module": expected a path in the package',
    ],
    [
      '',
      { ...sipPush, apps: [{ ...app, permissions: { fetch: ['weather.test'] } }] },
      ': "apps[0].permissions.fetch[0]": expected an origin',
    ],
    [
      '',
      { ...sipPush, apps: [{ ...app, permissions: { storge: 1 } }] },
      ': unknown key "apps[0].permissions.storge"; did you mean "storage"?',
    ],
    ['', { ...sipPush, apps: [{ ...app, iari: 'mine' }] }, ': "apps[0].iari": expected a URN'],
    ['', { ...sipPush, apps: [{ ...app, activation: 'later' }] }, ': "apps[0].activation"'],
    [
      '.apps[1].id',
      { ...sipPush, apps: [app, { ...app, id: 'x-wap-application:weather.ua' }] },
      ': duplicate id "x-wap-application:weather.ua": applications with the same id need different "iari" values',
    ],
  ])('is rejected with an error that names the invalid key: %s %j', async (key, manifest, message) => {
    const error = await read({ name: 'weather', version: '1.2.3', sipPush: manifest }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ConfigurationError);
    const prefix = `${join(folder, 'package.json')}: "sipPush${key}"`;
    expect(String(error)).toContain(prefix + message);
  });

  it('that is missing or not JSON is an error that names the file', async () => {
    await expect(read('{')).rejects.toThrow(`cannot read ${join(folder, 'package.json')}`);
    await expect(read('[]')).rejects.toThrow('expected a JSON object');
    await expect(read(' '.repeat(1_048_577))).rejects.toThrow('larger than 1048576 bytes');
    await expect(readPackageManifest(join(folder, 'nowhere'))).rejects.toThrow(ConfigurationError);
  });

  it('has a JSON Schema with every key', () => {
    expect(manifestJsonSchema()).toMatchObject({
      type: 'object',
      required: ['contract', 'apps'],
      additionalProperties: false,
      properties: {
        apps: {
          items: {
            required: ['id', 'accepts'],
            properties: {
              activation: { enum: ['start', 'push'] },
              permissions: { type: 'object' },
              replaces: { type: 'array' },
              events: { type: 'array' },
              queries: { type: 'array' },
            },
          },
        },
      },
    });
  });
});

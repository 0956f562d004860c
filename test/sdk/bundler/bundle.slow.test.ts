/** The contents of a bundle and its accompanying files. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundle, bundle } from '../../../sdk/bundler/bundle.js';
import { eventually } from '../../support/wait.js';
import { BundleFolder, bob } from './bundles.js';

const SERVER = 'sip:127.0.0.1:5060;transport=tcp';
const TIMEOUT = 180_000;
const text = (bundle: Bundle, name: string) => new TextDecoder().decode(bundle.files.get(name));

describe('a bundle with the four applications', () => {
  let folder: BundleFolder;
  let made: Bundle;
  beforeAll(async () => {
    folder = await BundleFolder.make();
    made = await folder.bundle(bob(SERVER));
  }, TIMEOUT);
  afterAll(() => folder?.[Symbol.asyncDispose]());

  it('reports its size, in total and by package', () => {
    const { size, shares, contents } = made;
    const bytes = made.files.get('host.mjs') ?? new Uint8Array();
    expect(size).toEqual({ minified: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length });
    const sum = shares.reduce((all, [, share]) => all + share, 0);
    expect(sum).toBe(contents.packages.reduce((all, { size }) => all + size, 0));
    // The rest is the entry with the configuration, the banner and the contents.
    expect(sum).toBeLessThan(size.minified);
    expect(sum).toBeGreaterThan(size.minified * 0.95);
  });

  it('contains the packages that the tests run with, once each', () => {
    const names = made.contents.packages.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)].sort());
    expect(names).toEqual(
      expect.arrayContaining([
        ...['abstract-level', 'classic-level', 'fast-xml-parser', 'ipaddr.js', 'jssip', 'node-gyp-build'],
        ...['reflect-metadata', 'sdp-transform', 'sip-push', 'tsyringe'],
      ]),
    );
    const { sources, sourcesContent }: { sources: string[]; sourcesContent: string[] } = JSON.parse(
      text(made, 'host.mjs.map'),
    );
    const require = createRequire(import.meta.url);
    for (const path of ['jssip/lib/Registrator.js', 'classic-level/index.js', 'tsyringe/dist/cjs/index.js']) {
      const index = sources.findIndex((source) => source.replace(/@[^/]*/, '') === path);
      expect(sourcesContent[index], path).toBe(readFileSync(require.resolve(path), 'utf8'));
    }
  });

  it('is identical if it is built in another folder', { timeout: TIMEOUT }, async () => {
    await using other = await BundleFolder.make();
    const again = await other.bundle(bob(SERVER));
    for (const [name, bytes] of made.files) {
      expect(Buffer.compare(bytes, again.files.get(name) ?? new Uint8Array()), name).toBe(0);
      // The folders do not appear in the bundle.
      expect(Buffer.from(bytes).includes(folder.path), name).toBe(false);
      expect(Buffer.from(bytes).includes(process.cwd()), name).toBe(false);
    }
  });

  it('lists its contents', async () => {
    const { code, stdout } = await folder.run('--manifest');
    expect(code).toBe(0);
    const manifest = JSON.parse(stdout);
    const bytes = made.files.get('host.mjs') ?? new Uint8Array();
    expect(manifest).toEqual({
      ...JSON.parse(JSON.stringify(made.contents)),
      size: bytes.length,
      gzipped: made.size.gzipped,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    expect(manifest.applications).toContainEqual({
      id: 'mms.ua',
      accepts: ['application/vnd.wap.mms-message'],
    });
    expect(manifest.packages).toContainEqual({
      name: 'jssip',
      version: '3.13.8',
      license: 'MIT',
      size: expect.any(Number),
    });
  });

  it('rejects unknown options', async () => {
    const { code, stderr } = await folder.run('--jsn');
    expect([code, stderr]).toEqual([2, expect.stringContaining('unknown option --jsn')]);
  });

  it('comes with the licenses of its packages and a bill of materials', () => {
    const licenses = text(made, 'host.mjs.LICENSES.txt');
    const bill = JSON.parse(text(made, 'host.mjs.cdx.json'));
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 });
    for (const { name, version } of made.contents.packages) {
      expect(licenses).toContain(`\n${name} ${version}\n`);
      expect(bill.components).toContainEqual(expect.objectContaining({ name, version }));
    }
    expect(licenses).toContain('Jos\u00e9 Luis Mill\u00e1n');
    // The native file contains LevelDB and Snappy.
    expect(licenses).toContain('\nclassic-level ');
    expect(licenses).toContain('The LevelDB Authors');
    expect(licenses).toMatch(/Google Inc\./);
    const files = [bill.metadata.component, ...bill.components].filter(({ hashes }) => hashes !== undefined);
    expect(files.map(({ name, hashes: [{ content }] }) => [name, content])).toEqual(
      ['host.mjs', 'classic-level.node'].map((name) => [
        name,
        createHash('sha256')
          .update(made.files.get(name) ?? '')
          .digest('hex'),
      ]),
    );
  });
});

describe('a feature that the configuration does not use', () => {
  const modules = (made: Bundle): string[] =>
    JSON.parse(text(made, 'host.mjs.map')).sources.map((source: string) => source.replace(/@[^/]*/, ''));
  const FEATURES = {
    WebSocket: 'ws/lib/websocket.js',
    'a durable store': 'classic-level/index.js',
    'a store in memory': 'memory-level/index.js',
    senders: 'sip-push/core/receiver/negotiation.ts',
    'msrp.relay': 'sip-push/core/msrp/connections/relay.ts',
    aka: 'sip-push/core/sip/authentication/milenage.ts',
    isolation: 'sip-push/core/app/isolation/app-worker.ts',
  };

  it.each([
    ['tcp and a folder', {}, ['a durable store']],
    ['tls and memory', { server: 'sips:127.0.0.1:5061', store: 'memory' }, ['a store in memory']],
    ['ws', { server: 'sip:127.0.0.1:5066;transport=ws' }, ['WebSocket', 'a durable store']],
    ['senders', { senders: ['sip:psa@domain.test'] }, ['a durable store', 'senders']],
    ['a relay', { msrp: { relay: 'msrps://relay.domain.test:2855;tcp' } }, ['a durable store', 'msrp.relay']],
    [
      'a UICC',
      { aka: { k: '0'.repeat(32), opc: '1'.repeat(32) }, password: undefined },
      ['a durable store', 'aka'],
    ],
    ['a worker', { apps: [{ use: 'mms.ua', isolation: 'worker' }] }, ['a durable store', 'isolation']],
  ])('is omitted: %s', { timeout: TIMEOUT }, async (_, more, used) => {
    await using folder = await BundleFolder.make();
    const made = await folder.bundle(bob(SERVER, more));
    const inside = modules(made);
    const features = Object.entries(FEATURES);
    expect(features.filter(([, module]) => inside.includes(module)).map(([name]) => name)).toEqual(used);
    expect(made.contents.without).toEqual(
      Object.keys(FEATURES).filter((name) => !(used as string[]).includes(name)),
    );
    expect([...made.files.keys()].includes('classic-level.node')).toBe(used.includes('a durable store'));
    expect((await folder.run('--manifest')).code).toBe(0);
  });
});

describe('third-party applications', () => {
  const app = (id: string) =>
    `import { definePushApp } from 'sip-push/sdk';
     export default definePushApp({ id: '${id}', accepts: ['text/plain'], start: () => ({ receive() {} }) });`;

  it('are found by path and by package', { timeout: TIMEOUT }, async () => {
    await using folder = await BundleFolder.make();
    await folder.write(
      'config/my-app/index.mjs',
      app('path.ua').replace(/import.*/, 'const definePushApp = (app) => app;'),
    );
    await folder.write('config/node_modules/sip-push-app-package/package.json', {
      name: 'sip-push-app-package',
      version: '1.2.3',
      license: 'ISC',
      type: 'module',
      exports: './main.js',
    });
    await folder.write(
      'config/node_modules/sip-push-app-package/main.js',
      app('package.ua').replace(/import.*/, 'const definePushApp = (app) => app;'),
    );
    await folder.write('config/package.json', { name: 'my-host', version: '0.1.0', license: 'UNLICENSED' });
    const { contents, files } = await folder.bundle(
      bob(SERVER, { apps: ['./my-app/index.mjs', 'sip-push-app-package'], store: 'memory' }),
    );
    expect(contents.applications.map(({ id }) => id)).toEqual(['path.ua', 'package.ua']);
    expect(contents.packages).toContainEqual(
      expect.objectContaining({ name: 'sip-push-app-package', version: '1.2.3', license: 'ISC' }),
    );
    expect([...files.keys()]).toEqual([
      'host.mjs',
      'host.mjs.map',
      'host.mjs.LICENSES.txt',
      'host.mjs.cdx.json',
    ]);
    expect((await folder.run('--manifest')).code).toBe(0);
  });
});

it('classes of errors of an application keep their names, and the map has its source', {
  timeout: TIMEOUT,
}, async () => {
  await using folder = await BundleFolder.make();
  await folder.write('config/package.json', { name: 'my-host', version: '0.1.0' });
  const source = `class OutOfStampsError extends Error {
  constructor(message) {
    super(message);
    this.name = new.target.name;
  }
}
console.log(String(new OutOfStampsError('none left')));
export default { id: 'stamps.ua', accepts: ['text/plain'], start: () => ({ receive() {} }) };
`;
  await folder.write('config/stamps.mjs', source);
  const made = await folder.bundle(bob(SERVER, { apps: ['./stamps.mjs'], store: 'memory' }));
  await using host = await folder.start('--json');
  await eventually('the name in the log', () =>
    host.stderr.some((line) => line.endsWith('OutOfStampsError: none left')) ? true : undefined,
  );
  const { sources, sourcesContent } = JSON.parse(text(made, 'host.mjs.map'));
  expect(sourcesContent[sources.findIndex((path: string) => path.endsWith('/stamps.mjs'))]).toBe(source);
});

describe('an application that the device would refuse', () => {
  /** A bundle of an application without a package whose `start` returns `instance`. */
  async function bundled(instance: string, more: object = {}, warn = (_: string) => {}) {
    await using folder = await BundleFolder.make();
    await folder.write('config/package.json', { name: 'my-host', version: '0.1.0' });
    await folder.write(
      'config/app.mjs',
      `export default { id: 'weather.ua', accepts: ['text/plain'], start: () => (${instance}) };`,
    );
    return await bundle({
      config: await folder.write(
        'config/host.json',
        bob(SERVER, { apps: [{ use: './app.mjs', ...more }], store: 'memory' }),
      ),
      outfile: `${folder.path}/out/host.mjs`,
      platform: 'node',
      target: 'linux-x64',
      warn,
    });
  }

  it.each([
    [
      '{ receive() {}, recieve() {} }',
      'start() returned "recieve", which the host does not know; did you mean "receive"?',
    ],
    ['{ describe() {} }', 'start() returned no receive function'],
  ])('is not bundled: start returns %s', { timeout: TIMEOUT }, async (instance, words) => {
    await expect(bundled(instance)).rejects.toThrow(`weather.ua: ${words}`);
  });

  it('is bundled with a warning if it is optional, or its start throws', { timeout: TIMEOUT }, async () => {
    const warnings: string[] = [];
    const warn = (line: string) => void warnings.push(line);
    await bundled('{ receive() {}, recieve() {} }', { optional: true }, warn);
    await bundled('document.body', {}, warn);
    expect(warnings).toEqual([
      expect.stringContaining('weather.ua: start() returned "recieve"'),
      expect.stringContaining('weather.ua: start() failed: document is not defined'),
    ]);
  });

  it.each([
    [
      { keep: '5' },
      'options of dcd.ua: "keep": expected number, received string (seconds for which content is kept)',
    ],
    [{ kep: 5 }, 'options of dcd.ua: unknown key "kep"; did you mean "keep"?'],
  ])('is not loaded with invalid options: %j', { timeout: TIMEOUT }, async (options, words) => {
    await using folder = await BundleFolder.make();
    await expect(
      folder.bundle(bob(SERVER, { apps: [{ use: 'dcd.ua', options }], store: 'memory' })),
    ).rejects.toThrow(words);
  });

  it('is reported for an option that only its own schema can check', { timeout: TIMEOUT }, async () => {
    await using folder = await BundleFolder.make();
    const apps = [{ use: 'mms.ua', options: { after: 5 } }];
    await expect(folder.bundle(bob(SERVER, { apps, store: 'memory' }))).rejects.toThrow(
      'mms.ua: options.after: valid only with "retrieve": "deferred"',
    );
  });
});

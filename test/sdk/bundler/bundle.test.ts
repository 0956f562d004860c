/** What is in a bundle, and what lies beside it. */

import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bundle } from '../../../sdk/bundler/bundle.js';
import { sizeTable } from '../../../sdk/bundler/size-table.js';
import { BundleFolder, bob } from './bundles.js';

const SERVER = 'sip:127.0.0.1:5060;transport=tcp';
const TIMEOUT = 180_000;
/** Bytes. */
const LIMITS = { minified: 420_000, gzipped: 110_000 };

const text = (bundle: Bundle, name: string) => new TextDecoder().decode(bundle.files.get(name));

describe('a bundle with the four applications', () => {
  let folder: BundleFolder;
  let made: Bundle;
  beforeAll(async () => {
    folder = await BundleFolder.make();
    made = await folder.bundle(bob(SERVER));
  }, TIMEOUT);
  afterAll(() => folder?.[Symbol.asyncDispose]());

  it('is as small as it has to be', () => {
    const { size, shares } = made;
    console.info(sizeTable(shares, size).join('\n'));
    expect(size.minified).toBeLessThanOrEqual(LIMITS.minified);
    expect(size.gzipped).toBeLessThanOrEqual(LIMITS.gzipped);
    const bytes = made.files.get('host.mjs') ?? new Uint8Array();
    expect(size).toEqual({ minified: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length });
    // All of it is somebody's, but for what stands for the contents and the name of the source map.
    const sum = shares.reduce((all, [, share]) => all + share.gzipped, 0);
    expect(Math.abs(size.gzipped - sum)).toBeLessThan(2_500);
  });

  it('has neither calls nor a second sdp-transform', () => {
    const code = text(made, 'host.mjs');
    expect(code).not.toMatch(/RTCSession|RTCPeerConnection/);
    const { sources }: { sources: string[] } = JSON.parse(text(made, 'host.mjs.map'));
    expect(sources.filter((source) => source.endsWith('lib/grammar.js'))).toHaveLength(1);
    const names = made.contents.packages.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)].sort());
    expect(names).toEqual(['jssip', 'sdp-transform', 'sip-push']);
  });

  it('is the same, byte for byte, when it is made elsewhere', { timeout: TIMEOUT }, async () => {
    await using other = await BundleFolder.make();
    const again = await other.bundle(bob(SERVER));
    for (const [name, bytes] of made.files) {
      expect(Buffer.compare(bytes, again.files.get(name) ?? new Uint8Array()), name).toBe(0);
      // Of the folders that it was made in nothing is said.
      expect(Buffer.from(bytes).includes(folder.path), name).toBe(false);
      expect(Buffer.from(bytes).includes(process.cwd()), name).toBe(false);
    }
  });

  it('says what is inside', async () => {
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
      minified: expect.any(Number),
      gzipped: expect.any(Number),
    });
    expect(manifest.without).toContain('aka');
  });

  it('refuses what it does not know', async () => {
    const { code, stderr } = await folder.run('--jsn');
    expect([code, stderr]).toEqual([2, expect.stringContaining('unknown option --jsn')]);
  });

  it('brings the licences of everything inside, and a bill of materials', () => {
    const licences = text(made, 'host.mjs.LICENSES.txt');
    const bill = JSON.parse(text(made, 'host.mjs.cdx.json'));
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 });
    for (const { name, version } of made.contents.packages) {
      expect(licences).toContain(`\n${name} ${version}\n`);
      expect(bill.components).toContainEqual(expect.objectContaining({ name, version }));
    }
    expect(licences).toContain('Jos\u00e9 Luis Mill\u00e1n');
    expect(licences).not.toContain('Brings no text');
    // The native file beside it has LevelDB and Snappy in it.
    expect(licences).toContain('\nclassic-level ');
    expect(licences).toContain('The LevelDB Authors');
    expect(licences).toMatch(/Google Inc\./);
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

describe('applications of others', () => {
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

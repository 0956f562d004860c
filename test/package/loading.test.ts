/** Programs load only modules that they use. Uses the built package. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Network, startNetwork } from '../../sdk/network/index.js';
import { CLI } from '../cli/sip-push.js';
import { startProcess } from '../support/programs/process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const INDEX = pathToFileURL(join(ROOT, 'dist/core/index.js')).href;
/** Packages that only some programs need. */
const OPTIONAL = ['browser-level', 'classic-level', 'esbuild', 'hono', 'memory-level', 'ws', 'zod'];
const ENDED_MS = 60_000;

let folder: string;
let network: Network;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-loading-'));
  network = await startNetwork({ listen: ['sip:127.0.0.1:0;transport=tcp'] });
});
afterEach(async () => {
  await network.close();
  await rm(folder, { recursive: true, force: true });
});

/**
 * Runs `node` until it exits, by itself or by SIGTERM after a line that matches `until`.
 * @returns URLs of the modules that it loaded, from the coverage of V8.
 */
async function modulesOf(args: readonly string[], until?: RegExp): Promise<string[]> {
  const coverage = join(folder, 'coverage');
  const env = { ...process.env, NODE_V8_COVERAGE: coverage };
  await using running = await startProcess(process.execPath, args, { cwd: folder, env });
  if (until) {
    await running.line(until, ENDED_MS);
    running.kill('SIGTERM');
  }
  expect(await running.ended(ENDED_MS), running.describe()).toEqual({ code: 0, signal: null });
  const reports = await Promise.all(
    (await readdir(coverage)).map(
      async (name): Promise<{ result: { url: string }[] }> =>
        JSON.parse(await readFile(join(coverage, name), 'utf8')),
    ),
  );
  return reports
    .flatMap(({ result }) => result.map(({ url }) => url))
    .filter((url) => url.startsWith('file:'));
}

/** Names of the packages of the modules. */
function packagesOf(modules: readonly string[]): string[] {
  const names = modules.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
  return [...new Set(names)].sort();
}

async function optionalOf(args: readonly string[], until?: RegExp): Promise<string[]> {
  const packages = packagesOf(await modulesOf(args, until));
  // Without any module of the package, the check below would be meaningless.
  expect(packages).toContain('jssip');
  return packages.filter((name) => OPTIONAL.includes(name));
}

/** A program that runs a registered host. */
function hostProgram(options: object): string {
  return `
    import { createPushReceiver } from '${INDEX}';
    const host = await createPushReceiver({
      identity: 'sip:bob@domain.test', servers: ['${network.uris[0]}'], apps: [], ...${JSON.stringify(options)},
      onEvent: ({ event }) => console.log(event),
    });
    process.once('SIGTERM', () => host.stop('SIGTERM'));`;
}

it('sip-push --version loads only the modules that find the command', async () => {
  const modules = await modulesOf([CLI, '--version']);
  expect(packagesOf(modules)).toEqual(['fastest-levenshtein']);
  const own = modules.filter((url) => !url.includes('/node_modules/'));
  expect(
    own.filter(
      (url) =>
        !/\/dist\/(sdk\/cli\/[^/]+|sdk\/manifest\/(this-package|running-application)|core\/(errors|text|platform\/node\/descriptors))\.js$/.test(
          url,
        ),
    ),
  ).toEqual([]);
});

it('importing sip-push loads no store, no WebSocket and no schema library', async () => {
  await writeFile(join(folder, 'program.mjs'), `import '${INDEX}';`);
  expect(await optionalOf(['program.mjs'])).toEqual([]);
});

it.each([
  ['in memory', {}, ['memory-level']],
  ['in a folder', { data: './data' }, ['classic-level']],
])('a host loads only its store: %s', async (_, options, stores) => {
  await writeFile(join(folder, 'program.mjs'), hostProgram(options));
  expect(await optionalOf(['program.mjs'], /^registered$/)).toEqual(stores);
});

it.each([
  ['memory', ['memory-level']],
  ['level', ['classic-level']],
])('sip-push host loads only its store: "store": "%s"', async (store, stores) => {
  const config = { identity: 'sip:bob@domain.test', server: network.uris[0], apps: ['wml.ua'], store };
  await writeFile(join(folder, 'bob.json'), JSON.stringify(config));
  // The configuration is validated with zod.
  expect(await optionalOf([CLI, 'host', '--config', 'bob.json'], /registered {4}/)).toEqual([
    ...stores,
    'zod',
  ]);
});

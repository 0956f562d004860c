/** Every command loads applications from each module format and package layout. Uses the built package. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningProcess, runProcess, startProcess } from '../support/programs/process.js';
import { eventually } from '../support/wait.js';
import { HOST, STRANGE, writeLayouts } from './package-layouts.js';
import { BOB, Folder, linesOf } from './sip-push.js';

let folder: Folder;
let uses: Record<string, string>;

beforeAll(async () => {
  folder = await Folder.make();
  uses = await writeLayouts(folder);
  const isolated = ['compiled.ua', 'strange.ua'];
  const apps = Object.entries(uses).map(([id, use]) =>
    isolated.includes(id) ? { use, isolation: 'worker' } : use,
  );
  // Nothing listens there: the applications start without a registration.
  const config = { identity: BOB, server: 'sip:127.0.0.1:9;transport=tcp', store: 'memory', apps };
  await folder.write(`${HOST}/host.json`, config);
});

afterAll(() => folder?.remove());

async function expectAllStarted(host: RunningProcess): Promise<void> {
  const started = () =>
    linesOf(host)
      .filter(({ event, kind }) => event === 'app' && kind === 'started')
      .map(({ app }) => String(app))
      .sort();
  const expected = Object.keys(uses).sort();
  await eventually(
    () => `all applications started; ${host.describe()}`,
    () => {
      if (host.stderr.some((line) => line.startsWith('sip-push:'))) throw new Error(host.describe());
      return started().length === expected.length || undefined;
    },
  );
  expect(started()).toEqual(expected);
  host.kill('SIGTERM');
  expect(await host.ended()).toEqual({ code: 0, signal: null });
}

it('a host', async () => {
  await using host = await folder.startProcess('host', '--config', `${HOST}/host.json`, '--json');
  await expectAllStarted(host);
});

it('a bundle', async () => {
  const outfile = `${HOST}/out/host.mjs`;
  const made = await folder.runProcess('bundle', '--config', `${HOST}/host.json`, '--outfile', outfile);
  expect(made.code, made.stderr).toBe(0);
  const map = JSON.parse(await readFile(join(folder.path, `${outfile}.map`), 'utf8'));
  expect(map.sources).toEqual(
    expect.arrayContaining(['pnpm-app@1.0.0/dist/index.js', 'dependency@0.0.0/a.js']),
  );
  await using host = await startProcess(process.execPath, [join(folder.path, outfile), '--json'], {
    cwd: folder.path,
  });
  await expectAllStarted(host);
});

it.each([
  `packages/${STRANGE}`,
  'packages/workspace-app',
  'node_modules/linked-app',
  'node_modules/pnpm-app',
])('sip-push check %s', async (path) => {
  const { stdout, stderr } = await folder.runProcess('check', `${STRANGE}/${path}`, '--json');
  const findings = linesOf({ stdout });
  expect(findings.at(-1), stderr).toMatchObject({ event: 'score', apps: [expect.stringMatching(/\.ua$/)] });
  expect(findings.filter(({ rule }) => rule === 'definition' || rule === 'survives')).toEqual([]);
});

it('sip-push dev', async () => {
  const paths = [
    `packages/${STRANGE}`,
    `packages/other ${STRANGE}`,
    'packages/workspace-app',
    'node_modules/linked-app',
    'node_modules/pnpm-app',
    'node_modules/@scope/app',
  ];
  // In a process of its own: vitest reads a query in the path of an import.
  const script = `import { ApplicationSource } from ${JSON.stringify(new URL('../../dist/sdk/dev/application-source.js', import.meta.url))};
    for (const path of process.argv.slice(1)) {
      for (const { toLoad } of await new ApplicationSource(path).load()) console.log(toLoad.definition.id);
    }`;
  const folders = paths.map((path) => join(folder.path, STRANGE, path));
  const { stdout, stderr } = await runProcess(process.execPath, [
    ...['--input-type=module', '--eval', script],
    ...folders,
  ]);
  const ids = ['path.ua', 'other.ua', 'workspace.ua', 'linked.ua', 'pnpm.ua', 'scoped.ua'];
  expect(stdout.split('\n'), stderr).toEqual(ids);
});

/** Stack traces and findings name the lines of an application's sources, not those of its compiled modules. */

import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runProcess } from '../support/programs/process.js';
import { JOB_MS } from '../support/wait.js';
import { BOB, Folder, lineOf, linesOf } from './sip-push.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The types are removed, so that line 8 is an earlier one in the compiled module. */
const SOURCE = `interface Place {
  readonly city: string;
}

export default {
  id: 'weather.ua', accepts: ['text/plain'], needs: ['log'],
  start({ log }: { log: { info(text: string): void } }) {
    log.info(String(new Error('where').stack));
    const place: Place = { city: 'Oslo' };
    return {
      receive() {
        throw new TypeError(place.city);
      },
    };
  },
};
`;
const STARTED = /src\/index\.ts:8:/;
const TEST = `import { startTestHost } from 'sip-push/testing';
import app from './index.js';

const host = await startTestHost({ apps: [app as never] });
const { error } = await host.push({ app: 'weather.ua', type: 'text/plain', body: 'hello' });
console.log((error as Error).stack);
await host.stop();
`;

let folder: Folder;
beforeAll(async () => {
  folder = await Folder.make();
  await mkdir(join(folder.path, 'node_modules'));
  await symlink(ROOT, join(folder.path, 'node_modules/sip-push'));
  await symlink(join(ROOT, 'node_modules/@types'), join(folder.path, 'node_modules/@types'));
  await folder.run('create', 'weather', '--yes');
  await writeFile(join(folder.path, 'weather/src/index.ts'), SOURCE);
  await writeFile(join(folder.path, 'weather/src/index.test.ts'), TEST);
  const { code, stderr } = await folder.runProcess('build', 'weather');
  expect(code, stderr).toBe(0);
}, JOB_MS);
afterAll(() => folder?.remove());

it('in a finding of check', { timeout: JOB_MS }, async () => {
  const result = await folder.runFor(JOB_MS, 'check', 'weather', '--json');
  const places = linesOf(result).flatMap(({ event, where }) => (event === 'finding' ? [where] : []));
  expect(places).toContain('src/index.ts:12');
  expect(places.join()).not.toContain('dist/');
});

it('in a test with the test host, as npm test runs it', async () => {
  const cwd = join(folder.path, 'weather');
  const { scripts } = JSON.parse(await readFile(join(cwd, 'package.json'), 'utf8'));
  const [, words = ''] = scripts.test.split('npm run build && node ');
  const { stdout, stderr } = await runProcess(process.execPath, words.split(' '), { cwd, withinMs: JOB_MS });
  expect(stdout, stderr).toMatch(/TypeError: Oslo\n[\s\S]*src\/index\.ts:12:/);
});

it('in dev', async () => {
  await using dev = await folder.startProcess('dev', 'weather', '--json');
  await lineOf(dev, 'ready');
  expect(dev.stderr.join('\n')).toMatch(STARTED);
});

it.each(['none', 'worker'])('in a host, with isolation %s', async (isolation) => {
  await folder.write('bob.json', {
    identity: BOB,
    server: 'sip:127.0.0.1:9;transport=tcp',
    store: 'memory',
    apps: [{ use: './weather', isolation }],
  });
  await using host = await folder.startProcess('host', '--config', 'bob.json');
  await host.line(STARTED);
});

/** The output of applications is in the log of a host, not in the output of the host. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import { captureOutput } from '../../sdk/cli/captured-output.js';
import { runAs } from '../../sdk/manifest/running-application.js';
import { startProcess } from '../support/programs/process.js';
import type { Running } from '../support/programs/running.js';
import { BOB, Folder, lineOf, linesOf, PSA, psa, startNetworkCommand } from './sip-push.js';

const APPLICATION = `
console.log('printed at import');
export default {
  id: 'weather.ua', accepts: ['text/plain'], queries: { today: true },
  start() {
    console.log('printed in start');
    return {
      async receive(push) {
        process.stdout.write(new TextEncoder().encode('printed in receive\\nand more'));
        await push.text();
        setTimeout(() => console.log('printed later'));
      },
      queries: { today() { console.log('printed in a query'); return 'sunny'; } },
    };
  },
};`;

let folder: Folder;
let core: Awaited<ReturnType<typeof startNetworkCommand>>;

beforeEach(async () => {
  folder = await Folder.make();
  core = await startNetworkCommand(folder);
  await folder.write('package.json', { name: 'host' });
  await folder.write('weather.mjs', APPLICATION);
  await folder.write('forecast.txt', 'sunny');
  await folder.write('psa.json', psa(core.tcp));
});
afterEach(async () => {
  await core?.running.stop();
  await folder.remove();
});

const configure = (isolation: 'none' | 'worker') =>
  folder.write('bob.json', {
    ...{ identity: BOB, server: core.tcp, username: 'bob', password: 'bob-password', trust: [PSA] },
    ...{ apps: [{ use: './weather.mjs', isolation }], store: 'memory' },
  });

/** Pushes to the application, and stops the host. */
async function expectOutput(host: Running, importLine: RegExp): Promise<void> {
  await lineOf(host, 'registered');
  const to = ['--to', BOB, '--app', 'weather.ua', '--type', 'text/plain'];
  expect(await folder.run('send', '--config', 'psa.json', ...to, 'forecast.txt')).toMatchObject({ code: 0 });
  await lineOf(host, 'push');
  const lines = [
    importLine,
    /^info {2}weather\.ua: printed in start$/,
    /^info {2}weather\.ua: printed in receive$/,
    /^info {2}weather\.ua: and more$/,
    /^info {2}(weather\.ua: )?printed later$/,
  ];
  for (const line of lines) await host.line(line);
  host.kill('SIGTERM');
  expect((await host.ended()).code).toBe(0);
  expect(linesOf(host).map(({ event }) => event)).toEqual(['registered', 'push', 'stopped']);
}

it.each(['none', 'worker'] as const)(
  'output is in the log of a host with isolation "%s"',
  async (isolation) => {
    await configure(isolation);
    await using host = await folder.startProcess('host', '--config', 'bob.json', '--json');
    const name = isolation === 'none' ? './weather.mjs' : 'weather.ua';
    await expectOutput(host, new RegExp(`^info {2}(${name}: )?printed at import$`));
  },
);

it.each(['none', 'worker'] as const)(
  'output is in the log of a bundle with isolation "%s"',
  async (isolation) => {
    await configure(isolation);
    const bundled = await folder.runProcess('bundle', '--config', 'bob.json', '--outfile', 'host.mjs');
    expect(bundled.code, bundled.stderr).toBe(0);
    await using host = await startProcess(process.execPath, ['host.mjs', '--json'], { cwd: folder.path });
    await expectOutput(host, /^info {2}(weather\.ua: )?printed at import$/);
  },
);

it('output is in the log of sip-push dev', async () => {
  await folder.write('app/package.json', {
    ...{ name: 'app', type: 'module', exports: './index.js' },
    sipPush: {
      contract: '^1.0.0',
      apps: [{ id: 'weather.ua', accepts: ['text/plain'], queries: ['today'] }],
    },
  });
  await folder.write('app/index.js', APPLICATION);
  await using dev = await folder.startProcess('dev', 'app', '--json');
  await lineOf(dev, 'ready');
  dev.stdin.write('weather.ua today\n');
  expect(await lineOf(dev, 'answer')).toMatchObject({ answer: 'sunny' });
  for (const where of ['at import', 'in start', 'in a query']) {
    await dev.line(new RegExp(`^info {2}(weather\\.ua: )?printed ${where}$`));
  }
  // Each line of stdout is JSON.
  expect(linesOf(dev)[0]).toMatchObject({ event: 'registered' });
});

it('a command restores standard output when it ends', async () => {
  const records: unknown[] = [];
  const { write } = process.stdout;
  const releaseOuter = captureOutput((record) => records.push({ outer: record.message }));
  const releaseInner = captureOutput((record) => records.push(record));
  runAs('weather.ua', () => process.stdout.write('one\n\ntwo'));
  await new Promise<void>((resolve) => process.stdout.write('three', () => resolve()));
  releaseInner();
  process.stdout.write('four');
  releaseOuter();
  expect(process.stdout.write).toBe(write);
  expect(records).toEqual([
    { level: 'info', app: 'weather.ua', message: 'one' },
    { level: 'info', app: 'weather.ua', message: 'two' },
    { level: 'info', app: undefined, message: 'three' },
    { outer: 'four' },
  ]);
});

/** A host without its optional applications, its shutdown whatever its applications do, and pushes that wait. */

import { describe, expect, it } from 'vitest';
import { eventually } from '../support/wait.js';
import { BOB, bob, Folder, lineOf, linesOf, psa, startNetworkCommand } from './sip-push.js';

const LEAST = { identity: BOB, server: 'sip:127.0.0.1:9;transport=tcp', store: 'memory' };

const application = (id: string, start: string) => `import { createServer } from 'node:net';
export default { id: '${id}', accepts: ['text/plain'], events: { started: true }, start: async ({ emit }) => { emit('started', {}); ${start}
  return { receive() {} }; } };`;

describe('"optional": true', () => {
  it('reports applications that cannot be loaded or started on stderr, and the others run', async () => {
    await using folder = await Folder.make();
    await folder.write('good.mjs', application('good.ua', ''));
    await folder.write('throws.mjs', application('throws.ua', 'throw new Error("no forecast");'));
    await folder.write('syntax.mjs', 'export default {');
    const uses = [
      ...['./throws.mjs', './syntax.mjs', './gone.mjs', 'sip-push-app-gone'],
      { use: './syntax.mjs', isolation: 'worker' },
    ];
    const apps = uses.map((one) => ({ ...(typeof one === 'string' ? { use: one } : one), optional: true }));
    await folder.write('bob.json', { ...LEAST, apps: [...apps, './good.mjs'] });
    await using host = await folder.startProcess('host', '--config', 'bob.json', '--json');
    expect(await lineOf(host, 'app', { app: 'good.ua' })).toMatchObject({ kind: 'started' });
    await host.line(/^warn .*the optional application throws\.ua is left out: .*no forecast/);
    await host.line(/^warn .*"apps\[1\]": application "\.\/syntax\.mjs" could not be loaded: .*left out$/);
    await host.line(/^warn .*"apps\[2\]": application "\.\/gone\.mjs" was not found: .*left out$/);
    await host.line(/^warn .*"apps\[3\]": application "sip-push-app-gone" was not found: .*left out$/);
    await host.line(/^warn .*the optional application .*syntax\.mjs is left out/);
    host.kill('SIGTERM');
    expect(await host.ended()).toEqual({ code: 0, signal: null });
    for (const { event } of linesOf(host)) expect(['app', 'stopped']).toContain(event);
  });

  it('is false by default', async () => {
    await using folder = await Folder.make();
    await folder.write('bob.json', { ...LEAST, apps: [{ use: './gone.mjs', optional: false }] });
    expect(await folder.run('host', '--config', 'bob.json')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('application "./gone.mjs" was not found'),
    });
  });
});

describe('a host exits with 0 on SIGTERM', () => {
  it.each([
    [
      'whose application left a timer and a socket open',
      'setInterval(() => {}, 1000); createServer().listen(0);',
    ],
    ['whose application throws from a timer', 'setInterval(() => { throw new Error("stray"); }, 10);'],
    [
      'while an application never finishes its start',
      'await new Promise(() => setInterval(() => {}, 1000));',
    ],
  ])('%s', async (_, start) => {
    await using folder = await Folder.make();
    await folder.write('app.mjs', application('open.ua', start));
    await folder.write('bob.json', { ...LEAST, apps: ['./app.mjs'] });
    await using host = await folder.startProcess('host', '--config', 'bob.json', '--json');
    await lineOf(host, 'app', { kind: 'started' });
    host.kill('SIGTERM');
    expect(await host.ended()).toEqual({ code: 0, signal: null });
    expect(linesOf(host).at(-1)).toEqual({ event: 'stopped', reason: 'signal' });
  });

  it('while it loads the module of an application, which never finishes', async () => {
    await using folder = await Folder.make();
    await folder.write(
      'app.mjs',
      'console.error("loading"); setInterval(() => {}, 1000); await new Promise(() => {});',
    );
    await folder.write('bob.json', { ...LEAST, apps: ['./app.mjs'] });
    await using host = await folder.startProcess('host', '--config', 'bob.json', '--json');
    await host.line(/loading/);
    host.kill('SIGTERM');
    expect(await host.ended()).toEqual({ code: 0, signal: null });
  });
});

it('a host warns of pushes that wait for an application that is no longer loaded', async () => {
  await using folder = await Folder.make();
  const core = await startNetworkCommand(folder);
  await using _core = core.running;
  await folder.write(
    'busy.mjs',
    `export default { id: 'busy.ua', accepts: ['text/plain'], timeout: 1,
       start: () => ({ receive: () => new Promise(() => {}) }) };`,
  );
  await folder.write('text', 'content');
  await folder.write('psa.json', psa(core.udp));
  const config = { ...bob(core.tcp), store: 'level', data: './data' };
  await folder.write('bob.json', { ...config, apps: ['./busy.mjs'] });
  await using host = await folder.start('host', '--config', 'bob.json', '--json');
  await lineOf(host, 'registered');
  const send = [
    'send',
    '--config',
    'psa.json',
    '--to',
    BOB,
    '--app',
    'busy.ua',
    '--type',
    'text/plain',
    'text',
  ];
  expect(await folder.run(...send)).toMatchObject({ code: 0 });
  await host.stop();
  await folder.write('bob.json', { ...config, apps: ['mms.ua'] });
  await using later = await folder.start('host', '--config', 'bob.json', '--json');
  await eventually(
    () => `a warning: ${later.describe()}`,
    () =>
      later.stderr.some((line) =>
        /^warn {2}busy\.ua: one push waits for it since \d{4}-.*Z, but it is not loaded: add it to "apps"/.test(
          line,
        ),
      ) || undefined,
  );
});

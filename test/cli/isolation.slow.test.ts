/** `"isolation"` in a host's configuration. */

import { expect, it } from 'vitest';
import { BOB, Folder, lineOf, linesOf, PSA, psa, startNetworkCommand } from './sip-push.js';

const LEAST = { identity: BOB, server: 'sip:127.0.0.1:9;transport=tcp', store: 'memory' };
const WEATHER = `export default {
  id: 'weather.ua', accepts: ['text/plain'], delivery: 'direct', order: 'parallel', events: { forecast: true },
  start: ({ emit, options }) => ({
    async receive(push) {
      const { isMainThread } = await import('node:worker_threads');
      console.log('printed');
      if (!options.once) process.exit(1);
      emit('forecast', { isMainThread, text: new TextDecoder().decode(await push.content.bytes(100)) });
    },
  }),
};`;

it('"worker" runs each application in a separate thread, including bundled ones; its output is not an event', async () => {
  await using folder = await Folder.make();
  const core = await startNetworkCommand(folder);
  await using _core = core.running;
  await folder.write('weather.mjs', WEATHER);
  await folder.write('forecast.txt', 'sunny');
  await folder.write('psa.json', psa(core.tcp));
  await folder.write('bob.json', {
    ...LEAST,
    server: core.tcp,
    username: 'bob',
    password: 'bob-password',
    trust: [PSA],
    apps: [
      { use: './weather.mjs', options: { once: true }, isolation: { type: 'worker', memory: 67_108_864 } },
      { use: 'wml.ua', isolation: 'worker' },
      { use: 'mms.ua', isolation: 'none' },
    ],
  });
  await using host = await folder.startProcess('host', '--config', 'bob.json', '--json');
  expect(await lineOf(host, 'registered')).toMatchObject({ apps: ['mms.ua', 'weather.ua', 'wml.ua'] });
  const sent = await folder.run(
    ...['send', '--config', 'psa.json', '--to', BOB, '--app', 'weather.ua', '--type', 'text/plain'],
    'forecast.txt',
  );
  expect(sent.code, sent.stderr).toBe(0);
  expect(await lineOf(host, 'app')).toMatchObject({ kind: 'forecast', text: 'sunny', isMainThread: false });
  host.kill('SIGTERM');
  expect((await host.exited).code).toBe(0);
  expect(linesOf(host).map(({ event }) => event)).toEqual(['registered', 'app', 'push', 'stopped']);
  expect(host.stderr.join('\n')).toMatch(/weather\.ua: printed/);
});

it('reports an invalid "isolation" or module before the host starts', async () => {
  await using folder = await Folder.make();
  await folder.write('throws.mjs', 'throw new Error("no forecast today");');
  await folder.write('none.mjs', 'export const x = 1;');
  const refusal = async (app: object) => {
    await folder.write('bob.json', { ...LEAST, apps: [app] });
    const { code, stdout, stderr } = await folder.runProcess('host', '--config', 'bob.json', '--json');
    expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
    return stderr;
  };
  const worker = { type: 'worker' };
  expect(await refusal({ use: 'mms.ua', isolation: { ...worker, memory: 1000 } })).toContain(
    '33554432 or more',
  );
  expect(await refusal({ use: 'mms.ua', isolation: { ...worker, memry: 1 } })).toContain('memry');
  expect(await refusal({ use: './gone.mjs', isolation: 'worker' })).toContain(
    '"apps[0]": application "./gone.mjs"',
  );
  expect(await refusal({ use: './throws.mjs', isolation: 'worker' })).toMatch(
    /throws\.mjs could not be loaded: no forecast today/,
  );
  expect(await refusal({ use: './none.mjs', isolation: 'worker' })).toMatch(
    /none\.mjs has no default export/,
  );
});

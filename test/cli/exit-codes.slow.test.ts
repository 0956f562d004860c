/** Exit codes are the same for all commands. */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestHttpServer } from '../support/pages/http-server.js';
import { freePort } from '../support/programs/ports.js';
import { runProcess } from '../support/programs/process.js';
import { BOB, bob, CLI, Folder, psa } from './sip-push.js';

/** Sends a signal as soon as the process handles it. */
const AT_ONCE = `data:text/javascript,process.on('newListener', (event) => {
  if (event === 'SIGINT') setImmediate(() => process.kill(process.pid, 'SIGINT')); })`;

let folder: Folder;
let server: string;
beforeAll(async () => {
  folder = await Folder.make();
  server = `sip:127.0.0.1:${await freePort()};transport=tcp`;
  await folder.write('bob.json', { ...bob(server), store: 'level', data: 'bob-data' });
  await folder.write('psa.json', { ...psa(server), data: 'psa-data', api: { port: 0 } });
  await folder.write('hello', 'hello');
});
afterAll(() => folder?.remove());

describe('exits with 1', () => {
  it.each(['host', 'sender'])('%s: if its data folder cannot be created, or is in use', async (command) => {
    const config = command === 'host' ? bob(server) : { ...psa(server), api: { port: 0 } };
    await folder.write('nowhere.json', { ...config, store: 'level', data: '/proc/sip-push' });
    expect(await folder.run(command, '--config', 'nowhere.json')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^sip-push: the store in \/proc\/sip-push does not open/),
    });
    await folder.write('same.json', { ...config, store: 'level', data: `${command}-data` });
    await using first = await folder.start(command, '--config', 'same.json');
    await first.line(/no connection to|^disconnected|disconnected {2}sip/);
    expect(await folder.run(command, '--config', 'same.json')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is open in another process; give each host a folder/),
    });
  });

  it('if a port of the HTTP API, of an application server or of the core is in use', async () => {
    const occupant = await TestHttpServer.start((_request, response) => response.end());
    const { port } = new URL(occupant.url());
    const listen = `sip:127.0.0.1:${port};transport=tcp`;
    await folder.write('api.json', { ...psa(server), store: 'memory', api: { port: Number(port) } });
    await folder.write('listen.json', { ...bob(server), listen });
    const codes = [
      await folder.run('sender', '--config', 'api.json'),
      await folder.run('host', '--config', 'listen.json'),
      await folder.run('network', '--listen', listen),
    ];
    await occupant.close();
    expect(codes.map(({ code, stderr }) => [code, /EADDRINUSE/.test(stderr)])).toEqual([
      [1, true],
      [1, true],
      [1, true],
    ]);
  });
});

it.each([
  [['host', '--config', 'bob.json'], 0],
  [['sender', '--config', 'psa.json'], 0],
  [['network'], 0],
  [['demo', '--once'], 1],
  [['send', '--config', 'psa.json', '--to', BOB, '--app', 'a.ua', '--type', 'text/plain', 'hello'], 75],
] as [string[], number][])('%j: a signal during the start exits with %i', async (words, code) => {
  const ended = await runProcess(process.execPath, ['--import', AT_ONCE, CLI, ...words], {
    cwd: folder.path,
  });
  expect(ended).toMatchObject({ code, signal: null });
});

it('files and folders of a device are readable by their owner only', async () => {
  await using host = await folder.startProcess('host', '--config', 'bob.json');
  await host.line(/disconnected/);
  const data = join(folder.path, 'bob-data');
  const names = await readdir(data, { recursive: true });
  expect(names).toEqual(expect.arrayContaining(['CURRENT', 'files', 'spool', 'transfers']));
  for (const name of ['.', ...names]) expect((await stat(join(data, name))).mode & 0o077, name).toBe(0);
});

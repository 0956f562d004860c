/** `sip-push sender`: pushes through its HTTP API, restarts, and `sip-push send --via`. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../support/programs/ports.js';
import type { Running } from '../../support/programs/running.js';
import { eventually } from '../../support/wait.js';
import { BOB, bob, Folder, lineOf, linesOf, psa, startNetworkCommand } from '../sip-push.js';

const KEY = 'a-key-of-some-length';
const TEXT_APP = `export default { id: 'text.ua', accepts: ['text/plain'], delivery: 'direct', order: 'parallel',
  start: () => ({ receive: async (push) => { await push.content.bytes(20_000_000); } }) };`;

let folder: Folder;
let core: Awaited<ReturnType<typeof startNetworkCommand>>;
let url: string;
const running: Running[] = [];

beforeEach(async () => {
  folder = await Folder.make();
  core = await startNetworkCommand(folder);
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  await folder.write('text.mjs', TEXT_APP);
  await folder.write('bob.json', { ...bob(core.tcp), apps: ['./text.mjs'], store: 'level' });
  await folder.write('psa.json', { ...psa(core.tcp), watch: [BOB], api: { port, key: KEY } });
  await folder.write('hello', 'hello');
});
afterEach(async () => {
  for (const each of running.splice(0).reverse()) await each.stop();
  await core.running.stop();
  await folder.remove();
});

async function start(...words: string[]): Promise<Running> {
  const started = await folder.start(...words);
  running.push(started);
  return started;
}

/** A sender in a process that can be killed. */
async function startProcess(...words: string[]): Promise<Running> {
  const started = await folder.startProcess(...words);
  running.push(started);
  return started;
}

async function startHost(): Promise<Running> {
  const host = await start('host', '--config', 'bob.json', '--json');
  await lineOf(host, 'registered');
  return host;
}

async function startSender(begin = start): Promise<Running> {
  const sender = await begin('sender', '--config', 'psa.json', '--json');
  await lineOf(sender, 'listening');
  await lineOf(sender, 'registered');
  return sender;
}

const api = (path: string, init: RequestInit = {}, key = KEY) =>
  fetch(url + path, {
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers, authorization: `Bearer ${key}` },
  });
const PUSH = { to: BOB, app: 'text.ua', content: { type: 'text/plain', text: 'hello' } };
const post = (push: unknown, headers: Record<string, string> = {}) =>
  api('/pushes', { method: 'POST', body: JSON.stringify(push), headers });

const via = (...more: string[]) =>
  folder.run(
    ...['send', '--via', url, '--key', KEY, '--to', BOB, '--app', 'text.ua', '--type', 'text/plain'],
    ...[...more, '--json'],
  );

/** Resolves when the sender knows whether the terminal is available. */
const terminal = (registered: boolean) =>
  eventually(`the terminal is ${registered ? 'registered' : 'unregistered'}`, async () => {
    const terminals: { registered: boolean }[] = await (await api(`/terminals?user=${BOB}`)).json();
    return terminals.some((each) => each.registered === registered) ? terminals : undefined;
  });

describe('send --via', () => {
  it('delivers small and large pushes, and prints their receipts', async () => {
    await startHost();
    await startSender();
    await terminal(true);
    const small = await via('hello');
    expect({ code: small.code, lines: linesOf(small) }).toMatchObject({
      code: 0,
      lines: [
        { event: 'receipt', outcome: 'delivered', mode: 'pager', terminal: expect.stringMatching(/gr=/) },
      ],
    });
    await folder.write('large', 'x'.repeat(3_000_000));
    const large = await via('large', 'hello');
    expect({ code: large.code, lines: linesOf(large) }).toMatchObject({
      code: 0,
      lines: [
        { fileName: 'large', bytes: 3_000_000, mode: 'session', outcome: 'delivered' },
        { fileName: 'hello', bytes: 5, mode: 'session', outcome: 'delivered' },
      ],
    });
  });

  it('reaches one instance of an application', async () => {
    const iari = 'urn:urn-7:3gpp-application.ims.iari.blue';
    const secondInstance = TEXT_APP.replace("'text.ua'", `'text.ua', iari: '${iari}'`).replace(
      'await push.content.bytes(20_000_000);',
      'throw new Error("the wrong one");',
    );
    await folder.write('twin.mjs', secondInstance);
    await folder.write('bob.json', {
      ...bob(core.tcp),
      apps: ['./twin.mjs', './text.mjs'],
      store: 'level',
    });
    await startHost();
    await startSender();
    await terminal(true);
    const sent = await via('hello', '--iari', iari);
    expect(linesOf(sent)).toMatchObject([{ outcome: 'failed', status: 500 }]);
  });

  it('reports a missing sender, a wrong key, and a missing key', async () => {
    const unreachable = await via('hello');
    expect({ code: unreachable.code, stderr: unreachable.stderr }).toEqual({
      code: 75,
      stderr: expect.stringMatching(/^no response from http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/),
    });
    await startSender();
    const words = ['send', '--via', url, '--to', BOB, '--app', 'text.ua', '--type', 'text/plain', 'hello'];
    expect(await folder.run(...words, '--key', 'wrong-key')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/invalid key for .*: expected .* as --key, or as SIP_PUSH_KEY /),
    });
    expect(await folder.run(...words)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('SIP_PUSH_KEY'),
    });
  });
});

it('reports a port that is in use before it registers', async () => {
  const other = createServer().listen(Number(new URL(url).port), '127.0.0.1');
  await once(other, 'listening');
  const sender = await folder.run('sender', '--config', 'psa.json', '--json');
  other.close();
  expect(sender).toMatchObject({ code: 1, stderr: expect.stringMatching(/"api\.port".*EADDRINUSE/) });
  expect(core.running.stdout.filter((line) => line.includes('REGISTER'))).toEqual([]);
});

it('9-04: keeps its directory and its waiting pushes after a kill and a restart', async () => {
  const host = await startHost();
  const first = await startSender(startProcess);
  const known = await terminal(true);
  expect(known).toMatchObject([{ user: BOB, apps: ['text.ua'], gruu: expect.stringContaining('gr=') }]);
  await host.stop();
  await terminal(false);
  const accepted = await (await post({ ...PUSH, ttl: 600 }, { 'idempotency-key': 'one' })).json();
  expect(accepted).toMatchObject({ state: 'waiting', receipts: [] });
  first.kill('SIGKILL');
  await first.exited;
  await startSender();
  expect(await (await api('/terminals')).json()).toMatchObject([
    { gruu: known[0] && 'gruu' in known[0] ? known[0].gruu : '' },
  ]);
  const again = await post({ ...PUSH, ttl: 600 }, { 'idempotency-key': 'one' });
  expect([again.status, await again.json()]).toMatchObject([200, { id: accepted.id, state: 'waiting' }]);
  const back = await startHost();
  const ended = await eventually('the push ended', async () => {
    const push: { state: string } = await (await api(`/pushes/${accepted.id}`)).json();
    return push.state === 'ended' ? push : undefined;
  });
  expect(ended).toMatchObject({ receipts: [{ outcome: 'delivered', to: BOB }] });
  expect(await lineOf(back, 'push')).toMatchObject({ app: 'text.ua', outcome: 'accepted' });
});

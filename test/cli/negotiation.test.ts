/** `senders` and `profile` of a host's configuration, against `sip-push sender` (TS 5.1, 5.2). */

import { afterEach, expect, it } from 'vitest';
import { freePort } from '../support/programs/ports.js';
import { eventually } from '../support/wait.js';
import { BOB, bob, Folder, lineOf, PSA, psa, startNetworkCommand } from './sip-push.js';

const KEY = 'a-key-of-some-length';
/** Emits the negotiated sender as an event. */
const LISTENING_APP = `export default { id: 'text.ua', accepts: ['text/plain'], events: { sender: true },
  start: ({ emit }) => ({ receive() {}, negotiated: ({ uri, supported }) => emit('sender', { uri, supported }) }) };`;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

it('5.1-13, 5.2-02, AD-5.3.2: a host and a sender exchange their capabilities', async () => {
  const folder = await Folder.make();
  closing.push(() => folder.remove());
  const core = await startNetworkCommand(folder);
  closing.push(() => core.running.stop());
  const port = await freePort();
  await folder.write('text.mjs', LISTENING_APP);
  await folder.write('bob.json', {
    ...bob(core.tcp),
    apps: ['./text.mjs', 'mms.ua'],
    senders: [PSA],
    profile: { vendor: 'Acme', model: 'M1' },
  });
  await folder.write('psa.json', {
    ...psa(core.tcp),
    apps: ['text.ua'],
    fetch: { allow: ['http://127.0.0.1:*'] },
    api: { port, key: KEY },
  });
  const sender = await folder.start('sender', '--config', 'psa.json', '--json');
  closing.push(() => sender.stop());
  await lineOf(sender, 'registered');
  const host = await folder.start('host', '--config', 'bob.json', '--json');
  closing.push(() => host.stop());
  expect(await lineOf(host, 'negotiated')).toEqual({
    event: 'negotiated',
    sender: PSA,
    apps: ['text.ua'],
    methods: expect.arrayContaining(['OPTIONS']),
  });
  expect(await lineOf(host, 'app')).toMatchObject({
    app: 'text.ua',
    kind: 'sender',
    uri: PSA,
    supported: true,
  });
  const [terminal] = await eventually('the profile of the terminal', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/terminals?user=${BOB}`, {
      headers: { authorization: `Bearer ${KEY}` },
    });
    const terminals: { types?: string[] }[] = await answer.json();
    return terminals[0]?.types ? terminals : undefined;
  });
  expect(terminal).toMatchObject({
    user: BOB,
    apps: ['mms.ua', 'text.ua'],
    types: expect.arrayContaining(['text/plain', 'application/vnd.wap.mms-message']),
    registered: true,
  });
});

/** The commands against a real SIP/IP core. */

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Kamailio, startKamailio } from '../support/programs/kamailio.js';
import { describePeer } from '../support/programs/peers.js';
import { BOB, Folder, lineOf, linesOf, PSA } from './sip-push.js';

describePeer('kamailio', 'sip-push and Kamailio', () => {
  let folder: Folder;
  let core: Kamailio;
  beforeAll(async () => {
    folder = await Folder.make();
    core = await startKamailio();
  });
  afterAll(async () => {
    await core?.stop();
    await folder?.remove();
  });

  it('a device receives a push from the command line, and de-registers', async () => {
    const account = (username: 'bob' | 'psa') => ({
      identity: `sip:${username}@${core.domain}`,
      username,
      password: core.users[username],
    });
    await folder.write('bob.json', {
      ...account('bob'),
      server: core.server('tcp'),
      trust: [PSA],
      apps: ['mms.ua'],
    });
    await folder.write('psa.json', { ...account('psa'), server: core.server('udp') });
    await folder.write(
      'notification.mms',
      await readFile(new URL('../../examples/mms-notification.mms', import.meta.url)),
    );
    await using host = await folder.start('host', '--config', 'bob.json', '--json');
    expect(await lineOf(host, 'registered')).toMatchObject({
      identity: BOB,
      apps: ['mms.ua'],
      publicGruu: expect.stringMatching(/^sip:bob@domain\.test;gr=urn:uuid:/),
    });
    const send = ['send', '--config', 'psa.json', '--json', '--to', BOB, '--app', 'mms.ua'];
    const pushed = await folder.run(...send, '--type', 'application/vnd.wap.mms-message', 'notification.mms');
    expect(linesOf(pushed)).toMatchObject([{ outcome: 'delivered', status: 200, mode: 'pager' }]);
    expect(pushed.code).toBe(0);
    expect(await lineOf(host, 'push')).toMatchObject({ app: 'mms.ua', from: PSA, outcome: 'accepted' });
    host.kill('SIGTERM');
    expect(await host.ended()).toEqual({ code: 0, signal: null });
    // The device is de-registered: no terminal has the application.
    const unreachable = await folder.run(
      ...send,
      '--type',
      'application/vnd.wap.mms-message',
      'notification.mms',
    );
    expect(unreachable.code).toBe(75);
    expect(linesOf(unreachable)).toMatchObject([{ outcome: 'failed', retryable: true }]);
  });
});

/** A bundle is a host: what left its modules out has not left out what a device does. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPushSender, type PushSenderHost } from '../../../core/sender-host.js';
import { examplePushes } from '../../../sdk/cli/demo/examples.js';
import { type Network, type NetworkEvent, startNetwork } from '../../../sdk/network/index.js';
import { lineOf, linesOf } from '../../cli/sip-push.js';
import { BOB, BundleFolder, bob, PSA } from './bundles.js';

describe('a bundle with the four applications', () => {
  let folder: BundleFolder;
  let network: Network;
  let sender: PushSenderHost;
  const events: NetworkEvent[] = [];
  let server: string;
  beforeAll(async () => {
    folder = await BundleFolder.make();
    network = await startNetwork({
      domain: 'domain.test',
      users: { bob: { password: 'bob-password' }, psa: { password: 'psa' } },
      onEvent: (event) => events.push(event),
    });
    const [udp = '', tcp = ''] = network.uris;
    server = tcp;
    sender = await createPushSender({
      identity: PSA,
      servers: [udp],
      credentials: { username: 'psa', password: 'psa' },
      publish: { host: '127.0.0.1', port: 0 },
    });
    await folder.bundle(bob(server));
  });
  afterAll(async () => {
    await sender?.stop();
    await network?.close();
    await folder?.[Symbol.asyncDispose]();
  });

  it('takes pushes in messages, in sessions and by reference, for each of them, and de-registers', async () => {
    await using host = await folder.start('--json');
    expect(await lineOf(host, 'registered')).toMatchObject({
      apps: ['dcd.ua', 'mms.ua', 'syncml.dm', 'wml.ua'],
    });
    const pushes = examplePushes(BOB, 1);
    for (const push of pushes) {
      const receipts = await sender.send(push);
      expect(
        receipts,
        `${push.app} ${push.mode}: ${JSON.stringify(receipts)}; ${host.describe()}`,
      ).toMatchObject([{ outcome: 'delivered' }]);
    }
    host.kill('SIGTERM');
    expect(await host.ended(10_000)).toEqual({ code: 0, signal: null });
    const told = linesOf(host).filter(({ event }) => event === 'push');
    expect(told.map(({ app, mode, outcome }) => [app, mode, outcome])).toEqual(
      pushes.map(({ app, mode }) => [app, mode, 'accepted']),
    );
    expect(linesOf(host).at(-1)).toEqual({ event: 'stopped', reason: 'signal' });
    expect(events.some(({ event }) => event === 'deregistered')).toBe(true);
  });
});

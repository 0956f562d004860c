/** A bundle works like a host, over each transport. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TlsOptions } from '../../../core/platform/sockets.js';
import { createPushSender, type PushSenderHost } from '../../../core/sender-host.js';
import { examplePushes } from '../../../sdk/cli/demo/examples.js';
import { type Network, type NetworkEvent, startNetwork } from '../../../sdk/network/index.js';
import { lineOf, linesOf } from '../../cli/sip-push.js';
import { authorizationOf, K, OPC, responseFor, Scscf } from '../../sip/authentication/s-cscf.js';
import { makeCertificates } from '../../support/certificates.js';
import { startKamailio } from '../../support/programs/kamailio.js';
import { startKamailioRelay } from '../../support/programs/kamailio-relay.js';
import { describePeer } from '../../support/programs/peers.js';
import type { RunningProcess } from '../../support/programs/process.js';
import { ScriptedCore } from '../../support/sip/scripted-core.js';
import { eventually } from '../../support/wait.js';
import { BOB, BundleFolder, bob, FOUR_APPLICATIONS, PSA } from './bundles.js';

const BOB_PASSWORD = 'bob-password';
const PSA_PASSWORD = 'psa-password';
/** Seconds: the shortest that JsSIP accepts; it refreshes the registration after half of it. */
const SHORTEST = 10;
/** Making a bundle takes seconds, and so does the expiry of a registration. */
const TIMEOUT = 180_000;

function startSender(server: string, tls?: TlsOptions): Promise<PushSenderHost> {
  return createPushSender({
    identity: PSA,
    servers: [server],
    tls,
    credentials: { username: 'psa', password: PSA_PASSWORD },
    publish: { host: '127.0.0.1', port: 0 },
  });
}

/** Sends each example in order, and expects the host to report each as accepted. */
async function pushAll(sender: PushSenderHost, host: RunningProcess): Promise<void> {
  const pushes = examplePushes(BOB, 1);
  for (const push of pushes) {
    const receipts = await sender.send(push);
    const details = `${push.app} ${push.mode}: ${JSON.stringify(receipts)}; ${host.describe()}`;
    expect(receipts, details).toMatchObject([{ outcome: 'delivered' }]);
  }
  const pushEvents = await eventually('a line for each push', () => {
    const lines = linesOf(host).filter(({ event }) => event === 'push');
    return lines.length < pushes.length ? undefined : lines;
  });
  expect(pushEvents.map(({ app, mode, outcome }) => [app, mode, outcome])).toEqual(
    pushes.map(({ app, mode }) => [app, mode, 'accepted']),
  );
}

async function ends(host: RunningProcess): Promise<void> {
  host.kill('SIGTERM');
  expect(await host.ended(10_000)).toEqual({ code: 0, signal: null });
  expect(linesOf(host).at(-1)).toEqual({ event: 'stopped', reason: 'signal' });
}

describe('a bundle with the four applications', () => {
  let network: Network;
  let sender: PushSenderHost;
  const events: NetworkEvent[] = [];
  let server: (transport: string) => string;
  beforeAll(async () => {
    network = await startNetwork({
      domain: 'domain.test',
      users: { bob: { password: BOB_PASSWORD }, psa: { password: PSA_PASSWORD } },
      listen: ['udp', 'tcp', 'ws'].map((transport) => `sip:127.0.0.1:0;transport=${transport}`),
      onEvent: (event) => events.push(event),
    });
    server = (transport) => network.uris.find((uri) => uri.endsWith(transport)) ?? '';
    sender = await startSender(server('udp'));
  });
  afterAll(async () => {
    await sender?.stop();
    await network?.close();
  });

  it('accepts pushes in messages, in sessions and by reference for each application, and de-registers', {
    timeout: TIMEOUT,
  }, async () => {
    await using folder = await BundleFolder.make();
    await folder.bundle(bob(server('tcp'), { expires: SHORTEST }));
    await using host = await folder.start('--json');
    expect(await lineOf(host, 'registered')).toMatchObject({
      apps: ['dcd.ua', 'mms.ua', 'syncml.dm', 'wml.ua'],
    });
    await pushAll(sender, host);
    // "data" is relative to the bundle, not to the current folder.
    expect((await stat(join(folder.path, 'out/data'))).isDirectory()).toBe(true);
    await eventually('a registration that is renewed', () =>
      events.filter(({ event }) => event === 'registered').length > 1 ? true : undefined,
    );
    await ends(host);
    expect(events.some(({ event }) => event === 'deregistered')).toBe(true);
  });

  it('keeps its identity and the confirmed pushes after it is killed', { timeout: TIMEOUT }, async () => {
    await using folder = await BundleFolder.make();
    await folder.bundle(bob(server('tcp'), { apps: ['wml.ua'], instanceId: undefined }));
    const [, , , indication] = examplePushes(BOB, 1).filter(({ app }) => app === 'wml.ua');
    if (!indication) throw new Error('there is no example in a session');
    await using first = await folder.start('--json');
    const { publicGruu } = await lineOf(first, 'registered');
    expect(await sender.send(indication)).toMatchObject([{ outcome: 'delivered' }]);
    // A store is locked by one process.
    const second = await folder.run('--json');
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('is open in another process')]);
    first.kill('SIGKILL');
    await first.exited;
    await using again = await folder.start('--json');
    expect(await lineOf(again, 'registered')).toMatchObject({ publicGruu });
    await ends(again);
  });

  it('accepts pushes with all configuration keys, over WebSocket, with a store in memory', {
    timeout: TIMEOUT,
  }, async () => {
    await using folder = await BundleFolder.make();
    const made = await folder.bundle(
      bob(server('ws'), {
        store: 'memory',
        senders: [PSA],
        profile: { vendor: 'Example', model: 'M1', host: '127.0.0.1' },
        apps: FOUR_APPLICATIONS.map((app) => ({
          ...(typeof app === 'string' ? { use: app } : app),
          isolation: 'worker',
        })),
      }),
    );
    expect([...made.files.keys()]).not.toContain('classic-level.node');
    await using host = await folder.start('--json');
    await lineOf(host, 'registered');
    await lineOf(host, 'negotiated', { sender: PSA });
    await pushAll(sender, host);
    await ends(host);
  });
});

it('a bundle with a UICC answers a challenge of IMS AKA', { timeout: TIMEOUT }, async () => {
  await using folder = await BundleFolder.make();
  const core = await ScriptedCore.tcp();
  try {
    const scscf = new Scscf();
    const aka = { k: Buffer.from(K).toString('hex'), opc: Buffer.from(OPC).toString('hex') };
    await folder.bundle(
      bob(core.uri, { store: 'memory', username: 'bob@domain.test', password: undefined, aka }),
    );
    await using _host = await folder.start('--json');
    const vector = await scscf.vector(6400);
    const first = await core.request('REGISTER');
    first.respond(401, [['WWW-Authenticate', scscf.challenge(vector)]]);
    const second = await core.request('REGISTER');
    expect(authorizationOf(second).get('response')).toBe(responseFor(second, vector.xres));
  } finally {
    await core.close();
  }
});

describePeer('openssl', 'a bundle over every transport', () => {
  it.each(['udp', 'tcp', 'tls', 'ws', 'wss'])('%s', { timeout: TIMEOUT }, async (transport) => {
    const certificates = await makeCertificates();
    const { ca, cert, key } = certificates;
    const secure = transport === 'tls' || transport === 'wss';
    const network = await startNetwork({
      domain: 'domain.test',
      users: { bob: { password: BOB_PASSWORD }, psa: { password: PSA_PASSWORD } },
      listen: [transport, 'udp'].map((each) => `sip:127.0.0.1:0;transport=${each}`),
      tls: { cert, key },
    });
    const [device = '', udp = ''] = [
      network.uris.find((uri) => uri.endsWith(`=${transport}`)),
      network.uris.find((uri) => uri.endsWith('=udp')),
    ];
    const sender = await startSender(udp);
    await using folder = await BundleFolder.make();
    try {
      await folder.write('config/ca.pem', ca);
      await folder.bundle(bob(device, { store: 'memory', tls: secure ? { ca: 'ca.pem' } : undefined }));
      await using host = await folder.start('--json');
      await lineOf(host, 'registered');
      await pushAll(sender, host);
      await ends(host);
    } finally {
      await sender.stop();
      await network.close();
      await certificates.remove();
    }
  });
});

describePeer('kamailio', 'a bundle and Kamailio', () => {
  it('receives sessions through an MSRP relay', { timeout: TIMEOUT }, async () => {
    const certificates = await makeCertificates();
    const relay = await startKamailioRelay(certificates);
    const network = await startNetwork({
      users: { bob: { password: BOB_PASSWORD }, psa: { password: PSA_PASSWORD } },
    });
    const [udp = '', tcp = ''] = network.uris;
    const sender = await startSender(udp, { ca: certificates.ca });
    await using folder = await BundleFolder.make();
    try {
      await folder.write('config/ca.pem', certificates.ca);
      const { uri, credentials } = relay.account('tls', 'bob');
      await folder.bundle(
        bob(tcp, { store: 'memory', msrp: { relay: { uri, ...credentials, ca: 'ca.pem' } } }),
      );
      await using host = await folder.start('--json');
      await lineOf(host, 'registered');
      await pushAll(sender, host);
      await ends(host);
    } finally {
      await sender.stop();
      await network.close();
      await relay.stop();
      await certificates.remove();
    }
  });

  it('registers, accepts all pushes, and de-registers', { timeout: TIMEOUT }, async () => {
    const core = await startKamailio();
    const sender = await startSender(core.server('udp'));
    await using folder = await BundleFolder.make();
    try {
      await folder.bundle(bob(core.server('udp')));
      await using host = await folder.start('--json');
      expect(await lineOf(host, 'registered')).toMatchObject({ publicGruu: expect.stringContaining(';gr=') });
      await pushAll(sender, host);
      await ends(host);
    } finally {
      await sender.stop();
      await core.stop();
    }
  });
});

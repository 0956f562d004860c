/** MSRP relays of the sender and of the receiver (RFC 4976, TS 8.2.2.4). */

import { afterEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { ConfigurationError } from '../../../core/errors.js';
import type { FilesPush } from '../../../core/sender/push-request.js';
import type { PushSenderOptions } from '../../../core/sender/sender.js';
import { BOB } from '../../support/agents/agents.js';
import { bytesOf, fileOf, MediaPeer, Scene } from '../../support/agents/scripted-receiver.js';
import { makeCertificates } from '../../support/certificates.js';
import { RawListener } from '../../support/msrp/raw-msrp.js';
import { type RelayLink, ScriptedRelay } from '../../support/msrp/scripted-relay.js';
import type { Closing } from '../../support/msrp/sessions.js';
import { freePort } from '../../support/programs/ports.js';

const CONTENT = bytesOf(20_000);
const PUSH: FilesPush = { to: BOB, app: 'mms.ua', mode: 'session', files: [fileOf(CONTENT)] };
const CREDENTIALS = { username: 'psa', password: 'psa-password' };

const closing: Closing = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(options: Partial<PushSenderOptions> = {}): Promise<Scene> {
  const scene = await Scene.open(options);
  closing.push(() => scene.close());
  return scene;
}

describe('a relay of the sender', () => {
  /** The offer of the sender after the relay has granted a URI. */
  async function offered() {
    const relay = await ScriptedRelay.open(closing);
    const scene = await open({ media: { relay: { uri: relay.uri, credentials: CREDENTIALS } } });
    const receipts = scene.sender.send(PUSH);
    const link = await relay.accept(closing);
    link.challenge(await link.auth());
    const granted = link.grant(await link.auth());
    const offer = await scene.offer();
    const [, ours = ''] = offer.attribute('path')?.split(' ') ?? [];
    return { relay, scene, receipts, link, granted, offer, ours };
  }

  /** Content that arrives through the relay is accepted from the sender with that path. */
  async function expectDelivery(link: RelayLink, ours: string, toPath: string[], receipts: Promise<unknown>) {
    const { first, bytes, report } = await new MediaPeer(link.peer, '', '').message();
    expect(first).toMatchObject({ method: 'SEND', toPath, fromPath: [ours] });
    expect(first.body.length).toBe(8192);
    expect(bytes).toEqual(Buffer.from(CONTENT));
    report();
    expect(await receipts).toMatchObject([{ outcome: 'delivered', reported: true }]);
  }

  it('8.2.2-11, 8.2.2-07: is first in the path of the sender; c= and m= are the address of the relay', async () => {
    const { relay, granted, offer } = await offered();
    const port = Number(/:(\d+);/.exec(relay.uri)?.[1]);
    expect(offer.attribute('path')?.split(' ')).toEqual([
      granted,
      expect.stringMatching(/^msrp:\/\/127\.0\.0\.1:9\/[!-~]{16,};tcp$/),
    ]);
    expect(offer.media[0]?.[0]).toBe(`m=message ${port} TCP/MSRP *`);
    expect(offer.session).toContain('c=IN IP4 127.0.0.1');
    expect(offer.attribute('setup')).toBe('passive');
  });

  it('8.2.2-11: is connected to by a receiver without a relay; nothing is sent before', async () => {
    const { receipts, link, granted, offer, ours } = await offered();
    offer.accept();
    const [theirs = ''] = offer.paths;
    const route = { to: ours, from: `${granted} ${theirs}`, messageId: 'bind', range: '1-0/0' };
    expect(await link.peer.statusOf(route)).toBe(200);
    await expectDelivery(link, ours, [granted, theirs], receipts);
  });

  it.for([
    ['behind a relay of its own', { path: 'msrp://192.0.2.1:2855/relay;tcp msrp://192.0.2.2:9/it;tcp' }],
    ['that listens', { setup: 'passive' }],
    ['without a=setup', { setup: null }],
  ] as const)('8.2.2-11: a receiver %s is found by the relay', async ([, answer]) => {
    const { receipts, link, granted, offer, ours } = await offered();
    offer.accept([answer]);
    const path = 'path' in answer ? answer.path.split(' ') : [...offer.paths];
    await expectDelivery(link, ours, [granted, ...path], receipts);
  });

  it('that rejects the password is a configuration error, and no INVITE is sent', async () => {
    const relay = await ScriptedRelay.open(closing);
    const scene = await open({ media: { relay: { uri: relay.uri, credentials: CREDENTIALS } } });
    const receipts = scene.sender.send(PUSH);
    receipts.catch(() => {});
    const link = await relay.accept(closing);
    link.challenge(await link.auth());
    link.challenge(await link.auth());
    await expect(receipts).rejects.toThrow(ConfigurationError);
    expect(scene.core.requests).toEqual([]);
  });

  it('8.2.2-11: that cannot be reached is a retryable failure, and no INVITE is sent', async () => {
    const scene = await open({ media: { relay: { uri: `msrp://127.0.0.1:${await freePort()};tcp` } } });
    expect(await scene.sender.send(PUSH)).toMatchObject([{ outcome: 'failed', retryable: true }]);
    expect(scene.core.requests).toEqual([]);
  });

  it('with an invalid URI is rejected at once', async () => {
    const media = { relay: { uri: 'sip:relay.domain.test' } };
    await expect(open({ media })).rejects.toThrow(ConfigurationError);
  });
});

it('8.2.2-11: tries a relay with an untrusted certificate once, whether it belongs to the sender or to the receiver', async () => {
  const certificates = await makeCertificates();
  closing.push(() => certificates.remove());
  let connections = 0;
  const { cert, key } = certificates;
  const listener = await platform.listen(
    'tls',
    { host: '127.0.0.1', port: 0 },
    { tls: { cert, key } },
    () => {
      connections++;
    },
  );
  closing.push(() => listener.close());
  const uri = `msrps://127.0.0.1:${listener.address.port};tcp`;
  const untrusted = {
    outcome: 'failed',
    retryable: true,
    reason: expect.stringMatching(/unable to verify the first certificate/),
  };
  const ours = await open({ media: { relay: { uri } } });
  expect(await ours.sender.send(PUSH)).toMatchObject([untrusted]);

  const theirs = await open();
  theirs.core.autoAnswered.add('BYE');
  const { receipts, offer } = await theirs.push([fileOf(CONTENT)]);
  offer.accept([{ path: `${uri.replace(';', '/its;')} msrps://192.0.2.2:9/it;tcp` }]);
  expect(await receipts).toMatchObject([untrusted]);
  const invites = theirs.core.requests.filter(({ request }) => request.method === 'INVITE');
  expect(invites).toHaveLength(1);
  expect(connections).toBe(0);
});

describe('a relay of the receiver', () => {
  it('8.2.2-11: is connected to by a sender without a relay', async () => {
    const scene = await open();
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    const listener = await RawListener.open();
    closing.push(() => listener.close());
    const { host, port } = listener.address;
    const path = [`msrp://${host}:${port}/its-relay;tcp`, 'msrp://192.0.2.2:9/it;tcp'];
    offer.accept([{ path: path.join(' ') }]);

    const peer = await listener.accept();
    closing.push(() => peer.close());
    const media = new MediaPeer(peer, '', '');
    const ours = [offer.attribute('path')];
    expect(await media.acknowledge()).toMatchObject({ method: 'SEND', toPath: path, fromPath: ours });
    const { first, bytes, report } = await media.message();
    expect(first).toMatchObject({ method: 'SEND', toPath: path, fromPath: ours });
    expect(first.body.length).toBe(8192);
    expect(bytes).toEqual(Buffer.from(CONTENT));
    report();
    expect(await receipts).toMatchObject([{ outcome: 'delivered', reported: true }]);
  });
});

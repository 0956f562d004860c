/** Files through the msrp module of Kamailio as a relay (RFC 4976), run from the documented example. */

import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ReceivedPush } from '../../core/app/contract/push.js';
import { memoryContent } from '../../core/content/content.js';
import type { PushHostOptions } from '../../core/host.js';
import type { RelayAccount } from '../../core/msrp/index.js';
import type { SessionSendOptions } from '../../core/sender/session/terminal-push.js';
import { BOB, Device, startSender } from '../support/agents/agents.js';
import { SessionReceiver } from '../support/agents/session-receiver.js';
import { type DissectedFrame, dissectMsrp } from '../support/captures/msrp-capture.js';
import { Capture } from '../support/captures/tshark.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { Mailbox } from '../support/mailbox.js';
import { attribute, descriptionOf, FILE, mediaOf, senderPath } from '../support/msrp/push-offers.js';
import { RawListener } from '../support/msrp/raw-msrp.js';
import { type Kamailio, startKamailio } from '../support/programs/kamailio.js';
import { type KamailioRelay, startKamailioRelay } from '../support/programs/kamailio-relay.js';
import { describePeer } from '../support/programs/peers.js';

const MEBIBYTE = 1024 * 1024;
const SIZE = 3 * MEBIBYTE + 17;
/** tshark misinterprets one octet at the start of a chunk (msrp-capture.ts). */
const SEMICOLON = 0x3b;
const TYPE = { type: 'application/octet-stream', parameters: {} };

function content(size: number, seed = 0): Uint8Array {
  const octets = Uint8Array.from({ length: 255 }, (_, index) => (index < SEMICOLON ? index : index + 1));
  return new Uint8Array(size).map((_, at) => octets[(seed + at * 7 + (at >> 9)) % octets.length] ?? 0);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describePeer(['kamailio'], 'files through Kamailio as an MSRP relay', () => {
  let certificates: Certificates;
  let core: Kamailio;
  let relay: KamailioRelay;
  beforeAll(async () => {
    certificates = await makeCertificates();
    core = await startKamailio();
    relay = await startKamailioRelay(certificates);
  });
  afterAll(async () => {
    await relay?.stop();
    await core?.stop();
    await certificates?.remove();
  });

  /** A device and a sender, each with an optional relay. */
  async function agents(
    relays: { device?: RelayAccount; sender?: RelayAccount },
    device: Partial<PushHostOptions> = {},
  ) {
    const deliveries = new Mailbox<{ push: ReceivedPush; bytes: Uint8Array }>('a file');
    const bob = await Device.start(
      [
        {
          id: 'files.ua',
          accepts: ['*/*'],
          delivery: 'direct',
          order: 'parallel',
          start: () => ({
            receive: async (push) => {
              deliveries.put({ push, bytes: await push.content.bytes(16 * MEBIBYTE) });
            },
          }),
        },
      ],
      {
        servers: [core.server('tcp')],
        credentials: { username: 'bob', password: core.users.bob },
        // The relay of the sender.
        tls: { ca: certificates.ca },
        relay: relays.device,
        ...device,
      },
    );
    const sender = await startSender({
      servers: [core.trustedServer('tcp')],
      tls: { ca: certificates.ca },
      media: { host: '127.0.0.1', relay: relays.sender },
    });
    return {
      device: bob,
      deliveries,
      send: (files: readonly Uint8Array[], options: SessionSendOptions = {}) =>
        sender.send(
          {
            ...{ to: BOB, app: 'files.ua', report: true },
            files: files.map((bytes, index) => ({
              content: memoryContent(TYPE, bytes),
              name: `${index}.bin`,
            })),
            mode: 'session',
          },
          options,
        ),
      async [Symbol.asyncDispose]() {
        await sender.stop();
        await bob.stop();
      },
    };
  }

  const account = (protocol: 'tcp' | 'tls', user: 'bob' | 'psa') => relay.account(protocol, user);

  it.for([
    ['tls', 'both ends'],
    ['tcp', 'both ends'],
    ['tls', 'the receiver'],
    ['tcp', 'the receiver'],
    ['tls', 'the sender'],
    ['tcp', 'the sender'],
  ] as const)(
    '8.2.1-11, 8.2.2-11: over %s, with a relay of %s: unchanged, and reported',
    async ([protocol, whose]) => {
      await using ends = await agents({
        device: whose === 'the sender' ? undefined : account(protocol, 'bob'),
        sender: whose === 'the receiver' ? undefined : account(protocol, 'psa'),
      });
      const bytes = content(SIZE);
      const receipts = await ends.send([bytes]);
      expect(receipts).toMatchObject([
        { outcome: 'delivered', mode: 'session', reported: true, bytes: SIZE },
      ]);
      const { push, bytes: received } = await ends.deliveries.take();
      expect(push).toMatchObject({ mode: 'session', fileName: '0.bin' });
      expect(sha256(received)).toBe(sha256(bytes));
    },
  );

  it('8.2.1-11, 8.2.2-11: with a relay each, nonces by SHA-256, and a requested lifetime of an hour, which one relay reduces', async () => {
    await using other = await startKamailioRelay(certificates, { algorithm: 'SHA-256', longest: 600 });
    await using ends = await agents({ device: other.account('tls', 'bob'), sender: account('tls', 'psa') });
    const bytes = content(SIZE, 1);
    expect(await ends.send([bytes])).toMatchObject([{ outcome: 'delivered', reported: true }]);
    expect(sha256((await ends.deliveries.take()).bytes)).toBe(sha256(bytes));
  });

  it('uses one connection of each end for many sessions', async () => {
    await using ends = await agents({ device: account('tls', 'bob'), sender: account('tls', 'psa') });
    const files = Array.from({ length: 10 }, (_, index) => content(300 * 1024 + index, index));
    const receipts = await ends.send(files);
    expect(receipts.map(({ outcome }) => outcome)).toEqual(files.map(() => 'delivered'));
    const received = await Promise.all(files.map(() => ends.deliveries.take()));
    expect(received.map(({ bytes }) => sha256(bytes)).sort()).toEqual(files.map(sha256).sort());
  });

  it('8.2.1-08, 8.2.1-11: connects to a sender that does not support relays and waits for the connection', async () => {
    const closing: (() => unknown)[] = [];
    try {
      const receiver = await SessionReceiver.start({ relay: account('tcp', 'bob') });
      closing.unshift(() => receiver.stop());
      const listener = await RawListener.open();
      closing.unshift(() => listener.close());
      const bytes = content(1000);
      const path = senderPath(listener.address);
      const session = await receiver.invite(
        descriptionOf([mediaOf(listener.address, { content: bytes, path })]),
      );
      expect(session.status).toBe(200);
      const [first = '', last = ''] = attribute(session.sdp.media[0], 'path')?.split(' ') ?? [];
      expect(first).toMatch(new RegExp(`^msrp://127.0.0.1:${relay.tcpPort}/[0-9a-f]{32};tcp$`));
      expect(attribute(session.sdp.media[0], 'setup')).toBe('active');

      const peer = await listener.accept();
      closing.unshift(() => peer.close());
      const binding = await peer.nextRequest();
      expect(binding).toMatchObject({ method: 'SEND', toPath: [path], fromPath: [first, last] });
      const send = { to: `${first} ${last}`, from: path, messageId: 'file' };
      const headers = { 'Content-Type': FILE, 'Success-Report': 'yes' };
      const transactionId = peer.send({ ...send, headers, body: bytes, range: '1-1000/1000' });
      // A relay with several processes can forward simultaneous frames in either order.
      const frames = [await peer.next(), await peer.next()];
      const response = frames.find((frame) => frame.response)?.response;
      expect(response).toMatchObject({ transactionId, status: 200 });
      const report = frames.find((frame) => frame.request)?.request;
      expect(report).toMatchObject({ method: 'REPORT', toPath: [path], fromPath: [first, last] });
      expect(report?.headers.get('Status')).toMatch(/^000 200/);
      expect(receiver.committed).toEqual([Buffer.from(bytes)]);
      await session.bye();
    } finally {
      for (const close of closing) await close();
    }
  });

  it('a password that the relay does not know is a 500 of the receiver, with the reason', async () => {
    const wrong = { ...account('tls', 'bob'), credentials: { username: 'bob', password: 'wrong' } };
    await using ends = await agents({ device: wrong });
    expect(await ends.send([content(1000)])).toMatchObject([
      { outcome: 'failed', status: 500, retryable: true, reported: false },
    ]);
    expect(ends.device.of('refused')).toMatchObject([
      { method: 'INVITE', status: 500, reason: expect.stringContaining('401 Unauthorized') },
    ]);
  });

  it('a relay that fails in the middle of a file: the rest is sent when it runs again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sip-push-relayed-'));
    const first = await startKamailioRelay(certificates);
    let restarted: Promise<KamailioRelay> | undefined;
    try {
      const accounts = { device: first.account('tls', 'bob'), sender: first.account('tls', 'psa') };
      await using ends = await agents(accounts, { data: folder });
      const bytes = content(12 * MEBIBYTE);
      const later: number[] = [];
      const receipts = await ends.send([bytes], {
        onProgress: ({ received }) => {
          if (restarted) later.push(received);
          else if (received >= 2 * MEBIBYTE)
            restarted = first.stop().then(() => startKamailioRelay(certificates, { ports: first }));
        },
      });
      expect(receipts).toMatchObject([{ outcome: 'delivered', reported: true }]);
      // Frames that the relay did not forward are sent again; bytes that the device already has are not.
      expect(Math.min(...later)).toBeGreaterThan(0);
      const { push, bytes: received } = await ends.deliveries.take();
      expect(push.attempt).toBe(2);
      expect(sha256(received)).toBe(sha256(bytes));
    } finally {
      await first.stop();
      await (await restarted)?.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });

  describePeer('tshark', 'decoded by tshark', () => {
    it('8.2.3-01: every frame is valid MSRP, and none is too long for the relay', async () => {
      await using ends = await agents({ device: account('tcp', 'bob'), sender: account('tcp', 'psa') });
      await using capture = await Capture.start({ sip: [], msrp: [relay.tcpPort] });
      const bytes = content(SIZE);
      expect(await ends.send([bytes])).toMatchObject([{ outcome: 'delivered', reported: true }]);
      await capture.stop();
      const frames = await dissectMsrp(capture.file, relay.tcpPort);
      expect(frames.filter(isInvalid)).toEqual([]);
      const carrying = frames.filter(({ contentType }) => contentType !== '');
      // To the relay, from the relay to itself for the other end, and to the other end.
      expect(carrying.reduce((sum, frame) => sum + frame.bytes, 0)).toBe(3 * SIZE);
      expect(Math.max(...carrying.map((frame) => frame.bytes))).toBe(8192);
      // Each end is challenged once, and answers.
      expect(frames.filter(({ method }) => method === 'AUTH')).toHaveLength(4);
      expect(frames.filter(({ status }) => status === '401')).toHaveLength(2);
      expect(frames.filter(({ method }) => method === 'REPORT')).toHaveLength(3);
    });
  });
});

function isInvalid(frame: DissectedFrame): boolean {
  const { protocols, malformed, method, status, transactionIds, flag } = frame;
  const [first, last] = transactionIds;
  const isMsrp = protocols.startsWith('exported_pdu:msrp') && (method === '') !== (status === '');
  return malformed || !isMsrp || first !== last || flag === '';
}

/** Files that resume, and files that were already received (core/receiver/session/README.md). */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refuse } from 'sip-push/sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import type { LevelStore } from '../../../core/platform/level.js';
import { BOB } from '../../support/agents/agents.js';
import { IDENTITY, RESOURCE, SDP, SessionReceiver } from '../../support/agents/session-receiver.js';
import { attribute, bytes, descriptionOf, mediaOf, type Offered } from '../../support/msrp/push-offers.js';
import { RawListener } from '../../support/msrp/raw-msrp.js';
import { reported, SenderEnd } from '../../support/msrp/sender-end.js';
import { request } from '../../support/sip/requests.js';
import { until } from '../../support/wait.js';

const CONTENT = bytes(1000);
const WHOLE = Buffer.from(CONTENT);
const FILE = { content: CONTENT, name: 'film.mp4', transferId: '3132a45039137536b1b7a03426463cf6' };

let folder: string;
let store: LevelStore;
let receiver: SessionReceiver;
let listener: RawListener;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sip-push-resumption-'));
  store = await platform.openStore(join(folder, 'store'));
  listener = await RawListener.open();
  receiver = await SessionReceiver.start({ store, transfers: join(folder, 'transfers') });
});
afterEach(async () => {
  await receiver.stop();
  await store.close();
  listener.close();
  await rm(folder, { recursive: true });
});

const offering = (file: Offered, lines?: readonly string[]) =>
  receiver.invite(descriptionOf([mediaOf(listener.address, file)]), lines);

/** Sends these bytes of the file, counted from 1, and ends the session. */
async function breaking(file: Offered = FILE, ...parts: [start: number, end: number][]): Promise<void> {
  const before = receiver.of('broken-off').length;
  const session = await offering(file);
  const end = await SenderEnd.bound(listener);
  for (const [start, last] of parts.length > 0 ? parts : [[1, 400] as const]) {
    expect(await end.send(CONTENT.subarray(start - 1, last), { start, flag: '+', total: 1000 })).toBe(200);
  }
  expect((await session.bye()).status).toBe(200);
  await end.peer.untilClosed();
  await until(() => expect(receiver.of('broken-off')).toHaveLength(before + 1));
}

async function restart(): Promise<void> {
  await receiver.stop();
  await store.close();
  store = await platform.openStore(join(folder, 'store'));
  receiver = await SessionReceiver.start({ store, transfers: join(folder, 'transfers') });
}

/** Sends the file from this byte on, which is accepted. */
async function finishing(start: number): Promise<void> {
  const session = await offering(FILE);
  expect(attribute(session.sdp.media[0], 'file-range')).toBe(`${start}-*`);
  const end = await SenderEnd.bound(listener);
  // RFC 5547 §8: Byte-Range counts in the message, not in the file.
  expect(await end.send(CONTENT.subarray(start - 1))).toBe(200);
  expect(await reported(end)).toMatch('000 200');
  await session.bye();
}

describe('an incomplete file', () => {
  it('8.2.1-05, 8.2.3-01: is requested from its first missing byte when offered again', async () => {
    await breaking();
    await finishing(401);
    expect(receiver.committed).toEqual([WHOLE]);
    const [first, second] = receiver.received.map(({ push }) => push);
    expect(second).toMatchObject({ id: first?.id, attempt: 2, fileName: 'film.mp4' });
    await until(() =>
      expect(receiver.of('push')).toMatchObject([
        { id: first?.id, size: 1000, sha256: platform.hash('sha-256', CONTENT), outcome: 'accepted' },
      ]),
    );
  });

  it('8.2.3-01: is accepted from a sender that sends all of it again (RFC 5547 §8)', async () => {
    await breaking();
    const session = await offering(FILE);
    expect(attribute(session.sdp.media[0], 'file-range')).toBe('401-*');
    const end = await SenderEnd.bound(listener);
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    await session.bye();
    expect(receiver.committed).toEqual([WHOLE]);
  });

  it('resumes after a restart of the device', async () => {
    await breaking();
    const [first] = receiver.received;
    await restart();
    await finishing(401);
    expect(receiver.committed).toEqual([WHOLE]);
    expect(receiver.received.map(({ push }) => [push.id, push.attempt])).toEqual([[first?.push.id, 2]]);
  });

  it('resumes repeatedly', async () => {
    await breaking();
    const session = await offering(FILE);
    expect(attribute(session.sdp.media[0], 'file-range')).toBe('401-*');
    const end = await SenderEnd.bound(listener);
    expect(await end.send(CONTENT.subarray(400, 700), { flag: '+', total: 600 })).toBe(200);
    end.peer.close();
    await session.hungUp();
    await until(() => expect(receiver.of('broken-off').at(-1)).toMatchObject({ received: 700, size: 1000 }));
    await finishing(701);
    expect(receiver.committed).toEqual([WHOLE]);
  });

  it('is requested from the first gap if it arrived out of order', async () => {
    await breaking(FILE, [501, 700], [1, 200]);
    await finishing(201);
    expect(receiver.committed).toEqual([WHOLE]);
  });

  it('of which no byte was received starts from the beginning', async () => {
    const session = await offering(FILE);
    await session.bye();
    await until(() => expect(receiver.of('broken-off')).toMatchObject([{ received: 0, resumable: false }]));
    const again = await offering(FILE);
    expect(attribute(again.sdp.media[0], 'file-range')).toBeUndefined();
  });

  it('is kept if an offer is not followed by bytes', async () => {
    await breaking();
    const session = await offering(FILE);
    await SenderEnd.bound(listener);
    await session.bye();
    const event = { received: 400, resumable: true };
    await until(() => expect(receiver.of('broken-off')).toMatchObject([event, event]));
    await finishing(401);
  });

  it('8.2.3-01: whose remaining bytes differ from the offer is refused, and starts from the beginning', async () => {
    await breaking();
    const session = await offering(FILE);
    const end = await SenderEnd.bound(listener);
    expect(await end.send(bytes(600, 13))).toBe(200);
    expect(await reported(end)).toMatch('000 400');
    await session.bye();
    const again = await offering(FILE);
    expect(attribute(again.sdp.media[0], 'file-range')).toBeUndefined();
    expect(receiver.committed).toEqual([]);
  });

  const other = bytes(1000, 17);
  it.each<[string, Offered]>([
    ['another id', { ...FILE, transferId: 'another' }],
    ['no id', { content: CONTENT, name: 'film.mp4' }],
    ['other content', { ...FILE, content: other }],
    ['another size', { ...FILE, size: 1001 }],
    ['no digest', { ...FILE, sha1: null }],
    ['another type', { ...FILE, type: 'text/plain' }],
  ])('8.2.3-01: is not resumed with %s', async (_what, file) => {
    await breaking();
    const { status, sdp } = await offering(file);
    expect(status).toBe(200);
    expect(attribute(sdp.media[0], 'file-range')).toBeUndefined();
  });

  it('8.2.1-03: is not resumed by another sender', async () => {
    await breaking();
    const lines = [RESOURCE, SDP, 'P-Asserted-Identity: <sip:other@trusted.test>'];
    const { status, sdp } = await offering(FILE, lines);
    expect(status).toBe(200);
    expect(attribute(sdp.media[0], 'file-range')).toBeUndefined();
  });
});

describe('a file that was already received', () => {
  /** Offers the file, and sends these bytes of it as one message. */
  const sendAgain = async (start = 1000, file: Offered = FILE) => {
    const session = await offering(file);
    expect(session.sdp.media[0]).toEqual(expect.arrayContaining(['m=message 9 TCP/MSRP *', 'a=recvonly']));
    const end = await SenderEnd.bound(listener);
    expect(await end.send(CONTENT.subarray(start - 1))).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    expect((await session.bye()).status).toBe(200);
    return attribute(session.sdp.media[0], 'file-range');
  };
  const sendAll = async () => {
    const session = await offering(FILE);
    const end = await SenderEnd.bound(listener);
    expect(await end.send(CONTENT)).toBe(200);
    const report = await reported(end);
    await session.bye();
    return report;
  };

  it('8.2.1-05, 8.2.3-03: is accepted from its last byte, and reported as success', async () => {
    expect(await sendAll()).toMatch('000 200');
    expect(await sendAgain()).toBe('1000-*');
    expect(receiver.received).toHaveLength(1);
    expect(receiver.of('push')).toHaveLength(1);
    expect(receiver.of('broken-off')).toEqual([]);
  });

  it('8.2.3-01, 8.2.3-03: is reported as success to a sender that sends all of it (RFC 4975, RFC 5547)', async () => {
    expect(await sendAll()).toMatch('000 200');
    await sendAgain(1);
    expect(receiver.received).toHaveLength(1);
    expect(receiver.of('push')).toHaveLength(1);
  });

  it('8.2.1-05: is recognized after a restart', async () => {
    expect(await sendAll()).toMatch('000 200');
    await restart();
    expect(await sendAgain()).toBe('1000-*');
    expect(receiver.received).toEqual([]);
  });

  it('8.2.1-05: is recognised before its application considers the offer', async () => {
    expect(await sendAll()).toMatch('000 200');
    receiver.consider = () => {
      throw refuse('declined', 'no more');
    };
    expect(await sendAgain()).toBe('1000-*');
  });

  it('8.1.1-05, 8.2.1-05: is recognised in a MESSAGE, if the sender names it the same', async () => {
    expect(await sendAll()).toMatch('000 200');
    const lines = [RESOURCE, IDENTITY, 'Content-Type: application/octet-stream'];
    const message = request('MESSAGE', BOB, lines, CONTENT);
    message.headers.set('Call-ID', FILE.transferId);
    expect((await receiver.core.exchange(message)).status).toBe(200);
    expect(receiver.received).toHaveLength(1);
  });

  it.each<[string, Offered, string[]?]>([
    ['another sender', FILE, [RESOURCE, SDP, 'P-Asserted-Identity: <sip:other@trusted.test>']],
    ['another push resource', FILE, [RESOURCE.replace('files.ua', 'files.ua,other.ua'), SDP, IDENTITY]],
    ['other content', { ...FILE, content: bytes(1000, 17) }],
  ])('8.2.1-04: is another file with %s', async (_title, file, lines) => {
    expect(await sendAll()).toMatch('000 200');
    const session = await offering(file, lines);
    expect(attribute(session.sdp.media[0], 'file-range')).toBeUndefined();
    await SenderEnd.bound(listener);
    await session.bye();
  });

  it('8.2.1-05: without a digest, is the same with its file-transfer-id in any session (RFC 5547 §6)', async () => {
    const file = { ...FILE, sha1: null };
    const session = await offering(file);
    const end = await SenderEnd.bound(listener);
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    await session.bye();
    expect(await sendAgain(1, file)).toBe('1000-*');
    expect(receiver.received).toHaveLength(1);
  });

  it('8.2.1-05: does not affect another file of the offer', async () => {
    expect(await sendAll()).toMatch('000 200');
    const media = [FILE, { content: bytes(10) }].map((file) => mediaOf(listener.address, file));
    const offer = descriptionOf(media);
    const session = await receiver.invite(offer);
    expect(attribute(session.sdp.media[0], 'file-range')).toBe('1000-*');
    const peer = await listener.accept();
    await SenderEnd.of(peer);
    const end = await SenderEnd.of(peer);
    // RFC 3264 §8: an offer without changes has the same answer.
    const again = await session.reinvite(offer);
    expect(Buffer.from(again.body)).toEqual(Buffer.from(session.answer.body));
    expect(await end.send(bytes(10))).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    expect(receiver.committed).toHaveLength(2);
  });

  it('8.2.3-03: without confirmation is decided on before the answer', async () => {
    receiver.decide = () => {
      throw refuse('busy', 'not now');
    };
    expect(await sendAll()).toMatch('000 413');
    receiver.decide = () => {};
    expect(await sendAgain()).toBe('1000-*');
    expect(receiver.committed).toEqual([WHOLE]);
    expect(receiver.of('push')).toMatchObject([
      { outcome: 'refused', status: 413 },
      { outcome: 'accepted', status: 200, size: 1000 },
    ]);
  });

  it('8.2.3-03: is answered with the new refusal of its application', async () => {
    receiver.decide = () => {
      throw refuse('busy', 'not now', { retryAfter: 7 });
    };
    expect(await sendAll()).toMatch('000 413');
    const { status, answer } = await offering(FILE);
    expect(status).toBe(486);
    expect(answer.headers.get('Retry-After')).toBe('7');
  });
});

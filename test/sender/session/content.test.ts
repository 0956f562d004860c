/** Content that fails or changes while it is sent, and connections for other sessions. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ByteRange, Content } from '../../../core/content/content.js';
import type { PushFile } from '../../../core/sender/session/outgoing-line.js';
import { BOB } from '../../support/agents/agents.js';
import {
  bytesOf,
  fileOf,
  type MediaPeer,
  OCTETS,
  Scene,
  SEVERAL_CHUNKS,
} from '../../support/agents/scripted-receiver.js';
import { sha1Of } from '../../support/msrp/push-offers.js';
import { RawMsrp } from '../../support/msrp/raw-msrp.js';

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
});
afterEach(() => scene.close());

const GOOD = fileOf(bytesOf(10), { name: 'good.bin' });
const CHUNK = 50_000;

/** @param read the content at the first, the second … reading; the last one is repeated */
function changing(...read: ((range: ByteRange | undefined) => ReadableStream<Uint8Array>)[]): PushFile {
  let readings = 0;
  const content: Content = {
    type: { type: OCTETS, parameters: {} },
    open: (range) => {
      const open = read[Math.min(readings++, read.length - 1)];
      if (!open) throw new Error('no reading');
      return open(range);
    },
    bytes: async () => new Uint8Array(0),
  };
  return { content, name: 'changing.bin' };
}

/** Bytes, followed by an error if there is one. */
function streamed(size: number, error?: Error): () => ReadableStream<Uint8Array> {
  return () => {
    let at = 0;
    return new ReadableStream({
      pull(controller) {
        if (at < size) controller.enqueue(bytesOf(size).subarray(at, at + CHUNK));
        else if (error) controller.error(error);
        else controller.close();
        at += CHUNK;
      },
    });
  };
}

/** Answers every chunk. @returns the continuation flag of the last one */
async function lastFlag({ raw }: MediaPeer): Promise<string> {
  for (;;) {
    const { request, flag } = await raw.next();
    if (!request) continue;
    if (flag !== '+') return flag;
    raw.respond(request, 200);
  }
}

describe('content', () => {
  it.each([
    ['fails in the middle', streamed(100_000, new Error('EIO: the disk failed')), /EIO: the disk failed/],
    ['is shorter than offered', streamed(100_000), /ended after 100000 of 200000 bytes/],
    ['is longer than offered', streamed(300_000), /more than its declared 200000 bytes/],
    [
      'cannot be opened',
      () => {
        throw new Error('ENOENT: it is gone');
      },
      /ENOENT: it is gone/,
    ],
  ])(
    '8.2.3-01: that %s: aborts the message, reports the reason in the receipt, and sends the others',
    async (_title, then, reason) => {
      const { receipts, offer } = await scene.push([changing(streamed(SEVERAL_CHUNKS), then), GOOD]);
      offer.accept();
      const media = await offer.connect(0);
      const good = await offer.connect(1);
      const ended = lastFlag(media);
      ended.catch(() => {});
      const closing = await scene.offer();
      expect([closing.port(0), closing.port(1)]).toEqual([0, offer.port(1)]);
      closing.accept([{ port: 0 }, {}]);
      await good.receive();
      await scene.bye();
      expect(await receipts).toMatchObject([
        {
          outcome: 'failed',
          retryable: false,
          fileName: 'changing.bin',
          reason: expect.stringMatching(reason),
        },
        { outcome: 'delivered', fileName: 'good.bin' },
      ]);
      if (!reason.test('ENOENT: it is gone')) expect(await ended).toBe('#');
    },
  );

  it('8.2.3-01: with the same size and other bytes is rejected by the receiver by its digest', async () => {
    const other = () => streamed(SEVERAL_CHUNKS)().pipeThrough(new TransformStream(FLIPPING));
    const { receipts, offer } = await scene.push([changing(streamed(SEVERAL_CHUNKS), other)]);
    expect(offer.attribute('file-selector')).toContain(`hash:sha-1:${sha1Of(bytesOf(SEVERAL_CHUNKS))}`);
    offer.accept();
    const { bytes, report } = await (await offer.connect()).message();
    expect(sha1Of(bytes)).not.toBe(sha1Of(bytesOf(SEVERAL_CHUNKS)));
    report('000 400 not the file that was offered');
    expect(await receipts).toMatchObject([
      { outcome: 'refused', status: 400, reported: true, reason: 'not the file that was offered' },
    ]);
  });

  it('8.2.2-05: that cannot be read for the offer is an error, and nothing is sent', async () => {
    const files = [changing(streamed(100_000, new Error('EIO: the disk failed')))];
    const sent = scene.sender.send({ to: BOB, app: 'mms.ua', files, mode: 'session' });
    await expect(sent).rejects.toThrow('EIO: the disk failed');
    expect(scene.core.requests).toEqual([]);
  });

  it('a callback that throws ends its own file only', async () => {
    const onProgress = ({ index }: { index: number }) => {
      if (index === 0) throw new Error('thrown by the caller');
    };
    const { receipts, offer } = await scene.push([fileOf(bytesOf(10)), GOOD], {}, { onProgress });
    offer.accept();
    await offer.connect(0);
    const good = await offer.connect(1);
    scene.core.autoAnswered.add('BYE');
    await good.receive();
    expect(await receipts).toMatchObject([
      { outcome: 'failed', retryable: false, reason: 'thrown by the caller' },
      { outcome: 'delivered' },
    ]);
  });
});

const FLIPPING: Transformer<Uint8Array, Uint8Array> = {
  transform: (chunk, controller) => controller.enqueue(chunk.map((octet) => octet ^ 1)),
};

describe('a connection', () => {
  it('8.2.3-01: for an unknown session gets 481, and the file still waits', async () => {
    const { receipts, offer } = await scene.push([GOOD]);
    offer.accept();
    const unbound = await RawMsrp.connect(offer.port());
    scene.onClose(() => unbound.close());
    const to = offer.attribute('path')?.replace(/\/[^/]+;tcp$/, '/guessed;tcp') ?? '';
    expect(await unbound.statusOf({ to, from: offer.paths[0] ?? '', messageId: 'bind' })).toBe(481);
    await (await offer.connect()).receive();
    expect(await receipts).toMatchObject([{ outcome: 'delivered' }]);
  });

  it('8.2.3-01: for a session that already has a connection gets 506', async () => {
    const { receipts, offer } = await scene.push([GOOD]);
    offer.accept();
    const media = await offer.connect();
    const second = await RawMsrp.connect(offer.port());
    scene.onClose(() => second.close());
    expect(await second.statusOf({ ...media.route, messageId: 'bind' })).toBe(506);
    await media.receive();
    expect(await receipts).toMatchObject([{ outcome: 'delivered' }]);
  });

  it('8.2.2-04: with a SEND of the receiver gets a refusal: the sender accepts no content', async () => {
    const { offer } = await scene.push([GOOD]);
    offer.accept();
    const media = await offer.connect();
    await media.acknowledge();
    expect(
      await media.raw.statusOf({ ...media.route, messageId: 'hello', range: '1-5/5', body: 'hello' }),
    ).toBe(403);
  });

  it('8.2.3-01: that sends bytes that are not MSRP is closed, and the others continue', async () => {
    const { receipts, offer } = await scene.push([GOOD]);
    offer.accept();
    const unbound = await RawMsrp.connect(offer.port());
    unbound.write('GET / HTTP/1.1\r\n\r\n');
    await unbound.untilClosed();
    await (await offer.connect()).receive();
    expect(await receipts).toMatchObject([{ outcome: 'delivered' }]);
  });
});

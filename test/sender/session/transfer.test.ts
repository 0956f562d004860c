/** The transfer of files to a receiver (TS 8.2.3, RFC 4975, RFC 5547). */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bytesOf, fileOf, PHONE, Scene, SEVERAL_CHUNKS } from '../../support/agents/scripted-receiver.js';

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
});
afterEach(async () => {
  vi.useRealTimers();
  await scene.close();
});

const CONTENT = bytesOf(SEVERAL_CHUNKS);
const fakeTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
/** Sends a push that the receiver accepts and connects for. */
async function connected(...parameters: Parameters<Scene['push']>) {
  const { receipts, offer } = await scene.push(...parameters);
  offer.accept();
  return { receipts, offer, media: await offer.connect() };
}

describe('a message', () => {
  it('8.2.3-01: has a file in chunks, each with its range and paths, and the headers of the file', async () => {
    const { receipts, offer, media } = await connected([
      fileOf(CONTENT, { disposition: 'attachment', description: 'A film' }),
    ]);
    const { first, last, bytes, report } = await media.message();
    expect(bytes.equals(CONTENT)).toBe(true);
    expect(first).toMatchObject({ method: 'SEND', toPath: offer.paths, fromPath: [media.to], flag: '+' });
    const names = ['Content-Type', 'Content-Disposition', 'Content-Description', 'Success-Report'];
    expect(names.map((name) => first.headers.get(name))).toEqual([
      'application/octet-stream',
      'attachment',
      'A film',
      'yes',
    ]);
    expect(first.headers.get('Byte-Range')).toMatch(/^1-(\*|\d+)\/200000$/);
    expect(last.headers.get('Message-ID')).toBe(first.headers.get('Message-ID'));
    expect(last.flag).toBe('$');
    report();
    expect(await receipts).toMatchObject([
      { outcome: 'delivered', status: 200, reported: true, bytes: SEVERAL_CHUNKS },
    ]);
  });

  it('8.2.3-01: has no bytes for an empty file', async () => {
    const { receipts, media } = await connected([fileOf(new Uint8Array(0))]);
    const { first, bytes } = await media.receive();
    expect([bytes.length, first.flag, first.headers.get('Content-Type')]).toEqual([
      0,
      '$',
      'application/octet-stream',
    ]);
    expect(await receipts).toMatchObject([{ outcome: 'delivered', status: 200, reported: true, bytes: 0 }]);
  });

  it('8.2.3-01: has the disposition render for content to display, without a configured one', async () => {
    const { media } = await connected([fileOf(bytesOf(10))]);
    const { first } = await media.receive();
    expect(first.headers.get('Content-Disposition')).toBe('render');
  });

  it('progress counts the bytes that the receiver acknowledged, not the written ones', async () => {
    const reported: number[] = [];
    const { receipts, media } = await connected(
      [fileOf(CONTENT)],
      {},
      { onProgress: ({ received }) => reported.push(received) },
    );
    let acknowledged = 0;
    for (;;) {
      const chunk = await media.chunk();
      expect(reported.at(-1)).toBeLessThanOrEqual(acknowledged);
      acknowledged += chunk.body.length;
      media.raw.respond(chunk, 200);
      if (chunk.flag === '$') {
        media.raw.report(chunk, `1-${SEVERAL_CHUNKS}/${SEVERAL_CHUNKS}`);
        break;
      }
    }
    await receipts;
    expect(reported).toEqual([...reported].sort((one, other) => one - other));
    expect([reported[0], reported.at(-1)]).toEqual([0, SEVERAL_CHUNKS]);
  });
});

describe('8.2.3-03: REPORT', () => {
  it('8.2.3-03: a push is delivered when the receiver has reported it, not when it answered the chunks', async () => {
    const { receipts, media } = await connected([fileOf(CONTENT)], { report: true });
    const settled = vi.fn();
    void receipts.then(settled);
    const { report } = await media.message();
    // After a round trip the sender has processed the last response.
    await media.raw.statusOf({ ...media.route, messageId: 'a round trip' });
    expect(settled).not.toHaveBeenCalled();
    report();
    expect(await receipts).toMatchObject([{ outcome: 'delivered', reported: true }]);
  });

  it.each([
    [403, 'refused', false],
    [413, 'refused', true],
    [415, 'refused', false],
    [400, 'refused', true],
  ])('8.2.3-03: a failure REPORT of %i is %s, retryable %s', async (status, outcome, retryable) => {
    const { receipts, media } = await connected([fileOf(CONTENT)]);
    const { report } = await media.message();
    report(`000 ${status} no, thanks`);
    await scene.bye();
    expect(await receipts).toMatchObject([
      { outcome, status, retryable, reported: true, reason: 'no, thanks' },
    ]);
  });

  it('8.2.3-03: parts of the file can be reported separately', async () => {
    const { receipts, media } = await connected([fileOf(CONTENT)]);
    const { first } = await media.message();
    for (const range of ['1-100000/200000', '150001-200000/200000', '100001-150000/200000']) {
      media.raw.report(first, range);
    }
    expect(await receipts).toMatchObject([{ outcome: 'delivered', reported: true }]);
  });

  it.each([CONTENT.length, 0])(
    '8.2.3-03: without one for %i bytes, a 200 for every chunk is enough unless a REPORT is required',
    async (size) => {
      fakeTimers();
      const { receipts, media } = await connected([fileOf(bytesOf(size))]);
      await media.message();
      await media.raw.statusOf({ ...media.route, messageId: 'a round trip' });
      await scene.pass(60_000);
      await scene.bye();
      expect(await receipts).toMatchObject([
        { outcome: 'delivered', status: 200, reported: false, bytes: size },
      ]);
    },
  );

  it('8.2.3-03: without a required REPORT, the file is offered again', async () => {
    fakeTimers();
    const { receipts, offer, media } = await connected([fileOf(CONTENT)], { report: true });
    await media.message();
    await media.raw.statusOf({ ...media.route, messageId: 'a round trip' });
    await scene.pass(60_000);
    await scene.bye();
    await scene.pass(1_000);
    const repeated = await scene.offer();
    expect(repeated.attribute('file-transfer-id')).toBe(offer.attribute('file-transfer-id'));
    repeated.respond(403);
    expect(await receipts).toMatchObject([{ outcome: 'refused', status: 403 }]);
  });
});

describe('a response to a chunk', () => {
  it.each([
    [400, 'refused', true],
    [403, 'refused', false],
    [413, 'refused', true],
    [415, 'refused', false],
    [423, 'refused', false],
    [501, 'refused', false],
  ])(
    '8.2.3-01: %i in the middle of a file: %s, retryable %s; nothing more of it is sent',
    async (status, outcome, retryable) => {
      const { receipts, media } = await connected([fileOf(bytesOf(5_000_000))]);
      await media.acknowledge();
      await media.acknowledge(status);
      const bye = await scene.bye();
      expect(await receipts).toMatchObject([
        { outcome, status, retryable, reported: false, terminal: PHONE, reason: expect.stringMatching(/./) },
      ]);
      expect(bye.method).toBe('BYE');
    },
  );

  it('8.2.3-01: sends the other files after one is refused in the middle', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT), fileOf(CONTENT)]);
    offer.accept();
    await (await offer.connect(0)).acknowledge(413);
    scene.core.autoAnswered.add('BYE');
    await (await offer.connect(1)).receive();
    expect(await receipts).toMatchObject([
      { outcome: 'refused', status: 413 },
      { outcome: 'delivered', status: 200 },
    ]);
  });

  it('8.2.3-01: ignores an invalid response', async () => {
    const { receipts, media } = await connected([fileOf(bytesOf(100))]);
    const chunk = await media.chunk();
    media.raw.respond({ ...chunk, transactionId: 'another1' }, 413);
    media.raw.respond(chunk, 200);
    media.raw.report(chunk, '1-100/100');
    expect(await receipts).toMatchObject([{ outcome: 'delivered' }]);
  });
});

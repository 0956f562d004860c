/** Files that broke off, offered again (RFC 5547 8; core/receiver/session/README.md). */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  bytesOf,
  fileOf,
  type MediaPeer,
  type Offered,
  Scene,
  SEVERAL_CHUNKS,
} from '../../support/scripted-receiver.js';
import { until } from '../../support/wait.js';

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
  scene.core.agrees.add('BYE');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await scene.close();
});

const CONTENT = bytesOf(SEVERAL_CHUNKS);
const DELIVERED = { outcome: 'delivered', status: 200, reported: true, bytes: SEVERAL_CHUNKS };

/** Takes a chunk, and breaks the connection. @returns the bytes that the receiver has. */
async function breakOff(media: MediaPeer): Promise<number> {
  const { body } = await media.take();
  // What was answered has been read by whom it was for when this is answered.
  await media.statusBehindChunks();
  media.raw.close();
  return body.length;
}

/** The next INVITE, after the wait for it. */
async function offeredAgain(wait = 1_000): Promise<Offered> {
  await scene.core.request('BYE');
  await scene.pass(wait);
  return await scene.offer();
}

it('a receiver that hangs up and says why is not asked again at once (RFC 3326)', async () => {
  const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
  offer.accept();
  await scene.core.request('ACK');
  const bye = offer.inDialog('BYE', 1, ['Reason: SIP;cause=500;text="no such certificate, please"']);
  expect((await scene.core.exchange(bye)).status).toBe(200);
  expect(await receipts).toMatchObject([
    {
      outcome: 'failed',
      retryable: true,
      reason: 'the receiver ended the session: no such certificate, please',
    },
  ]);
});

it('why a file is offered again is told at once', async () => {
  const told: string[] = [];
  const other = await Scene.open({ onProblem: ({ message }) => told.push(message) });
  try {
    other.core.agrees.add('BYE');
    const { offer } = await other.push([fileOf(CONTENT)]);
    offer.accept();
    await breakOff(await offer.connect());
    await other.core.request('BYE');
    await until(() =>
      expect(told).toEqual([
        expect.stringMatching(/^the session with sip:bob@domain\.test was interrupted and resumes in 1 s: ./),
      ]),
    );
  } finally {
    await other.close();
  }
});

describe('a connection that broke', () => {
  it('8.2.3-01: a new INVITE with the same file and transfer, and only what is missing is sent', async () => {
    const told: number[] = [];
    const { receipts, offer } = await scene.push(
      [fileOf(CONTENT, { name: 'a.bin' })],
      {},
      {
        onProgress: ({ received }) => told.push(received),
      },
    );
    offer.accept();
    const had = await breakOff(await offer.connect());
    const again = await offeredAgain();
    for (const name of ['file-selector', 'file-transfer-id', 'file-disposition', 'file-range']) {
      expect(again.attribute(name)).toBe(offer.attribute(name));
    }
    // Another session, though: nobody else may come for it.
    expect(again.attribute('path')).not.toBe(offer.attribute('path'));
    expect(again.invite.headers.get('Call-ID')).not.toBe(offer.invite.headers.get('Call-ID'));
    again.accept([{ lines: [`a=file-range:${had + 1}-*`] }]);
    const { first, bytes } = await (await again.connect()).receive();
    expect(bytes.equals(CONTENT.subarray(had))).toBe(true);
    // RFC 5547 8: counted in the message.
    expect(first.headers.get('Byte-Range')).toMatch(new RegExp(`^1-(\\*|\\d+)/${SEVERAL_CHUNKS - had}$`));
    expect(await receipts).toMatchObject([DELIVERED]);
    expect(told).toEqual([...told].sort((one, other) => one - other));
    expect(told.at(-1)).toBe(SEVERAL_CHUNKS);
  });

  it('8.2.3-01: a receiver that has forgotten it gets all of it', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept();
    await breakOff(await offer.connect());
    const again = await offeredAgain();
    again.accept();
    expect((await (await again.connect()).receive()).bytes.equals(CONTENT)).toBe(true);
    expect(await receipts).toMatchObject([DELIVERED]);
  });

  it('8.2.3-01: a receiver that has all of it already is sent nothing', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept();
    await breakOff(await offer.connect());
    const again = await offeredAgain();
    const lines = [
      `a=file-selector:${again.attribute('file-selector')}`,
      `a=file-range:${SEVERAL_CHUNKS + 1}-*`,
    ];
    again.accept([{ port: 0, lines }]);
    expect(await receipts).toMatchObject([{ ...DELIVERED, reported: false }]);
  });

  it('8.2.3-01: a part from the middle is what it asks for', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept([{ lines: ['a=file-range:1001-3000'] }]);
    const { bytes } = await (await offer.connect()).receive();
    expect(bytes.equals(CONTENT.subarray(1000, 3000))).toBe(true);
    expect(await receipts).toMatchObject([{ outcome: 'delivered' }]);
  });

  it('8.2.2-06: of several files those that are there, or were refused, are not offered again', async () => {
    const files = ['a.bin', 'b.bin', 'c.bin'].map((name) => fileOf(CONTENT, { name }));
    const { receipts, offer } = await scene.push(files);
    offer.accept([{}, {}, { port: 0 }]);
    const [done, broken] = [await offer.connect(0), await offer.connect(1)];
    await done.receive();
    (await scene.offer()).accept([{ port: 0 }, {}, { port: 0 }]);
    await breakOff(broken);
    const again = await offeredAgain();
    expect(again.media).toHaveLength(1);
    expect(again.attribute('file-transfer-id')).toBe(offer.attribute('file-transfer-id', 1));
    again.accept();
    await (await again.connect()).receive();
    expect((await receipts).map(({ fileName, outcome }) => [fileName, outcome])).toEqual([
      ['a.bin', 'delivered'],
      ['b.bin', 'delivered'],
      ['c.bin', 'refused'],
    ]);
  });

  it.each([408, 481, 506])(
    '8.2.3-01: a chunk that is answered %i has reached nobody: offered again',
    async (status) => {
      const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
      offer.accept();
      await (await offer.connect()).take(status);
      const again = await offeredAgain();
      again.accept();
      await (await again.connect()).receive();
      expect(await receipts).toMatchObject([DELIVERED]);
    },
  );
});

describe('how often', () => {
  /** Each offer is broken off at once, until the sender gives up. @returns how many there were. */
  async function breakAll(
    offer: Offered,
    firstWait: number,
    onOffer: (again: Offered) => Promise<void>,
  ): Promise<number> {
    let offers = 1;
    await onOffer(offer);
    for (let wait = firstWait; wait <= 32_000; wait *= 2) {
      const again = await offeredAgain(wait);
      offers++;
      await onOffer(again);
    }
    return offers;
  }

  it('8.2.2-08: without progress seven times, in about a minute; then it failed, and may be tried again', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    const offers = await breakAll(offer, 1_000, async (each) => {
      each.accept();
      (await each.connect()).raw.close();
    });
    expect(offers).toBe(7);
    expect(await receipts).toMatchObject([{ outcome: 'failed', retryable: true, reported: false }]);
    expect(scene.core.requests.filter(({ request }) => request.method === 'INVITE')).toHaveLength(7);
  });

  it('8.2.2-08: what a receiver has lost again is no progress', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept();
    // The first offer made some.
    await breakOff(await offer.connect());
    const offers = await breakAll(await offeredAgain(), 2_000, async (each) => {
      each.accept();
      await breakOff(await each.connect());
    });
    expect(offers).toBe(6);
    expect(await receipts).toMatchObject([{ outcome: 'failed', retryable: true }]);
  });

  it('8.2.2-08: with progress as often as it takes', async () => {
    const { receipts, offer } = await scene.push([fileOf(bytesOf(10))]);
    let current = offer;
    for (let have = 0; have < 9; have++) {
      current.accept([{ lines: [`a=file-range:${have + 1}-${have + 1}`] }]);
      const media = await current.connect();
      await media.take();
      await media.statusBehindChunks();
      media.raw.close();
      current = await offeredAgain();
    }
    current.accept([{ lines: ['a=file-range:10-*'] }]);
    expect((await (await current.connect()).receive()).bytes).toEqual(Buffer.from(bytesOf(10).subarray(9)));
    expect(await receipts).toMatchObject([{ outcome: 'delivered' }]);
  });

  it('8.2.2-08: a receiver that is not there meanwhile is asked again; one that refuses is not', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept();
    await breakOff(await offer.connect());
    await scene.core.request('ACK');
    (await offeredAgain()).respond(480);
    await scene.core.request('ACK');
    await scene.pass(2_000);
    (await scene.offer()).respond(403);
    expect(await receipts).toMatchObject([{ outcome: 'refused', status: 403, retryable: false }]);
  });

  it('8.2.2-08: one that asks to be left alone for longer is, and the caller is told how long', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept();
    await breakOff(await offer.connect());
    (await offeredAgain()).respond(486, [['Retry-After', '600']]);
    expect(await receipts).toMatchObject([
      { outcome: 'refused', status: 486, retryable: true, retryAfter: 600 },
    ]);
  });

  it('8.2.2-09: given up while it waits', async () => {
    const given = new AbortController();
    const { receipts, offer } = await scene.push([fileOf(CONTENT)], {}, { signal: given.signal });
    offer.accept();
    await breakOff(await offer.connect());
    await scene.core.request('BYE');
    given.abort(new Error('not wanted any more'));
    await expect(receipts).rejects.toThrow('not wanted any more');
  });
});

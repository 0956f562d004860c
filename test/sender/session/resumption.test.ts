/** Interrupted files are offered again (RFC 5547 §8; core/receiver/session/README.md). */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  bytesOf,
  fileOf,
  type MediaPeer,
  type Offered,
  Scene,
  SEVERAL_CHUNKS,
} from '../../support/agents/scripted-receiver.js';
import { until } from '../../support/wait.js';

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
  scene.core.autoAnswered.add('BYE');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await scene.close();
});

const CONTENT = bytesOf(SEVERAL_CHUNKS);
const DELIVERED = { outcome: 'delivered', status: 200, reported: true, bytes: SEVERAL_CHUNKS };

/** Accepts a chunk, and breaks the connection. @returns the bytes that the receiver has */
async function breakOff(media: MediaPeer): Promise<number> {
  const { body } = await media.acknowledge();
  // When this is answered, the sender has read the responses before it.
  await media.roundTrip();
  media.raw.close();
  return body.length;
}

/** The next INVITE, after the retry delay. */
async function offeredAgain(wait = 1_000): Promise<Offered> {
  await scene.core.request('BYE');
  await scene.pass(wait);
  return await scene.offer();
}

it('does not retry at once if the BYE of the receiver has a Reason (RFC 3326)', async () => {
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

it('reports at once why a file is offered again', async () => {
  const reported: string[] = [];
  const other = await Scene.open({ onProblem: ({ message }) => reported.push(message) });
  try {
    other.core.autoAnswered.add('BYE');
    const { offer } = await other.push([fileOf(CONTENT)]);
    offer.accept();
    await breakOff(await offer.connect());
    await other.core.request('BYE');
    await until(() =>
      expect(reported).toEqual([
        expect.stringMatching(/^the session with sip:bob@domain\.test was interrupted and resumes in 1 s: ./),
      ]),
    );
  } finally {
    await other.close();
  }
});

describe('a broken connection', () => {
  it('8.2.3-01: is followed by a new INVITE with the same file and transfer, and only the missing bytes are sent', async () => {
    const reported: number[] = [];
    const { receipts, offer } = await scene.push(
      [fileOf(CONTENT, { name: 'a.bin' })],
      {},
      {
        onProgress: ({ received }) => reported.push(received),
      },
    );
    offer.accept();
    const received = await breakOff(await offer.connect());
    const repeated = await offeredAgain();
    for (const name of ['file-selector', 'file-transfer-id', 'file-disposition', 'file-range']) {
      expect(repeated.attribute(name)).toBe(offer.attribute(name));
    }
    // The session is a new one, so that no other peer can connect to it.
    expect(repeated.attribute('path')).not.toBe(offer.attribute('path'));
    expect(repeated.invite.headers.get('Call-ID')).not.toBe(offer.invite.headers.get('Call-ID'));
    repeated.accept([{ lines: [`a=file-range:${received + 1}-*`] }]);
    const { first, bytes } = await (await repeated.connect()).receive();
    expect(bytes.equals(CONTENT.subarray(received))).toBe(true);
    // RFC 5547 §8: counted within the message.
    expect(first.headers.get('Byte-Range')).toMatch(
      new RegExp(`^1-(\\*|\\d+)/${SEVERAL_CHUNKS - received}$`),
    );
    expect(await receipts).toMatchObject([DELIVERED]);
    expect(reported).toEqual([...reported].sort((one, other) => one - other));
    expect(reported.at(-1)).toBe(SEVERAL_CHUNKS);
  });

  it('8.2.3-01: is followed by the whole file if the receiver has forgotten it', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept();
    await breakOff(await offer.connect());
    const repeated = await offeredAgain();
    repeated.accept();
    expect((await (await repeated.connect()).receive()).bytes.equals(CONTENT)).toBe(true);
    expect(await receipts).toMatchObject([DELIVERED]);
  });

  it('8.2.3-01: is followed by one byte if the receiver has all of them', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept();
    await breakOff(await offer.connect());
    const repeated = await offeredAgain();
    const lines = [
      `a=file-selector:${repeated.attribute('file-selector')}`,
      `a=file-range:${SEVERAL_CHUNKS}-*`,
    ];
    repeated.accept([{ lines }]);
    expect((await (await repeated.connect()).receive()).bytes.equals(CONTENT.subarray(-1))).toBe(true);
    expect(await receipts).toMatchObject([DELIVERED]);
  });

  it('8.2.3-01: is followed by the range that the receiver asks for', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept([{ lines: ['a=file-range:1001-3000'] }]);
    const { bytes } = await (await offer.connect()).receive();
    expect(bytes.equals(CONTENT.subarray(1000, 3000))).toBe(true);
    expect(await receipts).toMatchObject([{ outcome: 'delivered' }]);
  });

  it('8.2.2-06: is followed by an offer of the unfinished files only', async () => {
    const files = ['a.bin', 'b.bin', 'c.bin'].map((name) => fileOf(CONTENT, { name }));
    const { receipts, offer } = await scene.push(files);
    offer.accept([{}, {}, { port: 0 }]);
    const [done, broken] = [await offer.connect(0), await offer.connect(1)];
    await done.receive();
    (await scene.offer()).accept([{ port: 0 }, {}, { port: 0 }]);
    await breakOff(broken);
    const repeated = await offeredAgain();
    expect(repeated.media).toHaveLength(1);
    expect(repeated.attribute('file-transfer-id')).toBe(offer.attribute('file-transfer-id', 1));
    repeated.accept();
    await (await repeated.connect()).receive();
    expect((await receipts).map(({ fileName, outcome }) => [fileName, outcome])).toEqual([
      ['a.bin', 'delivered'],
      ['b.bin', 'delivered'],
      ['c.bin', 'refused'],
    ]);
  });

  it.each([408, 481, 506])(
    '8.2.3-01: a chunk that is answered %i was not accepted: the file is offered again',
    async (status) => {
      const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
      offer.accept();
      await (await offer.connect()).acknowledge(status);
      const repeated = await offeredAgain();
      repeated.accept();
      await (await repeated.connect()).receive();
      expect(await receipts).toMatchObject([DELIVERED]);
    },
  );
});

describe('the number of retries', () => {
  /** Every offer is interrupted at once, until the sender gives up. @returns the number of offers */
  async function breakAll(
    offer: Offered,
    firstWait: number,
    onOffer: (repeated: Offered) => Promise<void>,
  ): Promise<number> {
    let offers = 1;
    await onOffer(offer);
    for (let wait = firstWait; wait <= 32_000; wait *= 2) {
      const repeated = await offeredAgain(wait);
      offers++;
      await onOffer(repeated);
    }
    return offers;
  }

  it('8.2.2-08: is seven without progress, in about a minute; then the push is a retryable failure', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    const offers = await breakAll(offer, 1_000, async (each) => {
      each.accept();
      (await each.connect()).raw.close();
    });
    expect(offers).toBe(7);
    expect(await receipts).toMatchObject([{ outcome: 'failed', retryable: true, reported: false }]);
    expect(scene.core.requests.filter(({ request }) => request.method === 'INVITE')).toHaveLength(7);
  });

  it('8.2.2-08: counts bytes that the receiver has lost again as no progress', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept();
    // The first offer made progress.
    await breakOff(await offer.connect());
    const offers = await breakAll(await offeredAgain(), 2_000, async (each) => {
      each.accept();
      await breakOff(await each.connect());
    });
    expect(offers).toBe(6);
    expect(await receipts).toMatchObject([{ outcome: 'failed', retryable: true }]);
  });

  it('8.2.2-08: is unlimited with progress', async () => {
    const { receipts, offer } = await scene.push([fileOf(bytesOf(10))]);
    let current = offer;
    for (let have = 0; have < 9; have++) {
      current.accept([{ lines: [`a=file-range:${have + 1}-${have + 1}`] }]);
      const media = await current.connect();
      await media.acknowledge();
      await media.roundTrip();
      media.raw.close();
      current = await offeredAgain();
    }
    current.accept([{ lines: ['a=file-range:10-*'] }]);
    expect((await (await current.connect()).receive()).bytes).toEqual(Buffer.from(bytesOf(10).subarray(9)));
    expect(await receipts).toMatchObject([{ outcome: 'delivered' }]);
  });

  it('8.2.2-08: ends on a refusal, and not when the receiver is unavailable', async () => {
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

  it('8.2.2-08: ends on a longer Retry-After, which the receipt reports', async () => {
    const { receipts, offer } = await scene.push([fileOf(CONTENT)]);
    offer.accept();
    await breakOff(await offer.connect());
    (await offeredAgain()).respond(486, [['Retry-After', '600']]);
    expect(await receipts).toMatchObject([
      { outcome: 'refused', status: 486, retryable: true, retryAfter: 600 },
    ]);
  });

  it('8.2.2-09: ends when the push is aborted during the delay', async () => {
    const aborter = new AbortController();
    const { receipts, offer } = await scene.push([fileOf(CONTENT)], {}, { signal: aborter.signal });
    offer.accept();
    await breakOff(await offer.connect());
    await scene.core.request('BYE');
    aborter.abort(new Error('no longer wanted'));
    await expect(receipts).rejects.toThrow('no longer wanted');
  });
});

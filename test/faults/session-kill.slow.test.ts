/**
 * A file in session mode whose connection, sender or host is killed in its middle: it comes whole in the end, nothing
 * that was on the receiver's disk is sent again, and its application commits it once.
 */

import { expect, it, onTestFinished } from 'vitest';
import { endOfSend, FilePushes, MEBIBYTE } from '../support/agents/file-pushes.js';
import { MediaDetour } from '../support/msrp/media-detour.js';
import { startKamailio } from '../support/programs/kamailio.js';
import { describePeer } from '../support/programs/peers.js';
import { freePort } from '../support/programs/ports.js';
import type { RunningProcess } from '../support/programs/process.js';
import { scale } from '../support/scale.js';
import { eventually } from '../support/wait.js';

const SIZE = scale(32, 100) * MEBIBYTE;
/** Heads and end-lines of the chunks, and the SEND that closes a message: of what is carried, at most. */
const FRAMING = 1.02;
const ID = 'the-same-push';

async function scene() {
  const core = opened(await startKamailio());
  const mediaPort = await freePort();
  const detour = opened(await MediaDetour.start(core.trustedPort, mediaPort));
  const pushes = opened(
    await FilePushes.prepare({ host: core.server('tcp'), sender: detour.server, mediaPort }),
  );
  const sha256 = await pushes.generate('file', SIZE);

  /** Holds the transfer when so much of the file has passed, and all of that is on the disk of the host. */
  const inMidTransfer = async (share: number) => {
    await detour.held(SIZE * share);
    const there = detour.carriedInAll / FRAMING;
    await eventually('what has passed is on disk', async () => (await pushes.onDisk()) >= there || undefined);
  };
  /** What there is on the disk when the next connection begins. Rejects when the sender gives up before. */
  const resumedWith = (sending: RunningProcess) =>
    new Promise<number>((resolve, reject) => {
      void sending.exited.then(() => reject(new Error(`the sender gave up: ${sending.describe()}`)));
      detour.onConnection = async () => {
        detour.onConnection = () => {};
        resolve(await pushes.onDisk());
      };
    });
  const expectNothingTwice = (had: number) => {
    const again = detour.carried.at(-1) ?? 0;
    expect(again).toBeGreaterThan(SIZE - had);
    expect(again).toBeLessThan((SIZE - had) * FRAMING + 16 * 1024);
  };
  /** Over another start of the host, whatever that has in its inbox. */
  const expectOnce = async (host: RunningProcess) => {
    const file = await host.line(/"kind":"file"/);
    expect(JSON.parse(file)).toMatchObject({ sha256, size: SIZE, times: 1 });
    host.kill('SIGTERM');
    expect((await host.exited).code).toBe(0);
    const later = await pushes.startHost();
    expect(JSON.parse(await later.line(/"kind":"counts"/))).toMatchObject({ counts: { [sha256]: 1 } });
    expect(await pushes.onDisk()).toBe(0);
  };
  return { detour, pushes, inMidTransfer, resumedWith, expectNothingTwice, expectOnce };
}

/** Until the test ends. */
function opened<T extends AsyncDisposable>(resource: T): T {
  onTestFinished(() => resource[Symbol.asyncDispose]());
  return resource;
}

describePeer('kamailio', 'a file in mid-transfer', () => {
  it('8.2.1-08: its connection breaks repeatedly', async () => {
    const { detour, pushes, ...it } = await scene();
    const host = await pushes.startHost();
    const sending = await pushes.startSend(['file']);
    let had = 0;
    for (const share of [0.3, 0.7]) {
      await it.inMidTransfer(share);
      const resumed = it.resumedWith(sending);
      detour.cut();
      detour.release();
      had = await resumed;
      expect(had).toBeGreaterThan((SIZE * share) / FRAMING);
    }
    const { code, receipts } = await endOfSend(sending);
    expect(receipts).toMatchObject([{ outcome: 'delivered', reported: true, bytes: SIZE }]);
    expect(code).toBe(0);
    it.expectNothingTwice(had);
    await it.expectOnce(host);
  });

  it('8.2.1-08: its sender is killed and restarted with the same --id', async () => {
    const { detour, pushes, ...it } = await scene();
    const host = await pushes.startHost();
    const sending = await pushes.startSend(['file'], '--id', ID);
    await it.inMidTransfer(0.4);
    sending.kill('SIGKILL');
    await sending.exited;
    detour.release();
    const second = await pushes.startSend(['file'], '--id', ID);
    const resumed = it.resumedWith(second);
    const { code, receipts } = await endOfSend(second);
    expect(receipts).toMatchObject([{ outcome: 'delivered', reported: true, bytes: SIZE }]);
    expect(code).toBe(0);
    it.expectNothingTwice(await resumed);
    await it.expectOnce(host);
    // Once more: it is had already, and nothing is sent.
    const before = detour.carriedInAll;
    const again = await pushes.send(['file'], '--id', ID);
    expect(again.receipts).toMatchObject([{ outcome: 'delivered' }]);
    expect(detour.carriedInAll).toBe(before);
  });

  it('8.2.1-08: its host is killed and restarted on the same data', async () => {
    const { detour, pushes, ...it } = await scene();
    const host = await pushes.startHost();
    const sending = await pushes.startSend(['file']);
    await it.inMidTransfer(0.4);
    host.kill('SIGKILL');
    await host.exited;
    const had = await pushes.onDisk();
    detour.release();
    // Kamailio answers 477 as long as it has no connection to the host: no word of the host's.
    await sending.line(/was interrupted and resumes in 2 s/);
    const resumed = it.resumedWith(sending);
    const next = await pushes.startHost();
    expect(await resumed).toBe(had);
    const { code, receipts } = await endOfSend(sending);
    expect(receipts).toMatchObject([{ outcome: 'delivered', reported: true, bytes: SIZE }]);
    expect(code).toBe(0);
    it.expectNothingTwice(had);
    await it.expectOnce(next);
  });
});

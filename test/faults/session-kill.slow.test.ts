/**
 * The connection, the sender or the host is killed in the middle of a file in session mode: the file arrives complete,
 * no byte on the receiver's disk is sent again, and the application commits the file once.
 */

import { expect, it, onTestFinished } from 'vitest';
import { endOfSend, FilePushes, MEBIBYTE } from '../support/agents/file-pushes.js';
import { type KillCounts, printKills } from '../support/kill-report.js';
import { MediaDetour } from '../support/msrp/media-detour.js';
import { startKamailio } from '../support/programs/kamailio.js';
import { describePeer } from '../support/programs/peers.js';
import { freePort } from '../support/programs/ports.js';
import type { RunningProcess } from '../support/programs/process.js';
import { scale } from '../support/scale.js';
import { eventually } from '../support/wait.js';

const SIZE = scale(32, 100) * MEBIBYTE;
/** Upper bound of the ratio of all bytes of a connection to the bytes of the file, because of the MSRP framing. */
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

  /** Pauses the transfer after this share of the file, and waits until these bytes are on the disk of the host. */
  const inMidTransfer = async (share: number) => {
    await detour.pauseAfter(SIZE * share);
    const transferred = detour.carriedTotal / FRAMING;
    await eventually(
      'all transferred bytes are on disk',
      async () => (await pushes.onDisk()) >= transferred || undefined,
    );
  };
  /** Bytes on the disk when the next connection begins. Rejects if the sender gives up before. */
  const resumedWith = (sending: RunningProcess) =>
    new Promise<number>((resolve, reject) => {
      void sending.exited.then(() => reject(new Error(`the sender gave up: ${sending.describe()}`)));
      detour.onConnection = async () => {
        detour.onConnection = () => {};
        resolve(await pushes.onDisk());
      };
    });
  const expectNothingTwice = (onDisk: number) => {
    const again = detour.forwarded.at(-1) ?? 0;
    expect(again).toBeGreaterThan(SIZE - onDisk);
    expect(again).toBeLessThan((SIZE - onDisk) * FRAMING + 16 * 1024);
  };
  /** The application has committed the file once, even after another start of the host. */
  const expectOnce = async (host: RunningProcess, kills: KillCounts['kills'] = {}) => {
    const file = await host.line(/"kind":"file"/);
    expect(JSON.parse(file)).toMatchObject({ sha256, size: SIZE, times: 1 });
    host.kill('SIGTERM');
    expect((await host.exited).code).toBe(0);
    const later = await pushes.startHost();
    const { counts } = JSON.parse(await later.line(/"kind":"counts"/));
    printKills('session-kill', { mode: 'session', kills, accepted: 1, effects: [counts[sha256]] });
    expect(counts).toMatchObject({ [sha256]: 1 });
    expect(await pushes.onDisk()).toBe(0);
  };
  return { detour, pushes, inMidTransfer, resumedWith, expectNothingTwice, expectOnce };
}

/** Closes the resource at the end of the test. */
function opened<T extends AsyncDisposable>(resource: T): T {
  onTestFinished(() => resource[Symbol.asyncDispose]());
  return resource;
}

describePeer('kamailio', 'a file in mid-transfer', () => {
  it('8.2.1-08: its connection breaks repeatedly', async () => {
    const { detour, pushes, ...it } = await scene();
    const host = await pushes.startHost();
    const sending = await pushes.startSend(['file']);
    let onDisk = 0;
    for (const share of [0.3, 0.7]) {
      await it.inMidTransfer(share);
      const resumed = it.resumedWith(sending);
      detour.disconnect();
      detour.release();
      onDisk = await resumed;
      expect(onDisk).toBeGreaterThan((SIZE * share) / FRAMING);
    }
    const { code, receipts } = await endOfSend(sending);
    expect(receipts).toMatchObject([{ outcome: 'delivered', reported: true, bytes: SIZE }]);
    expect(code).toBe(0);
    it.expectNothingTwice(onDisk);
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
    await it.expectOnce(host, { sender: 1 });
    // The receiver recognizes the same push, and asks for its last byte only.
    const before = detour.carriedTotal;
    const again = await pushes.send(['file'], '--id', ID);
    expect(again.receipts).toMatchObject([{ outcome: 'delivered' }]);
    expect(detour.carriedTotal - before).toBeLessThan(SIZE / 100);
  });

  it('8.2.1-08: its host is killed and restarted on the same data', async () => {
    const { detour, pushes, ...it } = await scene();
    const host = await pushes.startHost();
    const sending = await pushes.startSend(['file']);
    await it.inMidTransfer(0.4);
    host.kill('SIGKILL');
    await host.exited;
    const onDisk = await pushes.onDisk();
    detour.release();
    // Kamailio answers 477 while it has no connection to the host.
    await sending.line(/was interrupted and resumes in 2 s/);
    const resumed = it.resumedWith(sending);
    const next = await pushes.startHost();
    expect(await resumed).toBe(onDisk);
    const { code, receipts } = await endOfSend(sending);
    expect(receipts).toMatchObject([{ outcome: 'delivered', reported: true, bytes: SIZE }]);
    expect(code).toBe(0);
    it.expectNothingTwice(onDisk);
    await it.expectOnce(next, { host: 1 });
  });
});

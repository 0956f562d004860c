import { afterEach, expect, it, vi } from 'vitest';
import { ReadControl } from '../../core/msrp/connections/flow-control.js';
import type { Channel } from '../../core/platform/sockets.js';
import { bound, type Closing, Inbox, message, pair } from '../support/msrp/sessions.js';

const closing: Closing = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const KIB = 1024;

/** A sink that completes one write in each turn of the event loop, the oldest first, and counts the pending ones. */
function slowInbox() {
  const waiting: { bytes: number; complete(): void }[] = [];
  const seen = { bytes: 0, most: 0, mostWrites: 0 };
  const completeOne = () => {
    const next = waiting.shift();
    if (!next) return;
    seen.bytes -= next.bytes;
    next.complete();
    setImmediate(completeOne);
  };
  const inbox = new Inbox((received) => {
    received.onWrite = (_offset, { length: bytes }) =>
      new Promise((complete) => {
        if (waiting.length === 0) setImmediate(completeOne);
        waiting.push({ bytes, complete });
        seen.bytes += bytes;
        seen.most = Math.max(seen.most, seen.bytes);
        seen.mostWrites = Math.max(seen.mostWrites, waiting.length);
      });
  });
  return { inbox, seen };
}

it.each([
  ['tcp', 256 * KIB],
  ['ws', 1024 * KIB],
] as const)(
  'limits the bytes that a slow sink has not written, over %s',
  async (protocol, unresolvedBytes) => {
    const { inbox, seen } = slowInbox();
    const { passive } = await pair(closing, {
      protocol,
      active: { onMessage: inbox.onMessage },
      limits: { unresolvedBytes },
    });
    const pieces = Array.from({ length: 128 }, (_, at) => Buffer.alloc(64 * KIB, at));
    const sent = passive.send(message(...pieces));
    const received = await inbox.nextEnded();
    expect(await sent).toMatchObject({ status: 200, bytes: 128 * 64 * KIB });
    expect(received.content.equals(Buffer.concat(pieces))).toBe(true);
    expect(seen.most).toBeGreaterThan(64 * KIB);
    expect(seen.most).toBeLessThanOrEqual(unresolvedBytes);
  },
);

it('limits memory by the received pieces, so that chunks of one byte do not fill it', async () => {
  const { inbox, seen } = slowInbox();
  const { peer, route } = await bound(
    closing,
    { onMessage: inbox.onMessage },
    { unresolvedBytes: 256 * KIB },
  );
  const count = 4_000;
  let frame = 0;
  for (let at = 1; at <= count; at++) {
    const before = peer.socket.bytesWritten + peer.socket.writableLength;
    peer.send({
      ...route,
      messageId: 'm',
      range: `${at}-${at}/${count}`,
      body: 'x',
      flag: at < count ? '+' : '$',
    });
    frame ||= peer.socket.bytesWritten + peer.socket.writableLength - before;
  }
  expect((await inbox.nextEnded()).size).toBe(count);
  expect(frame).toBeGreaterThan(100);
  expect(seen.mostWrites * frame).toBeLessThanOrEqual(256 * KIB);
});

it('reads content as fast as the peer answers, one chunk ahead', async () => {
  const { session, peer, route } = await bound(closing, {}, { bytesInFlight: 128 * KIB });
  let pulled = 0;
  const sent = session.send({
    ...{ contentType: 'a/b', size: 64 * 1024 * KIB, successReport: false },
    open: () =>
      new ReadableStream(
        {
          pull(controller) {
            pulled += 16 * KIB;
            controller.enqueue(new Uint8Array(16 * KIB));
          },
        },
        { highWaterMark: 0 },
      ),
  });
  const rejected = expect(sent).rejects.toThrow();
  for (let received = 0; received < 64 * KIB; ) received += (await peer.nextRequest()).body.length;
  expect(await peer.statusOf({ ...route, messageId: 'sync' })).toBe(200);
  expect(pulled).toBeLessThanOrEqual((128 + 64 + 16) * KIB);
  session.close();
  await rejected;
});

it('stops reading from a peer that does not read the answers, until it does', () => {
  const channel: Channel = {
    ...{ protocol: 'tcp', framed: false, buffered: 0 },
    ...{ local: { host: '', port: 0 }, remote: { host: '', port: 0 } },
    ...{ ondata() {}, ondrain() {}, onclose() {}, send() {}, close() {}, destroy() {} },
    ...{ pause: vi.fn(), resume: vi.fn() },
  };
  const intake = new ReadControl(channel, 1024 * KIB);
  const after = (buffered: number) => {
    Object.assign(channel, { buffered });
    intake.sent();
  };
  after(1024 * KIB);
  expect(channel.pause).not.toHaveBeenCalled();
  after(1024 * KIB + 1);
  after(2048 * KIB);
  expect(channel.pause).toHaveBeenCalledTimes(1);
  // Its sinks do not change that.
  intake.begin(64 * KIB);
  intake.release(intake.hold());
  expect(channel.resume).not.toHaveBeenCalled();
  intake.drained();
  expect(channel.resume).toHaveBeenCalledTimes(1);
});

/** Content that does not come as it was offered, or not at all: nothing of it is confirmed. */

import { PushRefused } from 'sip-push/sdk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RefusalKind } from '../../../core/errors.js';
import { PSA } from '../../support/agents.js';
import { bytes, descriptionOf, FILE, mediaOf, type Offered } from '../../support/push-offers.js';
import { RawListener } from '../../support/raw-msrp.js';
import { reported, SenderEnd } from '../../support/sender-end.js';
import { type ReceiverOptions, SessionReceiver } from '../../support/session-receiver.js';
import { until } from '../../support/wait.js';

const CONTENT = bytes(1000);

let receiver: SessionReceiver;
let listener: RawListener;
beforeEach(async () => {
  listener = await RawListener.open();
});
afterEach(async () => {
  await receiver.stop();
  listener.close();
});

/** The sender of a file whose session is bound. */
async function sending(file: Offered = {}, options: ReceiverOptions = {}) {
  receiver = await SessionReceiver.start(options);
  const session = await receiver.invite(
    descriptionOf([mediaOf(listener.address, { content: CONTENT, ...file })]),
  );
  return { session, end: await SenderEnd.bound(listener) };
}

/** Its application saw it break, and committed nothing. */
async function expectBroken(): Promise<void> {
  await until(() => expect(receiver.taken.at(-1)?.broken).toBeInstanceOf(Error));
  expect(receiver.committed).toEqual([]);
}

describe('content that is not what was offered', () => {
  it('8.2.3-01, 8.2.3-03: another SHA-1: REPORT 000 400, and the application is not left with it', async () => {
    const { end } = await sending();
    expect(await end.send(bytes(1000, 11))).toBe(200);
    expect(await reported(end)).toMatch(/^REPORT 000 400 the content has SHA-1/);
    await expectBroken();
    expect(receiver.of('push')).toMatchObject([{ outcome: 'failed', status: 400, app: 'files.ua' }]);
  });

  it('8.2.3-01: shorter than offered: REPORT 000 400', async () => {
    const { end } = await sending();
    expect(await end.send(CONTENT.subarray(0, 900))).toBe(200);
    expect(await reported(end)).toMatch('000 400');
    await expectBroken();
  });

  it('8.2.3-01: longer than offered: 413, as soon as that is so', async () => {
    const { end } = await sending();
    expect(await end.send(bytes(1001), { flag: '+', total: 2000 })).toBe(413);
    expect(await end.send(bytes(999), { start: 1002, total: 2000 })).toBe(413);
    await expectBroken();
    expect(receiver.of('push')).toMatchObject([{ outcome: 'refused', status: 413 }]);
    expect(receiver.of('broken-off')).toEqual([]);
  });

  it('8.2.1-07, 8.2.3-01: longer than the application takes: 413 (RFC 4975 8.6)', async () => {
    const options = { definition: { limits: { size: 500 } } };
    const { end } = await sending({ size: null, sha1: null }, options);
    expect(await end.send(CONTENT)).toBe(413);
    await expectBroken();
  });

  it('8.2.3-01: of another type: 415, and the file may still come', async () => {
    const { end } = await sending();
    expect(await end.send(CONTENT, { type: 'text/plain' })).toBe(415);
    expect(await end.send(CONTENT, { messageId: 'again' })).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    expect(receiver.committed).toHaveLength(1);
  });

  it('8.2.3-01: messages of a type that no application takes: 415', async () => {
    const { end } = await sending({ messages: true });
    expect(await end.send('<p>', { type: 'text/html' })).toBe(415);
    expect(receiver.taken).toEqual([]);
  });
});

describe('refused while it comes', () => {
  it.each<[RefusalKind, number]>([
    ['forbidden', 403],
    ['type', 415],
    ['size', 413],
    ['declined', 413],
    ['busy', 413],
    ['resources', 413],
    ['failed', 400],
  ])('8.2.3-01: %s: %i to what comes next', async (kind, status) => {
    const { end } = await sending();
    receiver.receive = () => {
      throw new PushRefused(kind, 'the test wants it');
    };
    // A push that is refused, of a session of its own.
    await receiver.invite(descriptionOf([mediaOf(listener.address, { content: CONTENT })]));
    const other = await SenderEnd.of(end.peer);
    await until(() => expect(receiver.taken).toHaveLength(2));
    expect(await other.send(CONTENT.subarray(0, 500), { flag: '+', total: 1000 })).toBe(status);
    expect(receiver.of('push')).toMatchObject([
      { status, outcome: kind === 'failed' ? 'failed' : 'refused', reason: 'the test wants it' },
    ]);
  });

  it.each<[RefusalKind, number]>([
    ['forbidden', 403],
    ['type', 415],
    ['declined', 413],
    ['busy', 413],
    ['failed', 400],
  ])('8.2.3-03: %s, when all has come: REPORT 000 %i', async (kind, status) => {
    const { end } = await sending();
    receiver.decide = () => {
      throw new PushRefused(kind, 'the test wants it');
    };
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch(`REPORT 000 ${status}`);
    expect(receiver.committed).toEqual([]);
  });

  it('8.2.3-01: messages that an application would not have: its status', async () => {
    const { end } = await sending({ messages: true });
    receiver.consider = () => {
      throw new PushRefused('forbidden', 'not from you');
    };
    expect(await end.send(CONTENT)).toBe(403);
    expect(receiver.taken).toEqual([]);
    expect(receiver.of('push')).toMatchObject([{ status: 403, outcome: 'refused' }]);
  });
});

describe('content that stops coming', () => {
  it('8.2.3-01: its sender gives it up: #', async () => {
    const { end } = await sending({ transferId: 'one', name: 'a.bin' });
    expect(await end.send(CONTENT.subarray(0, 400), { flag: '+', total: 1000 })).toBe(200);
    expect(await end.send(CONTENT.subarray(400, 500), { start: 401, flag: '#', total: 1000 })).toBe(200);
    await expectBroken();
    await until(() =>
      expect(receiver.of('broken-off')).toEqual([
        {
          event: 'broken-off',
          id: receiver.taken[0]?.push.id,
          app: 'files.ua',
          from: PSA,
          contentType: FILE,
          fileName: 'a.bin',
          size: 1000,
          received: 500,
          resumable: true,
          reason: 'the sender gave the message up',
        },
      ]),
    );
    expect(receiver.of('push')).toEqual([]);
  });

  it('8.2.3-01: its connection breaks: the session is ended by BYE', async () => {
    const { session, end } = await sending();
    expect(await end.send(CONTENT.subarray(0, 400), { flag: '+', total: 1000 })).toBe(200);
    end.peer.close();
    await session.hungUp();
    await expectBroken();
    await until(() => expect(receiver.of('broken-off')).toMatchObject([{ received: 400, resumable: false }]));
  });

  it('its application would not have it: nothing is kept, and that is the reason', async () => {
    receiver = await SessionReceiver.start();
    receiver.receive = () => {
      throw new PushRefused('forbidden', 'the test wants it');
    };
    const session = await receiver.invite(
      descriptionOf([mediaOf(listener.address, { content: CONTENT, transferId: 'one' })]),
    );
    await SenderEnd.bound(listener);
    await until(() => expect(receiver.taken).toHaveLength(1));
    await session.bye();
    await until(() =>
      expect(receiver.of('broken-off')).toMatchObject([{ resumable: false, reason: 'the test wants it' }]),
    );
  });

  it('8.2.3-01: nobody is where the offer says: BYE', async () => {
    receiver = await SessionReceiver.start();
    const closed = await RawListener.open();
    const { address } = closed;
    closed.close();
    const session = await receiver.invite(descriptionOf([mediaOf(address, { content: CONTENT })]));
    expect(session.status).toBe(200);
    await session.hungUp();
    await expectBroken();
    await until(() => expect(receiver.of('broken-off')).toMatchObject([{ received: 0, resumable: false }]));
  });

  it.each([403, 481, 506])('8.2.3-01: the sender refuses the session with %i: BYE', async (status) => {
    receiver = await SessionReceiver.start();
    const session = await receiver.invite(descriptionOf([mediaOf(listener.address, { content: CONTENT })]));
    const peer = await listener.accept();
    peer.respond(await peer.nextRequest(), status);
    await session.hungUp();
    await expectBroken();
  });

  describe('in time', () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
    afterEach(() => void vi.useRealTimers());

    it('8.2.3-01: a sender that is connected to and never answers: BYE after 30 s (RFC 4975 7.1.1)', async () => {
      receiver = await SessionReceiver.start();
      const session = await receiver.invite(descriptionOf([mediaOf(listener.address, { content: CONTENT })]));
      const peer = await listener.accept();
      await peer.nextRequest();
      await vi.advanceTimersByTimeAsync(30_000);
      await session.hungUp();
      await expectBroken();
    });

    it('8.2.3-01: a sender that says nothing for a minute: BYE, and what came is kept', async () => {
      const { session, end } = await sending({ transferId: 'one' });
      expect(await end.send(CONTENT.subarray(0, 400), { flag: '+', total: 1000 })).toBe(200);
      await vi.advanceTimersByTimeAsync(59_000);
      expect(await end.send(CONTENT.subarray(400, 600), { flag: '+', start: 401, total: 1000 })).toBe(200);
      await vi.advanceTimersByTimeAsync(59_000);
      expect(receiver.core.requests.filter(({ request }) => request.method === 'BYE')).toEqual([]);
      await vi.advanceTimersByTimeAsync(1_000);
      await session.hungUp();
      await end.peer.untilClosed();
      await expectBroken();
      await until(() =>
        expect(receiver.of('broken-off')).toMatchObject([
          { received: 600, resumable: true, reason: 'the sender sent nothing for 60 s' },
        ]),
      );
    });

    it('8.2.3-03: an application that thinks about it for longer than that is waited for', async () => {
      const { end } = await sending({}, { definition: { delivery: 'durable', limits: { seconds: 300 } } });
      let take = () => {};
      const asked = new Promise<void>((resolve) => {
        receiver.decide = () => {
          resolve();
          return new Promise<void>((taken) => {
            take = taken;
          });
        };
      });
      expect(await end.send(CONTENT)).toBe(200);
      await asked;
      // It is on disk: its sender is not kept waiting.
      await vi.advanceTimersByTimeAsync(15_000);
      expect(await reported(end)).toMatch('000 200');
      take();
      await until(() => expect(receiver.committed).toHaveLength(1));
    });

    it('8.2.3-03: an application that never says: REPORT 000 400 in time', async () => {
      const { end } = await sending();
      receiver.decide = () => new Promise(() => {});
      expect(await end.send(CONTENT)).toBe(200);
      await vi.advanceTimersByTimeAsync(15_000);
      expect(await reported(end)).toMatch('000 400');
      expect(receiver.committed).toEqual([]);
    });
  });
});

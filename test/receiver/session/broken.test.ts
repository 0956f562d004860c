/** Content that differs from its offer or is interrupted: it is not confirmed. */

import { refuse } from 'sip-push/sdk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RefusalKind } from '../../../core/errors.js';
import { PSA } from '../../support/agents/agents.js';
import { type ReceiverOptions, SessionReceiver } from '../../support/agents/session-receiver.js';
import { bytes, descriptionOf, FILE, mediaOf, type Offered } from '../../support/msrp/push-offers.js';
import { RawListener } from '../../support/msrp/raw-msrp.js';
import { reported, SenderEnd } from '../../support/msrp/sender-end.js';
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

/** The sender of a file in a bound session. */
async function sending(file: Offered = {}, options: ReceiverOptions = {}) {
  receiver = await SessionReceiver.start(options);
  const session = await receiver.invite(
    descriptionOf([mediaOf(listener.address, { content: CONTENT, ...file })]),
  );
  return { session, end: await SenderEnd.bound(listener) };
}

/** The application received the break, and committed nothing. */
async function expectBroken(): Promise<void> {
  await until(() => expect(receiver.received.at(-1)?.broken).toBeInstanceOf(Error));
  expect(receiver.committed).toEqual([]);
}

describe('content that differs from the offer', () => {
  it('8.2.3-01, 8.2.3-03: with another SHA-1 is reported 000 400 and not delivered', async () => {
    const { end } = await sending();
    expect(await end.send(bytes(1000, 11))).toBe(200);
    expect(await reported(end)).toMatch(/^REPORT 000 400 the content has SHA-1/);
    await expectBroken();
    expect(receiver.of('push')).toMatchObject([{ outcome: 'failed', status: 400, app: 'files.ua' }]);
  });

  it('8.2.3-01: shorter than offered is reported 000 400', async () => {
    const { end } = await sending();
    expect(await end.send(CONTENT.subarray(0, 900))).toBe(200);
    expect(await reported(end)).toMatch('000 400');
    await expectBroken();
  });

  it('8.2.3-01: longer than offered is answered 413 at once', async () => {
    const { end } = await sending();
    expect(await end.send(bytes(1001), { flag: '+', total: 2000 })).toBe(413);
    expect(await end.send(bytes(999), { start: 1002, total: 2000 })).toBe(413);
    await expectBroken();
    expect(receiver.of('push')).toMatchObject([{ outcome: 'refused', status: 413 }]);
    expect(receiver.of('broken-off')).toEqual([]);
  });

  it('8.2.1-07, 8.2.3-01: too large for the application is answered 413 (RFC 4975 §8.6)', async () => {
    const options = { definition: { maxSize: 500 } };
    const { end } = await sending({ size: null, sha1: null }, options);
    expect(await end.send(CONTENT)).toBe(413);
    await expectBroken();
  });

  it('8.2.3-01: of another type is answered 415; the file can still be sent', async () => {
    const { end } = await sending();
    expect(await end.send(CONTENT, { type: 'text/plain' })).toBe(415);
    expect(await end.send(CONTENT, { messageId: 'again' })).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    expect(receiver.committed).toHaveLength(1);
  });

  it('8.2.3-01: of a type that no application accepts is answered 415', async () => {
    const { end } = await sending({ messages: true });
    expect(await end.send('<p>', { type: 'text/html' })).toBe(415);
    expect(receiver.received).toEqual([]);
  });
});

describe('content that is refused while it arrives', () => {
  it.each<[RefusalKind, number]>([
    ['forbidden', 403],
    ['type', 415],
    ['size', 413],
    ['declined', 413],
    ['busy', 413],
    ['resources', 413],
    ['failed', 400],
  ])('8.2.3-01: as %s answers the next chunk with %i', async (kind, status) => {
    const { end } = await sending();
    receiver.receive = () => {
      throw refuse(kind, 'as configured');
    };
    // A refused push in another session.
    await receiver.invite(descriptionOf([mediaOf(listener.address, { content: CONTENT })]));
    const other = await SenderEnd.of(end.peer);
    await until(() => expect(receiver.received).toHaveLength(2));
    expect(await other.send(CONTENT.subarray(0, 500), { flag: '+', total: 1000 })).toBe(status);
    expect(receiver.of('push')).toMatchObject([
      { status, outcome: kind === 'failed' ? 'failed' : 'refused', reason: 'as configured' },
    ]);
  });

  it.each<[RefusalKind, number]>([
    ['forbidden', 403],
    ['type', 415],
    ['declined', 413],
    ['busy', 413],
    ['failed', 400],
  ])('8.2.3-03: as %s when complete is reported 000 %i', async (kind, status) => {
    const { end } = await sending();
    receiver.decide = () => {
      throw refuse(kind, 'as configured');
    };
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch(`REPORT 000 ${status}`);
    expect(receiver.committed).toEqual([]);
  });

  it('8.2.3-01: in a message is answered with the status of the application', async () => {
    const { end } = await sending({ messages: true });
    receiver.consider = () => {
      throw refuse('forbidden', 'not from you');
    };
    expect(await end.send(CONTENT)).toBe(403);
    expect(receiver.received).toEqual([]);
    expect(receiver.of('push')).toMatchObject([{ status: 403, outcome: 'refused' }]);
  });
});

describe('content that is interrupted', () => {
  it('8.2.3-01: is aborted by its sender (#)', async () => {
    const { end } = await sending({ transferId: 'one', name: 'a.bin' });
    expect(await end.send(CONTENT.subarray(0, 400), { flag: '+', total: 1000 })).toBe(200);
    expect(await end.send(CONTENT.subarray(400, 500), { start: 401, flag: '#', total: 1000 })).toBe(200);
    await expectBroken();
    await until(() =>
      expect(receiver.of('broken-off')).toEqual([
        {
          event: 'broken-off',
          id: receiver.received[0]?.push.id,
          app: 'files.ua',
          from: PSA,
          contentType: FILE,
          fileName: 'a.bin',
          size: 1000,
          received: 500,
          resumable: true,
          reason: 'the sender aborted the message',
        },
      ]),
    );
    expect(receiver.of('push')).toEqual([]);
  });

  it('8.2.3-01: ends the session by BYE if its connection is lost', async () => {
    const { session, end } = await sending();
    expect(await end.send(CONTENT.subarray(0, 400), { flag: '+', total: 1000 })).toBe(200);
    end.peer.close();
    await session.hungUp();
    await expectBroken();
    await until(() => expect(receiver.of('broken-off')).toMatchObject([{ received: 400, resumable: false }]));
  });

  it('is not kept after a final refusal of its application', async () => {
    receiver = await SessionReceiver.start();
    receiver.receive = () => {
      throw refuse('forbidden', 'as configured');
    };
    const session = await receiver.invite(
      descriptionOf([mediaOf(listener.address, { content: CONTENT, transferId: 'one' })]),
    );
    await SenderEnd.bound(listener);
    await until(() => expect(receiver.received).toHaveLength(1));
    await session.bye();
    await until(() =>
      expect(receiver.of('broken-off')).toMatchObject([{ resumable: false, reason: 'as configured' }]),
    );
  });

  it('8.2.3-01: ends the session by BYE if no peer listens', async () => {
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

  it.each([481, 506])('8.2.3-01: ends the session by BYE if the sender answers %i', async (status) => {
    receiver = await SessionReceiver.start();
    const session = await receiver.invite(descriptionOf([mediaOf(listener.address, { content: CONTENT })]));
    const peer = await listener.accept();
    peer.respond(await peer.nextRequest(), status);
    await session.hungUp();
    await expectBroken();
  });

  describe('with deadlines', () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
    afterEach(() => void vi.useRealTimers());

    it('8.2.3-01: ends the session by BYE if the sender does not answer within 30 s (RFC 4975 §7.1.1)', async () => {
      receiver = await SessionReceiver.start();
      const session = await receiver.invite(descriptionOf([mediaOf(listener.address, { content: CONTENT })]));
      const peer = await listener.accept();
      await peer.nextRequest();
      await vi.advanceTimersByTimeAsync(30_000);
      await session.hungUp();
      await expectBroken();
    });

    it('8.2.3-01: ends the session by BYE after a minute without a byte, and keeps the received part', async () => {
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

    it('8.2.3-03: reports success for a stored push although its application decides later', async () => {
      const { end } = await sending({}, { definition: { delivery: 'durable', timeout: 300 } });
      let accept = () => {};
      const deciding = new Promise<void>((resolve) => {
        receiver.decide = () => {
          resolve();
          return new Promise<void>((resolveDecision) => {
            accept = resolveDecision;
          });
        };
      });
      expect(await end.send(CONTENT)).toBe(200);
      await deciding;
      // It is on disk: the sender does not wait.
      await vi.advanceTimersByTimeAsync(15_000);
      expect(await reported(end)).toMatch('000 200');
      accept();
      await until(() => expect(receiver.committed).toHaveLength(1));
    });

    it('8.2.3-03: reports 000 400 in time if the application does not decide', async () => {
      const { end } = await sending();
      receiver.decide = () => new Promise(() => {});
      expect(await end.send(CONTENT)).toBe(200);
      await vi.advanceTimersByTimeAsync(15_000);
      expect(await reported(end)).toMatch('000 400');
      expect(receiver.committed).toEqual([]);
    });
  });
});

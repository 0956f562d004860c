/** How SIP establishes, changes and ends a session (TS 8.2.1.2; RFC 3261 §9.2, §13.3, §14.2, RFC 3264 §8). */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { IDENTITY, RESOURCE, SDP } from '../../support/agents/session-receiver.js';
import { bytes, descriptionOf, sectionsOf } from '../../support/msrp/push-offers.js';
import { reported, SenderEnd } from '../../support/msrp/sender-end.js';
import { cancelOf } from '../../support/sip/invites.js';
import { until } from '../../support/wait.js';
import { sessionScene } from './scene.js';

const CONTENT = bytes(1000);

const scene = sessionScene();

const fileOf = (name: string, transferId = name) => scene.media({ content: CONTENT, name, transferId });

/** Applications whose decision the test controls. */
function undecided(): { considered: string[]; pass(): void } {
  const waiting: (() => void)[] = [];
  const considered: string[] = [];
  scene.receiver.consider = ({ fileName = '' }) => {
    considered.push(fileName);
    return new Promise<void>((resolve) => waiting.push(resolve));
  };
  return {
    considered,
    pass: () => {
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
}

describe('an unanswered INVITE', () => {
  it('8.2.1-04: is answered 487 after a CANCEL; no other file is considered', async () => {
    const { considered, pass } = undecided();
    const invite = scene.receiver.inviteOf(descriptionOf([fileOf('first'), fileOf('second')]));
    scene.receiver.core.send(invite);
    await until(() => expect(considered).toEqual(['first']));
    const cancel = cancelOf(invite);
    scene.receiver.core.send(cancel);
    const callId = invite.headers.get('Call-ID');
    expect((await scene.receiver.core.response(callId, 487)).headers.get('CSeq')).toBe('1 INVITE');
    expect((await scene.receiver.core.response(callId, 200)).headers.get('CSeq')).toBe('1 CANCEL');
    pass();
    // The same files can be offered again.
    scene.receiver.consider = () => {};
    const offer = descriptionOf([fileOf('first'), fileOf('second')]);
    await until(async () => expect((await scene.receiver.invite(offer)).status).toBe(200));
    expect(considered).toEqual(['first']);
    expect(scene.receiver.of('refused').filter(({ status }) => status === 487)).toEqual([]);
  });

  it('is answered 486 at once when the host stops', async () => {
    const { considered } = undecided();
    const invite = scene.receiver.inviteOf(descriptionOf([fileOf('first')]));
    scene.receiver.core.send(invite);
    await until(() => expect(considered).toEqual(['first']));
    const stopped = scene.receiver.stopAgent();
    expect(
      (await scene.receiver.core.response(invite.headers.get('Call-ID'), 486)).headers.has('Retry-After'),
    ).toBe(true);
    await stopped;
  });

  describe('with deadlines', () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
    afterEach(() => void vi.useRealTimers());

    it('is answered 487 when it expires (RFC 3261 §13.3.1)', async () => {
      const { considered } = undecided();
      const offer = descriptionOf([fileOf('first')]);
      const answered = scene.receiver.invite(offer, [RESOURCE, IDENTITY, SDP, 'Expires: 2']);
      await until(() => expect(considered).toEqual(['first']));
      await vi.advanceTimersByTimeAsync(2_000);
      expect((await answered).status).toBe(487);
      expect(scene.receiver.of('refused')).toMatchObject([
        { status: 487, reason: 'the INVITE expired after 2 s' },
      ]);
    });

    it('does not expire after its answer', async () => {
      const offer = descriptionOf([fileOf('first')]);
      const session = await scene.receiver.invite(offer, [RESOURCE, IDENTITY, SDP, 'Expires: 2']);
      const end = await SenderEnd.bound(scene.listener);
      await vi.advanceTimersByTimeAsync(3_000);
      expect(await end.send(CONTENT)).toBe(200);
      expect(await reported(end)).toMatch('000 200');
      expect((await session.bye()).status).toBe(200);
    });

    it('of many files is answered 500 within a minute if the application does not answer', async () => {
      const { considered } = undecided();
      const files = Array.from({ length: 50 }, (_, index) => fileOf(`${index}`));
      const answered = scene.receiver.invite(descriptionOf(files));
      await until(() => expect(considered).toHaveLength(1));
      await vi.advanceTimersByTimeAsync(50_000);
      expect((await answered).status).toBe(500);
      expect(considered.length).toBeLessThan(20);
    });
  });
});

describe('BYE', () => {
  it('8.2.1-10, 8.2.1-10a: is answered 200, and the connection is closed', async () => {
    const session = await scene.receiver.invite(descriptionOf([fileOf('a')]));
    const end = await SenderEnd.bound(scene.listener);
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    expect((await session.bye()).status).toBe(200);
    await end.peer.untilClosed();
    expect(scene.receiver.of('broken-off')).toEqual([]);
    expect((await session.bye()).status).toBe(481);
  });

  it('8.2.1-10: during a transfer interrupts the content', async () => {
    const session = await scene.receiver.invite(descriptionOf([fileOf('a')]));
    const end = await SenderEnd.bound(scene.listener);
    expect(await end.send(CONTENT.subarray(0, 400), { flag: '+', total: 1000 })).toBe(200);
    expect((await session.bye()).status).toBe(200);
    await end.peer.untilClosed();
    await until(() => expect(scene.receiver.received[0]?.broken).toBeInstanceOf(Error));
    await until(() =>
      expect(scene.receiver.of('broken-off')).toMatchObject([
        { fileName: 'a', received: 400, resumable: true, reason: 'the sender ended the session' },
      ]),
    );
  });

  it('8.2.1-10: during the decision on complete content does not lose it', async () => {
    let accept = () => {};
    const deciding = new Promise<void>((resolve) => {
      scene.receiver.decide = () => {
        resolve();
        return new Promise<void>((resolveDecision) => {
          accept = resolveDecision;
        });
      };
    });
    const session = await scene.receiver.invite(descriptionOf([fileOf('a')]));
    const end = await SenderEnd.bound(scene.listener);
    expect(await end.send(CONTENT)).toBe(200);
    await deciding;
    expect((await session.bye()).status).toBe(200);
    await end.peer.untilClosed();
    accept();
    await until(() => expect(scene.receiver.of('push')).toMatchObject([{ outcome: 'accepted' }]));
    expect(scene.receiver.committed).toHaveLength(1);
  });

  it('8.2.1-10: of one session does not affect another of the same sender, or their connection', async () => {
    const first = await scene.receiver.invite(descriptionOf([fileOf('a')]));
    const end = await SenderEnd.bound(scene.listener);
    await scene.receiver.invite(descriptionOf([fileOf('b')]));
    const other = await SenderEnd.of(end.peer);
    expect((await first.bye()).status).toBe(200);
    expect(await other.send(CONTENT)).toBe(200);
    expect(await reported(other)).toMatch('000 200');
  });

  it('is sent by a host that stops during a transfer', async () => {
    const session = await scene.receiver.invite(descriptionOf([fileOf('a')]));
    const end = await SenderEnd.bound(scene.listener);
    expect(await end.send(CONTENT.subarray(0, 400), { flag: '+', total: 1000 })).toBe(200);
    await scene.receiver.stopAgent();
    await session.hungUp();
    await end.peer.untilClosed();
    await until(() =>
      expect(scene.receiver.of('broken-off')).toMatchObject([{ reason: 'the host is stopping' }]),
    );
  });
});

describe('a re-INVITE', () => {
  it('8.2.3-01: that closes a line does not affect the other (RFC 3264 §8.2)', async () => {
    const [first, second] = [fileOf('a'), fileOf('b')];
    const session = await scene.receiver.invite(descriptionOf([first, second]));
    const peer = await scene.listener.accept();
    const [closed, open] = [await SenderEnd.of(peer), await SenderEnd.of(peer)];
    expect(await closed.send(CONTENT.subarray(0, 400), { flag: '+', total: 1000 })).toBe(200);
    const answer = await session.reinvite(
      descriptionOf([first.replace(/m=message \d+/, 'm=message 0'), second], '127.0.0.1', 2),
    );
    expect(answer.status).toBe(200);
    const { media } = sectionsOf(answer);
    expect(media[0]).toEqual(['m=message 0 TCP/MSRP *']);
    expect(media[1]).toEqual(session.sdp.media[1]);
    await until(() =>
      expect(scene.receiver.of('broken-off')).toMatchObject([
        { fileName: 'a', received: 400, reason: 'the sender closed the media line' },
      ]),
    );
    expect(await open.send(CONTENT)).toBe(200);
    expect(await reported(open)).toMatch('000 200');
    expect(scene.receiver.committed).toHaveLength(1);
    expect((await session.bye()).status).toBe(200);
  });

  it('8.2.1-05: without changes is answered with the same answer (RFC 3264 §8)', async () => {
    const offer = descriptionOf([fileOf('a'), scene.media({ type: 'text/html' })]);
    const session = await scene.receiver.invite(offer);
    const end = await SenderEnd.bound(scene.listener);
    const answer = await session.reinvite(offer);
    expect(answer.status).toBe(200);
    expect(sectionsOf(answer)).toEqual(session.sdp);
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch('000 200');
  });

  it('8.2.1-05: that adds a file refuses it with a new version (RFC 3264 §8)', async () => {
    const first = fileOf('a');
    const session = await scene.receiver.invite(descriptionOf([first]));
    const end = await SenderEnd.bound(scene.listener);
    const answer = await session.reinvite(descriptionOf([first, fileOf('b')], '127.0.0.1', 2));
    const { session: lines, media } = sectionsOf(answer);
    expect(media).toEqual([session.sdp.media[0], ['m=message 0 TCP/MSRP *']]);
    const [, id, version] = /^o=- (\d+) (\d+)/.exec(lines[1] ?? '') ?? [];
    expect(session.sdp.session[1]).toContain(`o=- ${id} ${Number(version) - 1} `);
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch('000 200');
  });

  it.each([
    ['another transfer', (line: string) => line.replace('transfer-id:a', 'transfer-id:c')],
    ['other content', (line: string) => line.replace(/sha-1:../, 'sha-1:00')],
    ['another path', (line: string) => line.replace(/(a=path:\S+);tcp/, '$1x;tcp')],
  ])('8.2.1-05: that changes a line to %s closes it', async (_what, change) => {
    const first = fileOf('a');
    const session = await scene.receiver.invite(descriptionOf([first]));
    const end = await SenderEnd.bound(scene.listener);
    const answer = await session.reinvite(descriptionOf([change(first)], '127.0.0.1', 2));
    expect(sectionsOf(answer).media).toEqual([['m=message 0 TCP/MSRP *']]);
    await end.peer.untilClosed();
    await until(() => expect(scene.receiver.of('broken-off')).toHaveLength(1));
  });

  it.each([
    ['a multipart without SDP', '--b--\r\n', ['Content-Type: multipart/mixed;boundary=b'], 415],
    ['another body type', 'hello', ['Content-Type: text/plain'], 415],
    ['an invalid offer', 'hello', [SDP], 400],
    ['fewer lines', descriptionOf([]), [SDP], 400],
  ])('is refused with %s, and the session continues (RFC 3261 §14.2)', async (_what, body, lines, status) => {
    const session = await scene.receiver.invite(descriptionOf([fileOf('a')]));
    const end = await SenderEnd.bound(scene.listener);
    expect((await session.reinvite(body, lines)).status).toBe(status);
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    expect((await session.bye()).status).toBe(200);
  });
});

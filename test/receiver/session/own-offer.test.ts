/** INVITEs and re-INVITEs without an offer are answered with one (RFC 3261 §13.2.1, §14.2; RFC 3264 §8). */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  IDENTITY,
  type PushSession,
  RESOURCE,
  SessionReceiver,
} from '../../support/agents/session-receiver.js';
import {
  attribute,
  bytes,
  descriptionOf,
  FILE,
  mediaOf,
  sectionsOf,
} from '../../support/msrp/push-offers.js';
import { RawListener } from '../../support/msrp/raw-msrp.js';
import { reported, SenderEnd } from '../../support/msrp/sender-end.js';
import { until } from '../../support/wait.js';

const CONTENT = bytes(1000);

let receiver: SessionReceiver;
let listener: RawListener;
beforeEach(async () => {
  listener = await RawListener.open();
  receiver = await SessionReceiver.start();
});
afterEach(async () => {
  await receiver.stop();
  listener.close();
});

/** Sends an INVITE without an offer, and answers the offer in its 200. */
async function invited(answer?: string): Promise<PushSession> {
  const session = await receiver.invite('', [RESOURCE, IDENTITY], answer);
  expect(session.status).toBe(200);
  return session;
}

describe('an INVITE without an offer', () => {
  it('8.2.1-05, 8.2.1-06, 8.2.1-08: is answered 200 with an offer to receive', async () => {
    const { sdp, answer } = await invited(descriptionOf([mediaOf(listener.address, { content: CONTENT })]));
    expect(answer.headers.get('Content-Type')).toBe('application/sdp');
    expect(sdp.media).toEqual([
      [
        'm=message 9 TCP/MSRP *',
        'a=recvonly',
        'a=setup:active',
        `a=accept-types:${FILE} text/plain message/cpim`,
        `a=accept-wrapped-types:${FILE} text/plain`,
        expect.stringMatching(/^a=max-size:\d+$/),
        expect.stringMatching(/^a=path:msrp:/),
      ],
    ]);
  });

  it('8.2.1-09, 8.2.3-01: receives the file of the answer in its ACK', async () => {
    const media = mediaOf(listener.address, { content: CONTENT, name: 'a.bin' });
    const session = await invited(descriptionOf([media]));
    const end = await SenderEnd.bound(listener);
    expect(end.route.to).toBe(attribute(session.sdp.media[0], 'path'));
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    expect(receiver.committed).toEqual([Buffer.from(CONTENT)]);
    expect(receiver.received[0]?.push.fileName).toBe('a.bin');
    expect((await session.bye()).status).toBe(200);
  });

  it('8.2.3-01: receives messages, if the answer describes no file', async () => {
    await invited(descriptionOf([mediaOf(listener.address, { messages: true, acceptTypes: 'text/plain' })]));
    const end = await SenderEnd.bound(listener);
    expect(await end.send('hello', { type: 'text/plain' })).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    expect(receiver.committed).toEqual([Buffer.from('hello')]);
  });

  it.each([
    ['has no answer', undefined],
    ['is malformed', 'hello'],
    ['closes the line', descriptionOf(['m=message 0 TCP/MSRP *'])],
    ['has a type that no application accepts', descriptionOf([mediaOf({ port: 9 }, { type: 'text/html' })])],
  ])('ends with BYE if the ACK %s (RFC 3261 §13.2.2.4)', async (_what, answer) => {
    const session = await invited(answer);
    const bye = await session.hungUp();
    expect(bye.headers.get('Reason')).toMatch(/cause=488/);
    await until(() => expect(receiver.of('refused')).toMatchObject([{ status: 488 }]));
    expect(receiver.received).toEqual([]);
  });
});

describe('a re-INVITE without an offer', () => {
  it('8.2.1-05: is answered with the description of the session, and the session continues', async () => {
    const session = await receiver.invite(descriptionOf([mediaOf(listener.address, { content: CONTENT })]));
    const end = await SenderEnd.bound(listener);
    const answer = await session.reinvite('', []);
    expect(answer.status).toBe(200);
    expect(sectionsOf(answer)).toEqual(session.sdp);
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    expect((await session.bye()).status).toBe(200);
  });

  it('8.2.3-01: closes the lines that the answer in its ACK closes', async () => {
    const files = ['a', 'b'].map((name) => mediaOf(listener.address, { content: CONTENT, name }));
    const session = await receiver.invite(descriptionOf(files));
    const peer = await listener.accept();
    const [, open] = [await SenderEnd.of(peer), await SenderEnd.of(peer)];
    await session.reinvite(
      '',
      [],
      descriptionOf([files[0]?.replace(/m=message \d+/, 'm=message 0') ?? '', files[1] ?? '']),
    );
    await until(() =>
      expect(receiver.of('broken-off')).toMatchObject([
        { fileName: 'a', reason: 'the sender closed the media line' },
      ]),
    );
    expect(await open?.send(CONTENT)).toBe(200);
    const next = await session.reinvite('', []);
    expect(sectionsOf(next).media.map(([line]) => line)).toEqual([
      'm=message 0 TCP/MSRP *',
      'm=message 9 TCP/MSRP *',
    ]);
  });
});

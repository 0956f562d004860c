/** INVITEs and re-INVITEs without an offer are answered with one (RFC 3261 §13.2.1, §14.2; RFC 3264 §8). */

import { describe, expect, it } from 'vitest';
import { IDENTITY, type PushSession, RESOURCE } from '../../support/agents/session-receiver.js';
import {
  attribute,
  bytes,
  descriptionOf,
  FILE,
  mediaOf,
  sectionsOf,
} from '../../support/msrp/push-offers.js';
import { reported, SenderEnd } from '../../support/msrp/sender-end.js';
import { until } from '../../support/wait.js';
import { sessionScene } from './scene.js';

const CONTENT = bytes(1000);

const scene = sessionScene();

/** Sends an INVITE without an offer, and answers the offer in its 200. */
async function invited(answer?: string): Promise<PushSession> {
  const session = await scene.receiver.invite('', [RESOURCE, IDENTITY], answer);
  expect(session.status).toBe(200);
  return session;
}

describe('an INVITE without an offer', () => {
  it('8.2.1-05, 8.2.1-06, 8.2.1-08: is answered 200 with an offer to receive', async () => {
    const { sdp, answer } = await invited(descriptionOf([scene.media({ content: CONTENT })]));
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
    const media = scene.media({ content: CONTENT, name: 'a.bin' });
    const session = await invited(descriptionOf([media]));
    const end = await SenderEnd.bound(scene.listener);
    expect(end.route.to).toBe(attribute(session.sdp.media[0], 'path'));
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    expect(scene.receiver.committed).toEqual([Buffer.from(CONTENT)]);
    expect(scene.receiver.received[0]?.push.fileName).toBe('a.bin');
    expect((await session.bye()).status).toBe(200);
  });

  it('8.2.3-01: receives messages, if the answer describes no file', async () => {
    await invited(descriptionOf([scene.media({ messages: true, acceptTypes: 'text/plain' })]));
    const end = await SenderEnd.bound(scene.listener);
    expect(await end.send('hello', { type: 'text/plain' })).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    expect(scene.receiver.committed).toEqual([Buffer.from('hello')]);
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
    await until(() => expect(scene.receiver.of('refused')).toMatchObject([{ status: 488 }]));
    expect(scene.receiver.received).toEqual([]);
  });
});

describe('a re-INVITE without an offer', () => {
  it('8.2.1-05: is answered with the description of the session, and the session continues', async () => {
    const session = await scene.offering({ content: CONTENT });
    const end = await SenderEnd.bound(scene.listener);
    const answer = await session.reinvite('', []);
    expect(answer.status).toBe(200);
    expect(sectionsOf(answer)).toEqual(session.sdp);
    expect(await end.send(CONTENT)).toBe(200);
    expect(await reported(end)).toMatch('000 200');
    expect((await session.bye()).status).toBe(200);
  });

  it('8.2.3-01: closes the lines that the answer in its ACK closes', async () => {
    const files = ['a', 'b'].map((name) => scene.media({ content: CONTENT, name }));
    const session = await scene.receiver.invite(descriptionOf(files));
    const peer = await scene.listener.accept();
    const [, open] = [await SenderEnd.of(peer), await SenderEnd.of(peer)];
    await session.reinvite(
      '',
      [],
      descriptionOf([files[0]?.replace(/m=message \d+/, 'm=message 0') ?? '', files[1] ?? '']),
    );
    await until(() =>
      expect(scene.receiver.of('broken-off')).toMatchObject([
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

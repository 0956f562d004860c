/** Files through MSRP relays at the receiver (RFC 4976, TS 8.2.1.3). */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PushSession, SessionReceiver } from '../../support/agents/session-receiver.js';
import { attribute, bytes, descriptionOf, mediaOf } from '../../support/msrp/push-offers.js';
import { RawListener } from '../../support/msrp/raw-msrp.js';
import { type RelayLink, ScriptedRelay } from '../../support/msrp/scripted-relay.js';
import type { Closing } from '../../support/msrp/sessions.js';
import { freePort } from '../../support/programs/ports.js';
import { cancelOf } from '../../support/sip/invites.js';

const CONTENT = bytes(20_000);
const CLOSED_PORT = { port: 9 };
/** The offer of a sender behind its own relay. */
const PATH = 'msrp://192.0.2.1:2855/its-relay;tcp msrp://192.0.2.2:9/its-session;tcp';
const CREDENTIALS = { username: 'bob', password: 'bob-password' };

const closing: Closing = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(options: Parameters<typeof SessionReceiver.start>[0]): Promise<SessionReceiver> {
  const receiver = await SessionReceiver.start(options);
  closing.push(() => receiver.stop());
  return receiver;
}

const offering = (files = 1, path = PATH) =>
  descriptionOf(Array.from({ length: files }, () => mediaOf(CLOSED_PORT, { content: CONTENT, path })));

describe('a relay of the receiver', () => {
  let relay: ScriptedRelay;
  let receiver: SessionReceiver;
  beforeEach(async () => {
    relay = await ScriptedRelay.open(closing);
    receiver = await start({ relay: { uri: relay.uri, credentials: CREDENTIALS } });
  });

  /** An INVITE that is answered after the grant of the relay. */
  async function invited(
    body = offering(),
  ): Promise<{ session: PushSession; link: RelayLink; granted: string }> {
    const inviting = receiver.invite(body);
    const link = await relay.accept(closing);
    link.challenge(await link.auth());
    const granted = link.grant(await link.auth());
    return { session: await inviting, link, granted };
  }

  it('8.2.1-11, 8.2.1-08: precedes this device in the path of the answer, which is still active', async () => {
    const { session, granted } = await invited();
    expect(session.status).toBe(200);
    const path = attribute(session.sdp.media[0], 'path')?.split(' ');
    expect(path).toEqual([granted, expect.stringMatching(/^msrp:\/\/127\.0\.0\.1:9\/[!-~]{16,};tcp$/)]);
    expect(attribute(session.sdp.media[0], 'setup')).toBe('active');
    expect(session.sdp.media[0]?.[0]).toBe('m=message 9 TCP/MSRP *');
  });

  it('8.2.1-11: transfers the file and the REPORT over its connection', async () => {
    const { session, link, granted } = await invited();
    const [, ours = ''] = attribute(session.sdp.media[0], 'path')?.split(' ') ?? [];
    const binding = await link.peer.nextRequest();
    expect(binding).toMatchObject({
      method: 'SEND',
      toPath: [granted, ...PATH.split(' ')],
      fromPath: [ours],
    });
    link.peer.respond(binding, 200);

    const route = { to: ours, from: `${granted} ${PATH}`, messageId: 'file' };
    const headers = { 'Content-Type': 'application/octet-stream', 'Success-Report': 'yes' };
    const send = { ...route, headers, body: CONTENT, range: '1-20000/20000' };
    expect(await link.peer.statusOf(send)).toBe(200);
    const report = await link.peer.nextRequest();
    expect(report).toMatchObject({
      method: 'REPORT',
      toPath: [granted, ...PATH.split(' ')],
      fromPath: [ours],
    });
    expect(report.headers.get('Status')).toMatch(/^000 200/);
    expect(receiver.committed).toEqual([Buffer.from(CONTENT)]);
    expect((await session.bye()).status).toBe(200);
  });

  it('grants a URI to each file of a session', async () => {
    const inviting = receiver.invite(offering(2));
    const link = await relay.accept(closing);
    const granted = [link.grant(await link.auth()), link.grant(await link.auth())];
    const { sdp } = await inviting;
    const paths = sdp.media.map((media) => attribute(media, 'path')?.split(' '));
    expect(paths).toEqual(granted.map((uri) => [uri, expect.stringContaining('msrp://')]));
    expect(new Set(paths.flat()).size).toBe(4);
  });

  it('8.2.1-11: that refuses the password is a 500, which the sender can retry', async () => {
    const inviting = receiver.invite(offering());
    const link = await relay.accept(closing);
    link.challenge(await link.auth());
    link.challenge(await link.auth());
    const { status, answer } = await inviting;
    expect(status).toBe(500);
    expect(answer.headers.has('Retry-After')).toBe(false);
    expect(receiver.of('refused')).toMatchObject([
      { status: 500, reason: expect.stringContaining('refused the username or password') },
    ]);
    expect(receiver.committed).toEqual([]);
  });

  it.for([
    ['refuses', 500],
    ['grants nothing', 200],
  ] as const)('8.2.1-11: that %s is answered 500 with Retry-After', async ([, status]) => {
    const inviting = receiver.invite(offering());
    const link = await relay.accept(closing);
    link.answer(await link.auth(), status);
    const session = await inviting;
    expect(session.status).toBe(500);
    expect(session.answer.headers.get('Retry-After')).toBe('30');
  });

  it('that grants only one of two URIs refuses both files, and the first URI is released', async () => {
    const inviting = receiver.invite(offering(2));
    const link = await relay.accept(closing);
    const granted = link.grant(await link.auth());
    const refused = await link.auth();
    link.answer(refused, 500);
    expect((await inviting).status).toBe(500);
    const [ours = ''] = refused.fromPath;
    const late = { to: ours, from: `${granted} ${PATH}`, messageId: 'late', body: 'x' };
    expect(await link.peer.statusOf(late)).toBe(481);
  });

  it('8.2.1-04: releases its URI after a CANCEL during AUTH: 487', async () => {
    const invite = receiver.inviteOf(offering());
    receiver.core.send(invite);
    const link = await relay.accept(closing);
    const auth = await link.auth();
    receiver.core.send(cancelOf(invite));
    await receiver.core.response(invite.headers.get('Call-ID'), 487);
    const granted = link.grant(auth);
    const [ours = ''] = auth.fromPath;
    const late = { to: ours, from: `${granted} ${PATH}`, messageId: 'late', body: 'x' };
    expect(await link.peer.statusOf(late)).toBe(481);
  });

  it('whose connection is lost ends the session', async () => {
    const { session, link } = await invited();
    await link.peer.nextRequest();
    link.peer.close();
    await session.hungUp();
    const again = await invited();
    expect(again.session.status).toBe(200);
  });
});

it('8.2.1-11: answers 500 with Retry-After if the relay is unreachable', async () => {
  const receiver = await start({ relay: { uri: `msrp://127.0.0.1:${await freePort()};tcp` } });
  const { status, answer } = await receiver.invite(offering());
  expect(status).toBe(500);
  expect(answer.headers.get('Retry-After')).toBe('30');
  expect(receiver.of('refused')).toMatchObject([{ reason: expect.stringContaining('no MSRP relay') }]);
});

describe('a relay of the sender', () => {
  it('8.2.3-02, 8.2.1-11: is connected at the address in the path, not in c= and m=', async () => {
    const receiver = await start({});
    const listener = await RawListener.open();
    closing.push(() => listener.close());
    const relayListener = await RawListener.open();
    closing.push(() => relayListener.close());
    const { host, port } = listener.address;
    const path = [`msrp://${host}:${port}/its-relay;tcp`, 'msrp://192.0.2.2:9/its-session;tcp'];
    const offered = mediaOf(relayListener.address, { content: CONTENT, path: path.join(' ') });
    const session = await receiver.invite(descriptionOf([offered]));
    expect(session.status).toBe(200);
    expect(attribute(session.sdp.media[0], 'path')).not.toContain(' ');

    const peer = await listener.accept();
    closing.push(() => peer.close());
    const binding = await peer.nextRequest();
    expect(binding).toMatchObject({ method: 'SEND', toPath: path });
    peer.respond(binding, 200);
    const route = { to: binding.fromPath.join(' '), from: path.join(' '), messageId: 'file' };
    const headers = { 'Content-Type': 'application/octet-stream', 'Success-Report': 'yes' };
    const send = { ...route, headers, body: CONTENT, range: '1-20000/20000' };
    expect(await peer.statusOf(send)).toBe(200);
    const report = await peer.nextRequest();
    expect(report).toMatchObject({ method: 'REPORT', toPath: path });
    expect(receiver.committed).toEqual([Buffer.from(CONTENT)]);
  });
});

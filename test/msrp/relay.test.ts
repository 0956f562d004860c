/** Sessions behind our relay (RFC 4976 §5). */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TransportError } from '../../core/errors.js';
import type { MsrpRelay, MsrpSession, SessionOptions } from '../../core/msrp/index.js';
import { LOCAL_ADDRESS, type RelayLink, ScriptedRelay } from '../support/msrp/scripted-relay.js';
import { type Closing, Inbox, message } from '../support/msrp/sessions.js';
import { until } from '../support/wait.js';

const PEER = ['msrp://192.0.2.1:2855/their-relay;tcp', 'msrp://192.0.2.2:9/their-session;tcp'];

const closing: Closing = [];
let relay: ScriptedRelay;
let client: MsrpRelay;
beforeEach(async () => {
  relay = await ScriptedRelay.open(closing);
  client = relay.client(closing);
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const fakeTimers = () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  closing.push(() => vi.useRealTimers());
};

type Options = Pick<SessionOptions, 'onMessage' | 'onBound' | 'onClosed'>;

async function opened(options: Options = {}, expires = 3600) {
  const opening = client.open(LOCAL_ADDRESS, options);
  const link = await relay.accept(closing);
  const granted = link.grant(await link.auth(), undefined, expires);
  return { link, granted, session: await opening };
}

async function another(link: RelayLink, options: Options = {}): Promise<MsrpSession> {
  const opening = client.open(LOCAL_ADDRESS, options);
  link.grant(await link.auth());
  return await opening;
}

describe('a session behind a relay', () => {
  it('sends through the relay in chunks of at most 8 KiB (RFC 4976 §5.1, §6.4)', async () => {
    const { link, granted, session } = await opened();
    session.remotePath = PEER;
    const sending = session.send(message('x'.repeat(20_000)));
    const sizes: number[] = [];
    for (let sum = 0; sum < 20_000; sum += sizes.at(-1) ?? 0) {
      const chunk = await link.peer.nextRequest();
      expect(chunk).toMatchObject({
        method: 'SEND',
        toPath: [granted, ...PEER],
        fromPath: [session.localUri],
        flag: sum + chunk.body.length === 20_000 ? '$' : '+',
      });
      sizes.push(chunk.body.length);
      link.peer.respond(chunk, 200);
    }
    expect(Math.max(...sizes)).toBe(8192);
    expect(await sending).toMatchObject({ status: 200, bytes: 20_000 });
  });

  it('is bound once, by the first request of its peer', async () => {
    const inbox = new Inbox();
    const onBound = vi.fn();
    const { link, granted, session } = await opened({ onMessage: inbox.onMessage, onBound });
    session.remotePath = PEER;
    const route = { to: session.localUri, from: [granted, ...PEER].join(' ') };
    expect(onBound).not.toHaveBeenCalled();
    expect(await link.peer.statusOf({ ...route, messageId: 'bind', range: '1-0/0' })).toBe(200);
    expect(onBound).toHaveBeenCalledTimes(1);
    const headers = { 'Content-Type': 'text/plain', 'Success-Report': 'yes' };
    const send = { ...route, messageId: 'm', range: '1-5/5', headers, body: 'hello' };
    expect(await link.peer.statusOf(send)).toBe(200);
    const { content, reporter } = await inbox.nextEnded();
    expect(content.toString()).toBe('hello');
    reporter?.success();
    // RFC 4976 §6.4.2: back along the whole path of the request.
    const report = await link.peer.nextRequest();
    expect(report).toMatchObject({
      method: 'REPORT',
      toPath: [granted, ...PEER],
      fromPath: [session.localUri],
    });
    expect(onBound).toHaveBeenCalledTimes(1);
  });

  it('also reports a refusal, because the relay has answered 200 (RFC 4976 §6.4.3)', async () => {
    const { link, granted, session } = await opened();
    session.remotePath = PEER;
    const route = { to: session.localUri, from: [granted, ...PEER].join(' ') };
    expect(await link.peer.statusOf({ ...route, messageId: 'm', range: '1-5/5', body: 'hello' })).toBe(403);
    const report = await link.peer.nextRequest();
    expect(report.method).toBe('REPORT');
    expect(report.headers.get('Status')).toMatch(/^000 403/);
  });

  it('accepts only the peer in its path', async () => {
    const { link, granted, session } = await opened();
    session.remotePath = PEER;
    const route = { to: session.localUri, from: `${granted} msrp://192.0.2.3:9/someone-else;tcp` };
    expect(await link.peer.statusOf({ ...route, messageId: 'm', range: '1-5/5', body: 'hello' })).toBe(481);
  });

  it('continues if the relay cannot reach the peer, which can begin itself', async () => {
    const onClosed = vi.fn();
    const { link, granted, session } = await opened({ onClosed });
    session.remotePath = PEER;
    session.introduce();
    const binding = await link.peer.nextRequest();
    expect(binding).toMatchObject({ method: 'SEND', toPath: [granted, ...PEER] });
    link.peer.respond(binding, 481);
    const route = { to: session.localUri, from: [granted, ...PEER].join(' ') };
    expect(await link.peer.statusOf({ ...route, messageId: 'bind', range: '1-0/0' })).toBe(200);
    expect(onClosed).not.toHaveBeenCalled();
    expect(session.closed).toBe(false);
  });

  it('is lost with the connection; the next one opens another', async () => {
    const onClosed = vi.fn();
    const { link } = await opened({ onClosed });
    link.peer.close();
    await until(() => expect(onClosed).toHaveBeenCalledOnce());
    const { session } = await opened();
    expect(session.closed).toBe(false);
  });

  it('fails if the connection is lost during AUTH, as do the sessions behind it', async () => {
    const [first, second] = [client.open(LOCAL_ADDRESS, {}), client.open(LOCAL_ADDRESS, {})];
    const link = await relay.accept(closing);
    await link.auth();
    link.peer.close();
    await expect(first).rejects.toThrow(TransportError);
    await expect(second).rejects.toThrow(TransportError);
  });

  it('shares one connection with 200 others, each with its own URI', async () => {
    const { link, session } = await opened();
    const sessions = [session];
    for (let count = 1; count < 200; count++) sessions.push(await another(link));
    expect(new Set(sessions.map(({ localPath }) => localPath[0])).size).toBe(200);
    for (const each of sessions) {
      each.remotePath = PEER;
      each.introduce();
      const { fromPath } = await link.peer.nextRequest();
      expect(fromPath).toEqual([each.localUri]);
    }
  });

  it('keeps the connection for a minute after its last session (RFC 4976 §5.4)', async () => {
    fakeTimers();
    const { link, session } = await opened();
    session.close();
    await vi.advanceTimersByTimeAsync(59_000);
    (await another(link)).close();
    await vi.advanceTimersByTimeAsync(60_000);
    await link.peer.untilClosed();
  });

  it('close ends the sessions and rejects new ones', async () => {
    const { link, session } = await opened();
    await client.close();
    await link.peer.untilClosed();
    expect(session.closed).toBe(true);
    await expect(client.open(LOCAL_ADDRESS, {})).rejects.toThrow(TransportError);
  });
});

describe('the URI of a session', () => {
  beforeEach(fakeTimers);

  it('is renewed before it expires, repeatedly (RFC 4976 §5.1)', async () => {
    const onClosed = vi.fn();
    const { link, granted, session } = await opened({ onClosed }, 3600);
    for (let times = 0; times < 3; times++) {
      await vi.advanceTimersByTimeAsync(3_540_000 - 1);
      expect(link.peer.frames.length).toBe(0);
      await vi.advanceTimersByTimeAsync(1);
      const renewal = await link.auth();
      expect(renewal.fromPath).toEqual([session.localUri]);
      link.grant(renewal, granted, 3600);
      await until(() => expect(vi.getTimerCount()).toBe(1));
    }
    expect(onClosed).not.toHaveBeenCalled();
  });

  it('is renewed after half a minute if it lasts for a minute', async () => {
    const { link } = await opened({}, 60);
    await vi.advanceTimersByTimeAsync(30_000);
    await link.auth();
  });

  it('ends its session if it cannot be renewed', async () => {
    const onClosed = vi.fn();
    const { link, session } = await opened({ onClosed }, 600);
    await vi.advanceTimersByTimeAsync(540_000);
    link.grant(await link.auth());
    await until(() => expect(onClosed).toHaveBeenCalledOnce());
    expect(onClosed.mock.calls[0]?.[0]).toMatchObject({
      message: expect.stringContaining('about to expire'),
    });
    expect(session.closed).toBe(true);
  });

  it('is not renewed after its session is closed', async () => {
    const { link, session } = await opened({}, 600);
    const other = await another(link);
    session.close();
    await vi.advanceTimersByTimeAsync(540_000);
    expect(link.peer.frames.length).toBe(0);
    await vi.advanceTimersByTimeAsync(3_000_000);
    const renewal = await link.auth();
    other.close();
    link.grant(renewal, other.localPath[0]);
    await vi.advanceTimersByTimeAsync(60_000);
    await link.peer.untilClosed();
    expect(vi.getTimerCount()).toBe(0);
  });
});

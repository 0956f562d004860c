import { afterEach, expect, it, vi } from 'vitest';
import { ConfigurationError, LimitError, TimeoutError, TransportError } from '../../core/errors.js';
import { localMsrpUri, MsrpConnector, MsrpListener } from '../../core/msrp/index.js';
import { Mailbox } from '../support/mailbox.js';
import { bound, type Closing, expecting, Inbox, LOOPBACK, message, pair } from '../support/msrp.js';
import { RawListener, RawMsrp } from '../support/raw-msrp.js';

const closing: Closing = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

const fakeTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

/** A raw passive end, and a connector. */
async function connecting(limits = {}) {
  const raw = await RawListener.open();
  const connector = new MsrpConnector({ limits });
  closing.push(
    () => connector.close(),
    () => raw.close(),
  );
  const here = localMsrpUri('tcp', { host: '127.0.0.1', port: 9 });
  const there = localMsrpUri('tcp', raw.address);
  return { raw, connector, here, there, options: { localUri: here, remotePath: [there] } };
}

it('8.2.3-01: the active end says at once which session it comes for, by a SEND without a body (RFC 4975 5.4)', async () => {
  const { raw, connector, here, there, options } = await connecting();
  await connector.connect('tcp', raw.address, options);
  const peer = await raw.accept();
  const { method, toPath, fromPath, headers, body, flag } = await peer.nextRequest();
  expect({ method, toPath, fromPath, body: body.length, flag }).toEqual({
    ...{ method: 'SEND', toPath: [there], fromPath: [here], body: 0, flag: '$' },
  });
  expect(headers.has('Message-ID')).toBe(true);
  expect(headers.has('Content-Type')).toBe(false);
});

it('5.4: a session that waits is bound to the connection of the first request to its URI, which is answered 200', async () => {
  const onBound = vi.fn();
  const inbox = new Inbox();
  const { peer, route } = await expecting(closing, { onBound, onMessage: inbox.onMessage });
  expect(await peer.statusOf({ ...route, messageId: 'm1' })).toBe(200);
  expect(onBound).toHaveBeenCalledTimes(1);
  expect(await peer.statusOf({ ...route, messageId: 'm2' })).toBe(200);
  expect(onBound).toHaveBeenCalledTimes(1);
  expect(inbox.messages).toEqual([]);
});

it('5.4: one port serves every session, on a connection each or on one for several', async () => {
  const { listener, peer, there } = await expecting(closing);
  const inboxes = [0, 1, 2].map(() => new Inbox());
  const uris = inboxes.map(({ onMessage }) => {
    const localUri = localMsrpUri('tcp', listener.address);
    listener.expect({ localUri, onMessage });
    return localUri;
  });
  const other = await RawMsrp.connect(listener.address.port);
  closing.push(() => other.close());
  for (const [index, to] of uris.entries()) {
    const by = index < 2 ? peer : other;
    expect(await by.statusOf({ to, from: there, messageId: `m${index}`, body: `to ${index}` })).toBe(200);
  }
  for (const [index, inbox] of inboxes.entries()) {
    expect((await inbox.over()).content.toString()).toBe(`to ${index}`);
  }
});

it('5.4: several sessions of the active end share a connection, which goes with the last one', async () => {
  const { raw, connector, options } = await connecting();
  const [first, second] = await Promise.all([
    connector.connect('tcp', raw.address, options),
    connector.connect('tcp', raw.address, {
      localUri: localMsrpUri('tcp', LOOPBACK),
      remotePath: [localMsrpUri('tcp', raw.address)],
    }),
  ]);
  const peer = await raw.accept();
  const bindings = [await peer.nextRequest(), await peer.nextRequest()];
  expect(new Set(bindings.map(({ fromPath }) => fromPath[0]))).toEqual(
    new Set([first.localUri, second.localUri]),
  );
  first.close();
  const third = await connector.connect('tcp', raw.address, {
    ...options,
    localUri: localMsrpUri('tcp', LOOPBACK),
  });
  expect((await peer.nextRequest()).fromPath).toEqual([third.localUri]);
  second.close();
  third.close();
  await peer.untilClosed();
  // And a new one is made when it is needed again.
  await connector.connect('tcp', raw.address, options);
  await raw.accept();
});

it('10.7: a request to a session that does not exist is answered 481', async () => {
  const { listener, peer, there, route } = await bound(closing);
  const unknown = localMsrpUri('tcp', listener.address);
  expect(await peer.statusOf({ to: unknown, from: there, messageId: 'm' })).toBe(481);
  // We are no relay.
  expect(await peer.statusOf({ ...route, to: `${route.to} ${unknown}`, messageId: 'm' })).toBe(481);
  expect(await peer.statusOf({ ...route, messageId: 'm' })).toBe(200);
});

it('10.9: a request to a session that another connection is bound to is answered 506', async () => {
  const { listener, peer, route } = await bound(closing);
  const other = await RawMsrp.connect(listener.address.port);
  closing.push(() => other.close());
  expect(await other.statusOf({ ...route, messageId: 'm' })).toBe(506);
  expect(await peer.statusOf({ ...route, messageId: 'm' })).toBe(200);
});

it('5.4: a session is for the peer that the SDP named, whatever host and port it says it has', async () => {
  const { peer, route, there } = await expecting(closing);
  expect(await peer.statusOf({ ...route, from: localMsrpUri('tcp', LOOPBACK), messageId: 'm' })).toBe(481);
  const translated = there.replace('127.0.0.1:9/', '198.51.100.7:2855/');
  expect(translated).not.toBe(there);
  expect(await peer.statusOf({ ...route, from: translated, messageId: 'm' })).toBe(200);
});

it('5.4: where the SDP of the peer is late, its path is that of its first request', async () => {
  const { peer, session, there, route } = await expecting(closing, { remotePath: [] });
  const sent = session.send(message('early'));
  expect(await peer.statusOf({ ...route, messageId: 'm' })).toBe(200);
  const request = await peer.nextRequest();
  expect(request.toPath).toEqual([there]);
  peer.respond(request, 200);
  expect(await sent).toMatchObject({ status: 200 });
});

it.each([
  ['501: a method that we do not know', { method: 'NICKNAME' }, 501],
  ['501: AUTH, which is for relays', { method: 'AUTH' }, 501],
  ['400: malformed headers', { headers: { 'Success-Report': 'yes\r\nno header' } }, 400],
  ['400: a message without Message-ID', { body: 'x' }, 400],
  [
    '400: a message with a Message-ID of a thousand characters',
    { body: 'x', messageId: 'm'.repeat(1000) },
    400,
  ],
  ['400: a malformed Byte-Range', { body: 'x', messageId: 'm', range: '0-1/1' }, 400],
  ['400: content without Content-Type', { headers: { 'Content-Type': '' }, body: 'x', messageId: 'm' }, 400],
  ['403: a message, to a session that takes none', { body: 'x', messageId: 'm' }, 403],
])('RFC 4975 10, %s', async (_what, options, status) => {
  const { peer, route } = await bound(closing);
  expect(await peer.statusOf({ ...route, ...options })).toBe(status);
  expect(await peer.statusOf({ ...route, messageId: 'after' })).toBe(200);
});

it('7.2: a response to a SEND goes one hop back, and others all the way', async () => {
  const { peer, here, there } = await expecting(closing);
  const relay = 'msrp://relay.test:2855/r;tcp';
  peer.send({ to: here, from: `${relay} ${there}`, messageId: 'm' });
  expect(await peer.nextResponse()).toMatchObject({ toPath: [relay], fromPath: [here] });
  peer.send({ to: here, from: `${relay} ${there}`, method: 'AUTH' });
  expect(await peer.nextResponse()).toMatchObject({ status: 501, toPath: [relay, there], fromPath: [here] });
});

it('a peer that does not have the session, or gives no answer, closes it', async () => {
  for (const status of [481, 506, 403, 408]) {
    const { raw, connector, options } = await connecting();
    const closed = new Mailbox<Error | undefined>('the end of the session');
    const session = await connector.connect('tcp', raw.address, {
      ...options,
      onClosed: (error) => closed.put(error),
    });
    const peer = await raw.accept();
    peer.respond(await peer.nextRequest(), status, 'so');
    const error = await closed.take();
    expect(error).toBeInstanceOf(TransportError);
    expect(error?.message).toContain(`${status} so`);
    expect(session.closed).toBe(true);
    await expect(session.send(message('x'))).rejects.toBeInstanceOf(TransportError);
    await peer.untilClosed();
  }
  fakeTimers();
  const { raw, connector, options } = await connecting();
  const onClosed = vi.fn();
  await connector.connect('tcp', raw.address, { ...options, onClosed });
  await (await raw.accept()).nextRequest();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(onClosed).toHaveBeenCalledWith(expect.any(TimeoutError));
});

it('a peer that does not know SENDs without a body has the session all the same', async () => {
  const { raw, connector, options } = await connecting();
  const session = await connector.connect('tcp', raw.address, options);
  const peer = await raw.accept();
  peer.respond(await peer.nextRequest(), 415);
  const sent = session.send(message('x'));
  peer.respond(await peer.nextRequest(), 200);
  expect(await sent).toMatchObject({ status: 200 });
});

it('a connection that serves no session is closed after 30 s, at first and later', async () => {
  fakeTimers();
  const { listener, peer, session, route } = await bound(closing);
  const idle = await RawMsrp.connect(listener.address.port);
  closing.push(() => idle.close());
  expect(await idle.statusOf({ ...route, messageId: 'm' })).toBe(506);
  await vi.advanceTimersByTimeAsync(30_000);
  await idle.untilClosed();
  expect(await peer.statusOf({ ...route, messageId: 'm' })).toBe(200);
  session.close();
  expect(await peer.statusOf({ ...route, messageId: 'm' })).toBe(481);
  await vi.advanceTimersByTimeAsync(30_000);
  await peer.untilClosed();
});

it('what is sent before the peer has connected waits for it, 30 s', async () => {
  fakeTimers();
  const { listener, session, route } = await expecting(closing);
  const early = expect(session.send(message('x'))).rejects.toBeInstanceOf(TimeoutError);
  await vi.advanceTimersByTimeAsync(30_000);
  await early;
  const late = session.send(message('y'));
  const peer = await RawMsrp.connect(listener.address.port);
  closing.push(() => peer.close());
  peer.send({ ...route, messageId: 'bind' });
  await peer.nextResponse();
  peer.respond(await peer.nextRequest(), 200);
  expect(await late).toMatchObject({ status: 200, bytes: 1 });
});

it('what is no MSRP ends its connection, and no other', async () => {
  const onClosed = vi.fn();
  const { listener, peer, session, route } = await bound(closing, { onClosed });
  const other = await RawMsrp.connect(listener.address.port);
  other.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n');
  await other.untilClosed();
  expect(await peer.statusOf({ ...route, messageId: 'm' })).toBe(200);
  const sent = session.send(message('x'));
  await peer.nextRequest();
  peer.write('and now this\r\n');
  await expect(sent).rejects.toBeInstanceOf(TransportError);
  expect(onClosed).toHaveBeenCalledWith(expect.any(TransportError));
});

it('a lost connection ends everything on it at once; one that the peer closed has no error', async () => {
  const inbox = new Inbox();
  const closed = new Mailbox<{ error: Error | undefined }>('the end of the session');
  const onClosed = (error?: Error) => closed.put({ error });
  const { peer, session, route } = await bound(closing, { onMessage: inbox.onMessage, onClosed });
  const sent = session.send(message('x'));
  await peer.nextRequest();
  peer.send({ ...route, messageId: 'm', body: 'half', range: '1-*/8', flag: '+' });
  await peer.nextResponse();
  const rejected = expect(sent).rejects.toBeInstanceOf(TransportError);
  peer.socket.end();
  expect(await closed.take()).toEqual({ error: undefined });
  await rejected;
  expect((await inbox.over()).aborted).toBeInstanceOf(TransportError);
  expect(session.closed).toBe(true);

  const reset = await bound(closing, { onClosed });
  reset.peer.socket.resetAndDestroy();
  expect((await closed.take()).error).toBeInstanceOf(TransportError);
});

it('close leaves nothing open, and tells the peer what it will not get', async () => {
  fakeTimers();
  const inbox = new Inbox((received) => {
    received.onWrite = () => new Promise(() => {});
  });
  const onClosed = vi.fn();
  const { listener, peer, session, route } = await bound(closing, { onMessage: inbox.onMessage, onClosed });
  const sent = session.send({
    ...message('half'),
    size: 8,
    open: () =>
      new ReadableStream({
        start: (controller) => controller.enqueue(Buffer.from('half')),
      }),
  });
  const rejected = expect(sent).rejects.toBeInstanceOf(TransportError);
  const half = await peer.nextRequest();
  peer.send({ ...route, messageId: 'm', body: 'x' });
  await inbox.begun();
  session.close();
  await rejected;
  const { headers, flag } = await peer.nextRequest();
  expect(flag).toBe('#');
  expect(headers.get('Message-ID')).toBe(half.headers.get('Message-ID'));
  expect((await peer.nextResponse()).status).toBe(481);
  expect((await inbox.over()).aborted).toBeInstanceOf(TransportError);
  await listener.close();
  await peer.untilClosed();
  expect(vi.getTimerCount()).toBe(0);
  expect(onClosed).not.toHaveBeenCalled();
  expect(() => listener.expect({ localUri: route.to })).toThrow(TransportError);
});

it('closing one end is the end of the other', async () => {
  const closed = new Mailbox<true>('the end of the session');
  const { connector, passive, active } = await pair(closing, {
    passive: { onClosed: () => closed.put(true) },
  });
  active.close();
  await closed.take();
  expect(passive.closed).toBe(true);
  await connector.close();
  await expect(
    connector.connect('tcp', { host: '127.0.0.1', port: 1 }, { localUri: active.localUri }),
  ).rejects.toBeInstanceOf(TransportError);
});

it('connecting ends with its signal, and with the connector; others go on', async () => {
  const { raw, connector, here, there, options } = await connecting();
  const aborting = new AbortController();
  const reason = new Error('enough');
  const other = { localUri: localMsrpUri('tcp', LOOPBACK), remotePath: [there] };
  const first = connector.connect('tcp', raw.address, options, aborting.signal);
  const second = connector.connect('tcp', raw.address, other);
  aborting.abort(reason);
  await expect(first).rejects.toBe(reason);
  await second;
  const peer = await raw.accept();
  expect((await peer.nextRequest()).fromPath).toEqual([other.localUri]);
  // The URI is free again.
  await connector.connect('tcp', raw.address, options);
  expect((await peer.nextRequest()).fromPath).toEqual([here]);
  await expect(connector.connect('tcp', raw.address, other, aborting.signal)).rejects.toBe(reason);

  const third = connector.connect('ws', raw.address, { localUri: localMsrpUri('ws', LOOPBACK) });
  const ended = expect(third).rejects.toBeInstanceOf(TransportError);
  await connector.close();
  await ended;
  await peer.untilClosed();
});

it('nobody there: TransportError', async () => {
  const connector = new MsrpConnector();
  const listener = await MsrpListener.open({ protocol: 'tcp', at: LOOPBACK });
  await listener.close();
  const localUri = localMsrpUri('tcp', LOOPBACK);
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(connector.connect('tcp', listener.address, { localUri })).rejects.toBeInstanceOf(
      TransportError,
    );
  }
});

it('sessions have limits, and URIs of their own', async () => {
  const { listener, here } = await expecting(closing, {}, { sessions: 2 });
  expect(() => listener.expect({ localUri: here })).toThrow(ConfigurationError);
  expect(() => listener.expect({ localUri: 'msrp://127.0.0.1:9;tcp' })).toThrow(ConfigurationError);
  const second = listener.expect({ localUri: localMsrpUri('tcp', LOOPBACK) });
  expect(() => listener.expect({ localUri: localMsrpUri('tcp', LOOPBACK) })).toThrow(LimitError);
  second.close();
  listener.expect({ localUri: localMsrpUri('tcp', LOOPBACK) });
});

it('4976 5: out through our own relays, the nearest first, and by the path that the peer gave', async () => {
  const { raw, connector, here, there } = await connecting();
  const [outer, inner, theirs] = ['outer', 'inner', 'theirs'].map(
    (name) => `msrps://${name}.test:2855/x;tcp`,
  );
  if (!outer || !inner || !theirs) throw new Error('unreachable');
  const localPath = [outer, inner, here];
  const session = await connector.connect('tcp', raw.address, { localUri: here, localPath });
  // Its path was not known yet: nobody to introduce oneself to.
  session.remotePath = [theirs, there];
  const sent = session.send(message('x'));
  const peer = await raw.accept();
  const { toPath, fromPath, ...request } = await peer.nextRequest();
  expect({ toPath, fromPath }).toEqual({ toPath: [inner, outer, theirs, there], fromPath: [here] });
  peer.respond({ ...request, toPath, fromPath }, 200);
  expect(await sent).toMatchObject({ status: 200 });
});

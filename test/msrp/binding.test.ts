import { afterEach, expect, it, vi } from 'vitest';
import { ConfigurationError, LimitError, TimeoutError, TransportError } from '../../core/errors.js';
import { localMsrpUri, MsrpConnector, MsrpListener } from '../../core/msrp/index.js';
import { Mailbox } from '../support/mailbox.js';
import { RawListener, RawMsrp } from '../support/msrp/raw-msrp.js';
import { bound, type Closing, expecting, Inbox, LOOPBACK, message, pair } from '../support/msrp/sessions.js';

const closing: Closing = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0).reverse()) await close();
});

const fakeTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

/** A raw passive end and a connector. */
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

it('8.2.3-01: the active end binds the session at once, by a SEND without a body (RFC 4975 §5.4)', async () => {
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

it('binds a waiting session to the connection of the first request to its URI, and answers 200 (RFC 4975 §5.4)', async () => {
  const onBound = vi.fn();
  const inbox = new Inbox();
  const { peer, route } = await expecting(closing, { onBound, onMessage: inbox.onMessage });
  expect(await peer.statusOf({ ...route, messageId: 'm1' })).toBe(200);
  expect(onBound).toHaveBeenCalledTimes(1);
  expect(await peer.statusOf({ ...route, messageId: 'm2' })).toBe(200);
  expect(onBound).toHaveBeenCalledTimes(1);
  expect(inbox.messages).toEqual([]);
});

it('serves every session on one port, on separate or shared connections (RFC 4975 §5.4)', async () => {
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
    expect((await inbox.nextEnded()).content.toString()).toBe(`to ${index}`);
  }
});

it('shares a connection between sessions of the active end, and closes it with the last session (RFC 4975 §5.4)', async () => {
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
  // The next session opens another connection.
  await connector.connect('tcp', raw.address, options);
  await raw.accept();
});

it('answers 481 to a request to an unknown session (RFC 4975 §10.7)', async () => {
  const { listener, peer, there, route } = await bound(closing);
  const unknown = localMsrpUri('tcp', listener.address);
  expect(await peer.statusOf({ to: unknown, from: there, messageId: 'm' })).toBe(481);
  // This end is not a relay.
  expect(await peer.statusOf({ ...route, to: `${route.to} ${unknown}`, messageId: 'm' })).toBe(481);
  expect(await peer.statusOf({ ...route, messageId: 'm' })).toBe(200);
});

it('answers 506 to a request to a session that is bound to another connection (RFC 4975 §10.9)', async () => {
  const { listener, peer, route } = await bound(closing);
  const other = await RawMsrp.connect(listener.address.port);
  closing.push(() => other.close());
  expect(await other.statusOf({ ...route, messageId: 'm' })).toBe(506);
  expect(await peer.statusOf({ ...route, messageId: 'm' })).toBe(200);
});

it('accepts only the peer in the SDP, with any host and port (RFC 4975 §5.4)', async () => {
  const { peer, route, there } = await expecting(closing);
  expect(await peer.statusOf({ ...route, from: localMsrpUri('tcp', LOOPBACK), messageId: 'm' })).toBe(481);
  const translated = there.replace('127.0.0.1:9/', '198.51.100.7:2855/');
  expect(translated).not.toBe(there);
  expect(await peer.statusOf({ ...route, from: translated, messageId: 'm' })).toBe(200);
});

it('uses the path of the first request if the SDP of the peer is late (RFC 4975 §5.4)', async () => {
  const { peer, session, there, route } = await expecting(closing, { remotePath: [] });
  const sent = session.send(message('early'));
  expect(await peer.statusOf({ ...route, messageId: 'm' })).toBe(200);
  const request = await peer.nextRequest();
  expect(request.toPath).toEqual([there]);
  peer.respond(request, 200);
  expect(await sent).toMatchObject({ status: 200 });
});

it.each([
  ['501: an unknown method', { method: 'NICKNAME' }, 501],
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
  ['403: a message to a session that accepts none', { body: 'x', messageId: 'm' }, 403],
])('answers with %s (RFC 4975 §10)', async (_what, options, status) => {
  const { peer, route } = await bound(closing);
  expect(await peer.statusOf({ ...route, ...options })).toBe(status);
  expect(await peer.statusOf({ ...route, messageId: 'after' })).toBe(200);
});

it('sends the response to a SEND one hop back, and others along the whole path (RFC 4975 §7.2)', async () => {
  const { peer, here, there } = await expecting(closing);
  const relay = 'msrp://relay.test:2855/r;tcp';
  peer.send({ to: here, from: `${relay} ${there}`, messageId: 'm' });
  expect(await peer.nextResponse()).toMatchObject({ toPath: [relay], fromPath: [here] });
  peer.send({ to: here, from: `${relay} ${there}`, method: 'AUTH' });
  expect(await peer.nextResponse()).toMatchObject({ status: 501, toPath: [relay, there], fromPath: [here] });
});

it('closes the session if the peer does not know it, has it on another connection, or is silent (RFC 4975 §10)', async () => {
  for (const status of [481, 506]) {
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

it.each([400, 403, 408, 413, 415, 423, 501])(
  'keeps the session of a peer that answers the SEND without a body with %i',
  async (status) => {
    const onClosed = vi.fn();
    const { raw, connector, options } = await connecting();
    const session = await connector.connect('tcp', raw.address, { ...options, onClosed });
    const peer = await raw.accept();
    peer.respond(await peer.nextRequest(), status);
    const sent = session.send(message('x'));
    peer.respond(await peer.nextRequest(), 200);
    expect(await sent).toMatchObject({ status: 200 });
    expect(onClosed).not.toHaveBeenCalled();
  },
);

it('keeps the session of a peer that sends messages, but does not answer the SEND without a body', async () => {
  fakeTimers();
  const inbox = new Inbox();
  const { raw, connector, here, there, options } = await connecting();
  const onClosed = vi.fn();
  const session = await connector.connect('tcp', raw.address, {
    ...options,
    onMessage: inbox.onMessage,
    onClosed,
  });
  const peer = await raw.accept();
  await peer.nextRequest();
  expect(await peer.statusOf({ to: here, from: there, messageId: 'm', body: 'x' })).toBe(200);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(onClosed).not.toHaveBeenCalled();
  expect(session.closed).toBe(false);
});

it('closes a connection without a session after 30 s', async () => {
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

it('waits 30 s for the peer to connect before it sends', async () => {
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

it('closes only the connection that receives bytes that are not MSRP', async () => {
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

it('ends all sessions of a lost connection at once, without an error if the peer closed it', async () => {
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
  expect((await inbox.nextEnded()).aborted).toBeInstanceOf(TransportError);
  expect(session.closed).toBe(true);

  const reset = await bound(closing, { onClosed });
  reset.peer.socket.resetAndDestroy();
  expect((await closed.take()).error).toBeInstanceOf(TransportError);
});

it('close releases everything, and aborts incomplete messages', async () => {
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
  await inbox.nextStarted();
  session.close();
  await rejected;
  const { headers, flag } = await peer.nextRequest();
  expect(flag).toBe('#');
  expect(headers.get('Message-ID')).toBe(half.headers.get('Message-ID'));
  expect((await peer.nextResponse()).status).toBe(481);
  expect((await inbox.nextEnded()).aborted).toBeInstanceOf(TransportError);
  await listener.close();
  await peer.untilClosed();
  expect(vi.getTimerCount()).toBe(0);
  expect(onClosed).not.toHaveBeenCalled();
  expect(() => listener.expect({ localUri: route.to })).toThrow(TransportError);
});

it('close of one end ends the other', async () => {
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

it('aborts a connection attempt by its signal and by close, without effect on others', async () => {
  const { raw, connector, here, there, options } = await connecting();
  const aborting = new AbortController();
  const reason = new Error('cancelled');
  const other = { localUri: localMsrpUri('tcp', LOOPBACK), remotePath: [there] };
  const first = connector.connect('tcp', raw.address, options, aborting.signal);
  const second = connector.connect('tcp', raw.address, other);
  aborting.abort(reason);
  await expect(first).rejects.toBe(reason);
  await second;
  const peer = await raw.accept();
  expect((await peer.nextRequest()).fromPath).toEqual([other.localUri]);
  // The URI can be used again.
  await connector.connect('tcp', raw.address, options);
  expect((await peer.nextRequest()).fromPath).toEqual([here]);
  await expect(connector.connect('tcp', raw.address, other, aborting.signal)).rejects.toBe(reason);

  const third = connector.connect('ws', raw.address, { localUri: localMsrpUri('ws', LOOPBACK) });
  const ended = expect(third).rejects.toBeInstanceOf(TransportError);
  await connector.close();
  await ended;
  await peer.untilClosed();
});

it('throws TransportError if no peer listens', async () => {
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

it('limits the number of sessions, and rejects a URI in use', async () => {
  const { listener, here } = await expecting(closing, {}, { sessions: 2 });
  expect(() => listener.expect({ localUri: here })).toThrow(ConfigurationError);
  expect(() => listener.expect({ localUri: 'msrp://127.0.0.1:9;tcp' })).toThrow(ConfigurationError);
  const second = listener.expect({ localUri: localMsrpUri('tcp', LOOPBACK) });
  expect(() => listener.expect({ localUri: localMsrpUri('tcp', LOOPBACK) })).toThrow(LimitError);
  second.close();
  listener.expect({ localUri: localMsrpUri('tcp', LOOPBACK) });
});

it('sends through its own relays, the nearest first, then along the path of the peer (RFC 4976 §5)', async () => {
  const { raw, connector, here, there } = await connecting();
  const [outer, inner, theirs] = ['outer', 'inner', 'theirs'].map(
    (name) => `msrps://${name}.test:2855/x;tcp`,
  );
  if (!outer || !inner || !theirs) throw new Error('unreachable');
  const localPath = [outer, inner, here];
  const session = await connector.connect('tcp', raw.address, { localUri: here, localPath });
  // Without the remote path, there is no binding SEND.
  session.remotePath = [theirs, there];
  const sent = session.send(message('x'));
  const peer = await raw.accept();
  const { toPath, fromPath, ...request } = await peer.nextRequest();
  expect({ toPath, fromPath }).toEqual({ toPath: [inner, outer, theirs, there], fromPath: [here] });
  peer.respond({ ...request, toPath, fromPath }, 200);
  expect(await sent).toMatchObject({ status: 200 });
});

/** Peers that attack a listener: they do not read, do not finish their messages, or open many connections. */

import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { TransportError } from '../../core/errors.js';
import { ListenerBounds, type ListenLimits, peerOf } from '../../core/platform/bounds.js';
import { MAX_UNSENT_BYTES } from '../../core/platform/failure.js';
import { isRequest } from '../../core/sip/message/message.js';
import { buildResponse, writeMessage } from '../../core/sip/message/writer.js';
import type { FlowHandlers, SipFlow } from '../../core/sip/transport/flow.js';
import { listen } from '../../core/sip/transport/listener.js';
import { parseEndpoint } from '../../core/sip/transport/transport-uri.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';

const MEBIBYTE = 1024 * 1024;
const PINGS = Buffer.from('\r\n\r\n'.repeat(16_384));

let certificates: Certificates;
const cleanups: (() => unknown)[] = [];
beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());
// The limits of time of a listener pass only when a test lets them: on a busy machine, a flood takes longer than the 30
// seconds that a peer has for its first message.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(async () => {
  vi.useRealTimers();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Lets sockets read and close. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A listener that answers every request, and the reasons for which it closed connections. */
async function attacked(transport: string, limits: Partial<ListenLimits> = {}) {
  const closed: (string | undefined)[] = [];
  const waiting: (() => void)[] = [];
  const handlers: FlowHandlers = {
    onMessage(message, flow: SipFlow) {
      try {
        if (isRequest(message)) flow.send(writeMessage(buildResponse(message, 200, { toTag: 'b' })));
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
      }
    },
    onFlowClosed(_flow, error) {
      closed.push(error?.message);
      for (const wake of waiting.splice(0)) wake();
    },
  };
  const listener = await listen(`sip:127.0.0.1:0;transport=${transport}`, {
    tls: certificates,
    limits,
    ...handlers,
  });
  cleanups.push(() => listener.close());
  const { port } = parseEndpoint(listener.uri);
  const closings = async (count: number) => {
    while (closed.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    return closed;
  };
  /** Lets time pass until a connection is closed. */
  const closingInTime = async () => {
    while (closed.length === 0) {
      vi.advanceTimersByTime(100);
      await turn();
    }
    return closed;
  };
  return { port, closed, closings, closingInTime };
}

async function peer(port: number, localAddress = '127.0.0.1'): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', localAddress });
  cleanups.push(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

function request(bodyBytes: number): Buffer {
  const head = [
    'OPTIONS sip:bob@domain.test SIP/2.0',
    'Via: SIP/2.0/TCP client.test;branch=z9hG4bK1',
    'From: <sip:psa@domain.test>;tag=a1',
    'To: <sip:bob@domain.test>',
    'Call-ID: c1',
    'CSeq: 1 OPTIONS',
    `Content-Length: ${bodyBytes}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), Buffer.alloc(bodyBytes)]);
}

async function answered(socket: net.Socket): Promise<void> {
  socket.write(request(0));
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  expect(bytes.toString('latin1')).toMatch(/^SIP\/2\.0 200 /);
}

/** Sends while the connection is open; resolves with the number of bytes that were sent. */
async function flood(socket: net.Socket, bytes: Buffer): Promise<number> {
  let sent = 0;
  while (!socket.destroyed && socket.writable) {
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    sent += bytes.length;
  }
  return sent;
}

describe.each(['tcp', 'tls'] as const)('over %s', (transport) => {
  it('closes a connection that sends keep-alives and does not read, at the bound', async () => {
    const { port, closings } = await attacked(transport);
    const socket =
      transport === 'tcp'
        ? await peer(port)
        : tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    cleanups.push(() => socket.destroy());
    socket.on('error', () => {});
    socket.pause();
    const sent = await flood(socket, PINGS);
    expect(await closings(1)).toEqual([
      `the peer has not read ${MAX_UNSENT_BYTES} bytes that were sent to it`,
    ]);
    // A pong has half the bytes of its ping; the kernel buffers some megabytes on both sides.
    expect(sent).toBeLessThan(2 * MAX_UNSENT_BYTES + 40 * MEBIBYTE);
  });

  it('closes a connection that sends requests and does not read their responses', async () => {
    const { port, closings } = await attacked(transport);
    const socket =
      transport === 'tcp'
        ? await peer(port)
        : tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    cleanups.push(() => socket.destroy());
    socket.on('error', () => {});
    socket.pause();
    const requests = Buffer.concat(Array.from({ length: 200 }, () => request(0)));
    await flood(socket, requests);
    expect(await closings(1)).toEqual([
      `the peer has not read ${MAX_UNSENT_BYTES} bytes that were sent to it`,
    ]);
  });
});

describe('a listener for streams', () => {
  it('holds no more for peers that do not read than its bound, and serves others', async () => {
    const { port, closings } = await attacked('tcp', {
      heldBytes: 3 * MEBIBYTE,
      heldBytesPerAddress: MEBIBYTE,
    });
    const sockets = await Promise.all(Array.from({ length: 4 }, () => peer(port, '127.0.0.2')));
    await Promise.all(
      sockets.map((socket) => {
        socket.pause();
        return flood(socket, PINGS);
      }),
    );
    for (const reason of await closings(4)) expect(reason).toMatch(/^the listener holds 1048576 bytes/);
    await answered(await peer(port));
  });

  it.each([
    ['one address', ['127.0.0.2'], { heldBytes: 8 * MEBIBYTE, heldBytesPerAddress: MEBIBYTE }],
    [
      'many addresses',
      ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5'],
      { heldBytes: MEBIBYTE, heldBytesPerAddress: MEBIBYTE },
    ],
  ])('holds no more unfinished messages than its bound, from %s', async (_, addresses, limits) => {
    const { port, closings, closed } = await attacked('tcp', limits);
    const benign = await peer(port);
    const unfinished = request(MEBIBYTE / 2).subarray(0, MEBIBYTE / 4);
    const sockets = await Promise.all(
      Array.from({ length: 40 }, (_, at) => peer(port, addresses[at % addresses.length])),
    );
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.write(unfinished, resolve))));
    // At most four are open: each holds 256 KiB.
    await closings(36);
    for (const reason of closed) expect(reason).toMatch(/^the listener holds 1048576 bytes/);
    await answered(benign);
  });

  it('limits the time of each message, not only of the first', async () => {
    const { port, closingInTime } = await attacked('tcp', { messageTimeout: 100 });
    const socket = await peer(port);
    await answered(socket);
    await answered(socket);
    socket.write(request(100).subarray(0, -1));
    expect(await closingInTime()).toEqual(['a message took more than 0.1 s']);
  });

  it('does not limit the time between messages', async () => {
    const { port, closed } = await attacked('tcp', { messageTimeout: 1 });
    const socket = await peer(port);
    for (let count = 0; count < 20; count++) {
      await answered(socket);
      vi.advanceTimersByTime(60_000);
    }
    await turn();
    expect(closed).toEqual([]);
  });
});

/** Resolves when the listener has answered the first bytes. */
async function greeted(socket: net.Socket, transport: string): Promise<boolean> {
  if (transport === 'tls' || transport === 'wss') {
    const secure = tls.connect({ socket, rejectUnauthorized: false });
    secure.on('error', () => {});
    return Promise.race([
      once(secure, 'secureConnect').then(() => true),
      new Promise<boolean>((resolve) => secure.once('close', () => resolve(false))),
    ]).catch(() => false);
  }
  socket.write(transport === 'tcp' ? request(0) : 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  return true;
}

describe.each(['tcp', 'tls', 'ws', 'wss'])('over %s', (transport) => {
  it('refuses connections of an address beyond its bound, and accepts others', async () => {
    const { port } = await attacked(transport, { connectionsPerAddress: 2 });
    const first = [await peer(port, '127.0.0.2'), await peer(port, '127.0.0.2')];
    const third = await peer(port, '127.0.0.2');
    await once(third, 'close');
    const other = await peer(port, '127.0.0.3');
    for (const socket of [...first, other]) expect(socket.destroyed).toBe(false);
    first[0]?.destroy();
    // A connection that ended makes room for another one.
    for (let open = false; !open; ) {
      const next = await peer(port, '127.0.0.2');
      open = await Promise.race([greeted(next, transport), once(next, 'close').then(() => false)]);
    }
  });
});

const TEXT = 0x81;
const PING = 0x89;

/** A frame of a client with less than 126 bytes, masked with zeros (RFC 6455 §5.2). */
function maskedFrame(type: number, data: string): Buffer {
  return Buffer.concat([Buffer.from([type, 0x80 | data.length, 0, 0, 0, 0]), Buffer.from(data)]);
}

describe('over WebSocket', () => {
  async function webSocket(port: number): Promise<{ socket: WebSocket; raw: net.Socket }> {
    let raw: net.Socket | undefined;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, 'sip');
    socket.on('error', () => {});
    socket.once('upgrade', (response) => {
      raw = response.socket;
    });
    cleanups.push(() => socket.terminate());
    await once(socket, 'open');
    if (!raw) throw new Error('no socket');
    return { socket, raw };
  }

  it('keeps one pong for a peer that sends pings and does not read (RFC 6455 5.5.3)', async () => {
    const { port, closed } = await attacked('ws');
    const { socket, raw } = await webSocket(port);
    const pongs: string[] = [];
    socket.on('pong', (data) => pongs.push(data.toString()));
    raw.pause();
    const last = 200_000;
    let frames: Buffer[] = [];
    for (let count = 1; count <= last; count++) {
      frames.push(maskedFrame(PING, String(count).padStart(100, '0')));
      if (count % 1000 !== 0) continue;
      const bytes = Buffer.concat(frames);
      frames = [];
      await new Promise<void>((resolve) => raw.write(bytes, () => resolve()));
    }
    raw.resume();
    while (Number(pongs.at(-1)) !== last) await once(socket, 'pong');
    expect(pongs.length).toBeLessThan(last / 2);
    expect(closed).toEqual([]);
  });

  it('closes a connection that sends keep-alives and does not read, at the bound', async () => {
    const { port, closings } = await attacked('ws', { heldBytesPerAddress: MEBIBYTE });
    const { raw } = await webSocket(port);
    raw.pause();
    await flood(raw, Buffer.concat(Array.from({ length: 5000 }, () => maskedFrame(TEXT, '\r\n\r\n'))));
    for (const reason of await closings(1)) expect(reason).toMatch(/^the listener holds 1048576 bytes/);
  });

  it('holds no more of a message in fragments than its bound', async () => {
    const { port, closings } = await attacked('ws', { heldBytesPerAddress: MEBIBYTE / 4 });
    const { socket } = await webSocket(port);
    while (socket.readyState === WebSocket.OPEN) {
      await new Promise<void>((resolve) =>
        socket.send(Buffer.alloc(10_000), { fin: false }, () => resolve()),
      );
      // Pings between the fragments do not hide them.
      socket.ping();
    }
    for (const reason of await closings(1)) expect(reason).toMatch(/^the listener holds 262144 bytes/);
  });

  it('limits the time of each message', async () => {
    const { port, closingInTime } = await attacked('ws', { messageTimeout: 100 });
    const { socket } = await webSocket(port);
    socket.send(request(0));
    await once(socket, 'message');
    socket.send('OPTIONS sip:bob', { fin: false });
    expect(await closingInTime()).toEqual(['a message took more than 0.1 s']);
  });

  it('does not take keep-alives for unfinished messages', async () => {
    const { port, closed } = await attacked('ws', { messageTimeout: 1 });
    const { socket } = await webSocket(port);
    for (let count = 0; count < 100; count++) {
      socket.ping('keep-alive');
      await once(socket, 'pong');
      vi.advanceTimersByTime(2);
    }
    await turn();
    expect(closed).toEqual([]);
  });
});

describe('the bounds of a listener', () => {
  const limits = {
    connections: 3,
    connectionsPerAddress: 2,
    heldBytes: 100,
    heldBytesPerAddress: 60,
    messageTimeout: 1000,
  };

  it('count the /64 of an IPv6 address as one peer', () => {
    expect(peerOf('2001:db8::1')).toBe(peerOf('2001:db8:0:0:1:2:3:4'));
    expect(peerOf('2001:db8:0:1::1')).not.toBe(peerOf('2001:db8::1'));
    expect(peerOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
    expect(peerOf('::1')).toBe('0:0:0:0::/64');
    expect(peerOf('192.0.2.1')).toBe('192.0.2.1');
  });

  it('close the largest connection of the address that holds the most', () => {
    const bounds = new ListenerBounds(limits);
    const closed: string[] = [];
    const holding = (host: string, name: string) => bounds.holding(host, () => closed.push(name));
    const [small, large, other] = [holding('a', 'small'), holding('a', 'large'), holding('b', 'other')];
    small.unfinished(10);
    large.unsent(30);
    other.unfinished(45);
    expect(closed).toEqual([]);
    small.unfinished(30);
    expect(closed).toEqual(['small']);
    large.unsent(60);
    expect(closed).toEqual(['small', 'large']);
    other.unfinished(60);
    expect(closed).toEqual(['small', 'large']);
    other.end();
    expect(closed).toEqual(['small', 'large']);
  });

  it('forget the connections that ended', () => {
    const bounds = new ListenerBounds(limits);
    const [first, second] = [bounds.admit('a'), bounds.admit('a')];
    expect(bounds.admit('a')).toBeUndefined();
    const third = bounds.admit('b');
    expect(bounds.admit('c')).toBeUndefined();
    for (const release of [first, second, third]) release?.();
    expect(bounds.admit('a')).toBeDefined();
  });
});

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { platform } from '#platform';
import { ConfigurationError, TransportError, UntrustedError } from '../../core/errors.js';
import { MAX_UNSENT_BYTES, WRITE_COST } from '../../core/platform/failure.js';
import type { Channel, ChannelProtocol, Listener, ListenOptions } from '../../core/platform/sockets.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';

const PROTOCOLS: ChannelProtocol[] = ['tcp', 'tls', 'ws', 'wss'];
let good: Certificates;
let other: Certificates;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  [good, other] = await Promise.all([makeCertificates(), makeCertificates(['DNS:elsewhere.test'])]);
});
afterAll(() => Promise.all([good.remove(), other.remove()]));
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

interface Accepting {
  listener: Listener;
  accepted: Channel[];
  next(): Promise<Channel>;
}

async function accept(
  protocol: ChannelProtocol,
  options: ListenOptions = {},
  host = '127.0.0.1',
): Promise<Accepting> {
  const accepted: Channel[] = [];
  let wake = () => {};
  const listener = await platform.listen(
    protocol,
    { host, port: 0 },
    { tls: good, subprotocol: 'sip', ...options },
    (channel) => {
      accepted.push(channel);
      cleanups.push(() => channel.destroy());
      wake();
    },
  );
  cleanups.push(() => listener.close());
  return {
    listener,
    accepted,
    async next() {
      while (accepted.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return accepted[0] as Channel;
    },
  };
}

async function connectTo(protocol: ChannelProtocol, listener: Listener): Promise<Channel> {
  const channel = await platform.connect(protocol, listener.address, {
    tls: { ca: good.ca },
    subprotocol: 'sip',
  });
  cleanups.push(() => channel.destroy());
  return channel;
}

/** Resolves after this number of bytes. */
function bytesOf(channel: Channel, count: number): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    channel.ondata = (bytes) => {
      chunks.push(bytes);
      length += bytes.length;
      if (length >= count) resolve(Buffer.concat(chunks));
    };
  });
}

function closed(channel: Channel): Promise<Error | undefined> {
  return new Promise((resolve) => {
    channel.onclose = resolve;
  });
}

describe.each(PROTOCOLS)('%s', (protocol) => {
  it.each(['127.0.0.1', '::1'])('transfers bytes in both directions over %s', async (host) => {
    const server = await accept(protocol, {}, host);
    const client = await connectTo(protocol, server.listener);
    const peer = await server.next();
    const binary = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const up = bytesOf(peer, 256);
    client.send(binary);
    expect(await up).toEqual(binary);
    const down = bytesOf(client, 4);
    peer.send(Buffer.from('pöx'));
    expect((await down).toString()).toBe('pöx');
    expect(client.remote).toEqual(server.listener.address);
    expect(peer.remote).toEqual(client.local);
    expect(client.framed).toBe(protocol === 'ws' || protocol === 'wss');
    expect(client.protocol).toBe(protocol);
  });

  it('close sends the accepted bytes, and both ends report the close once, without an error', async () => {
    const server = await accept(protocol);
    const client = await connectTo(protocol, server.listener);
    const peer = await server.next();
    const large = new Uint8Array(1_000_000).fill(0xfe);
    const received = bytesOf(peer, large.length);
    const ends = Promise.all([closed(client), closed(peer)]);
    client.send(large);
    client.close();
    expect(await received).toHaveLength(large.length);
    expect(await ends).toEqual([undefined, undefined]);
    expect(() => client.send(large)).toThrow(TransportError);
  });

  it('destroy closes at once', async () => {
    const server = await accept(protocol);
    const client = await connectTo(protocol, server.listener);
    const peer = await server.next();
    const ends = Promise.all([closed(client), closed(peer)]);
    client.destroy();
    await ends;
  });

  it('counts the bytes that a peer has not read', async () => {
    const server = await accept(protocol);
    const client = await connectTo(protocol, server.listener);
    expect(client.buffered).toBe(0);
    client.send(new Uint8Array(8_000_000));
    expect(client.buffered).toBeGreaterThan(1_000_000);
  });

  it('sends parts as one message, without changing them', async () => {
    const server = await accept(protocol);
    const client = await connectTo(protocol, server.listener);
    const peer = await server.next();
    const messages: string[] = [];
    const all = new Promise<void>((resolve) => {
      peer.ondata = (bytes) => {
        messages.push(Buffer.from(bytes).toString('latin1'));
        if (messages.join('') === 'head\xffbody\xfeend') resolve();
      };
    });
    const parts = ['head', '\xffbody', '', '\xfeend'].map((text) => Buffer.from(text, 'latin1'));
    client.send(...parts);
    await all;
    if (client.framed) expect(messages).toHaveLength(1);
    expect(parts.map((part) => part.toString('latin1'))).toEqual(['head', '\xffbody', '', '\xfeend']);
  });

  it('reports when it can send more, and has little buffered then', async () => {
    const server = await accept(protocol);
    const client = await connectTo(protocol, server.listener);
    const peer = await server.next();
    const part = new Uint8Array(100_000).fill(0xfe);
    const total = 80 * part.length;
    const received = bytesOf(peer, total);
    let sent = 0;
    const waiting: number[] = [];
    await new Promise<void>((resolve) => {
      const fill = () => {
        // The same with a sender that keeps little buffered.
        while (sent < total && client.buffered === 0) {
          client.send(part);
          sent += part.length;
        }
        if (sent === total) resolve();
      };
      client.ondrain = () => {
        waiting.push(client.buffered);
        fill();
      };
      fill();
    });
    expect(await received).toHaveLength(total);
    expect(waiting.every((bytes) => bytes <= 65_536)).toBe(true);
  });

  it('does not report drain after the connection has ended', async () => {
    const server = await accept(protocol);
    const client = await connectTo(protocol, server.listener);
    const ended = closed(client);
    client.ondrain = () => {
      throw new Error('called');
    };
    client.send(new Uint8Array(8_000_000));
    client.destroy();
    await ended;
  });

  it('delays the peer while it is paused', async () => {
    const server = await accept(protocol, { maxMessage: 64_000_000 });
    const client = await connectTo(protocol, server.listener);
    const peer = await server.next();
    const piece = new Uint8Array(1_000_000);
    let received = 0;
    peer.ondata = (bytes) => {
      received += bytes.length;
    };
    peer.pause();
    for (let count = 0; count < 15; count++) client.send(piece);
    // Fills the buffers of the kernel; a message in the other direction still arrives.
    const answer = bytesOf(client, 2);
    peer.send(Buffer.from('hi'));
    await answer;
    expect(received).toBe(0);
    expect(client.buffered).toBeGreaterThan(1_000_000);
    const all = new Promise<void>((resolve) => {
      peer.ondata = (bytes) => {
        received += bytes.length;
        if (received === 15 * piece.length) resolve();
      };
    });
    peer.resume();
    await all;
  });

  it('ends when the peer does not read, even if each write is small', async () => {
    const server = await accept(protocol);
    const client = await connectTo(protocol, server.listener);
    const peer = await server.next();
    peer.pause();
    const ended = closed(client);
    // The kernel accepts some writes at once.
    const most = (8 * MAX_UNSENT_BYTES) / WRITE_COST;
    const flood = () => {
      for (let count = 0; count < most; count++) client.send(new Uint8Array(100));
    };
    expect(flood).toThrow(`the peer has not read ${MAX_UNSENT_BYTES} bytes that were sent to it`);
    expect((await ended)?.message).toMatch(/has not read/);
    expect(() => client.send(new Uint8Array(1))).toThrow(/is closed/);
  });

  it('emits little more after it was paused', async () => {
    const server = await accept(protocol);
    const client = await connectTo(protocol, server.listener);
    const peer = await server.next();
    let received = 0;
    const first = new Promise<void>((resolve) => {
      peer.ondata = (bytes) => {
        received += bytes.length;
        peer.pause();
        resolve();
      };
    });
    for (let count = 0; count < 100; count++) client.send(new Uint8Array(10_000));
    await first;
    const answer = bytesOf(client, 2);
    peer.send(Buffer.from('hi'));
    await answer;
    expect(received).toBeLessThanOrEqual(131_072);
  });

  it('closes while it is paused', async () => {
    const server = await accept(protocol);
    const client = await connectTo(protocol, server.listener);
    const peer = await server.next();
    const ends = Promise.all([closed(client), closed(peer)]);
    client.pause();
    peer.send(Buffer.from('unread'));
    client.close();
    expect(await ends).toEqual([undefined, undefined]);
  });

  it('reports a refused connection', async () => {
    const { listener } = await accept(protocol);
    await listener.close();
    await expect(connectTo(protocol, listener)).rejects.toThrow(
      `${protocol} connection to 127.0.0.1:${listener.address.port} failed: connect ECONNREFUSED`,
    );
  });

  it('reports a port in use', async () => {
    const { listener } = await accept(protocol);
    await expect(platform.listen(protocol, listener.address, { tls: good }, () => {})).rejects.toThrow(
      `cannot listen on 127.0.0.1:${listener.address.port}: listen EADDRINUSE`,
    );
  });

  it('drops connections beyond the limit', async () => {
    const server = await accept(protocol, { limits: { connections: 1 } });
    await connectTo(protocol, server.listener);
    const more = net.connect(server.listener.address.port, '127.0.0.1');
    more.on('error', () => {});
    await once(more, 'close');
    expect(server.accepted).toHaveLength(1);
  });

  it('ends an attempt to connect when it is aborted', async () => {
    // Accepts connections, and never sends a byte.
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const { port } = server.address() as net.AddressInfo;
    const controller = new AbortController();
    const connecting = platform.connect(protocol, { host: '127.0.0.1', port }, { signal: controller.signal });
    if (protocol === 'tcp') {
      controller.abort();
    } else {
      const [silent] = (await once(server, 'connection')) as [net.Socket];
      silent.on('error', () => {});
      cleanups.push(() => silent.destroy());
      controller.abort();
    }
    await expect(connecting).rejects.toThrow(/failed: .*abort/);
  });

  it('stays open when its listener closes', async () => {
    const server = await accept(protocol);
    const client = await connectTo(protocol, server.listener);
    const peer = await server.next();
    await server.listener.close();
    const received = bytesOf(client, 2);
    peer.send(Buffer.from('hi'));
    expect((await received).toString()).toBe('hi');
  });
});

describe.each(['tls', 'wss'] as const)('%s certificates', (protocol) => {
  const connectWith = (listener: Listener, tls: object, host = '127.0.0.1') =>
    platform.connect(protocol, { host, port: listener.address.port }, { tls, subprotocol: 'sip' });

  it('of an unknown authority are rejected', async () => {
    const { listener } = await accept(protocol);
    const refused = connectWith(listener, {});
    await expect(refused).rejects.toThrow(/unable to verify the first certificate/);
    await expect(refused).rejects.toThrow(UntrustedError);
  });

  it('for another name are rejected, and accepted with the configured name', async () => {
    const { listener } = await accept(protocol, { tls: other });
    await expect(connectWith(listener, { ca: other.ca })).rejects.toThrow(
      /IP: 127\.0\.0\.1 is not in the cert's list/,
    );
    const channel = await connectWith(listener, { ca: Buffer.from(other.ca), serverName: 'elsewhere.test' });
    channel.destroy();
  });

  it('are checked against a host name', async () => {
    const { listener } = await accept(protocol);
    const channel = await connectWith(listener, { ca: good.ca }, 'localhost');
    channel.destroy();
  });

  it.each([
    [{ ca: 'nonsense', cert: 'x', key: 'y' }, 'ca, cert or key cannot be used'],
    [{ cert: 'x' }, 'expected both "cert" and "key"'],
  ])('that are invalid are a configuration error: %j', async (tls, message) => {
    const { listener } = await accept(protocol);
    const connecting = connectWith(listener, tls);
    await expect(connecting).rejects.toThrow(ConfigurationError);
    await expect(connecting).rejects.toThrow(message);
  });

  it('are required to listen', async () => {
    const listening = platform.listen(protocol, { host: '127.0.0.1', port: 0 }, {}, () => {});
    await expect(listening).rejects.toThrow(new ConfigurationError('tls: a listener needs "cert" and "key"'));
  });

  it('a peer that does not use TLS loses its own connection only', async () => {
    const server = await accept(protocol);
    const plain = net.connect(server.listener.address.port, '127.0.0.1');
    plain.on('error', () => {});
    plain.write('OPTIONS sip:x SIP/2.0\r\n\r\n');
    await once(plain, 'close');
    await connectTo(protocol, server.listener);
  });
});

describe.each(['tls', 'wss'] as const)('%s fingerprints (RFC 8122)', (protocol) => {
  const HASHES = ['sha224', 'sha256', 'sha384', 'sha512'];
  const ours = (hash: string) => fingerprintOf(good.cert, hash);
  const connectWith = (listener: Listener, fingerprints: string[]) =>
    platform.connect(protocol, listener.address, { tls: { fingerprints }, subprotocol: 'sip' });

  it.each(HASHES)('by %s identify the peer, whichever authority signed its certificate', async (hash) => {
    const server = await accept(protocol);
    const channel = await connectWith(server.listener, [ours(hash)]);
    cleanups.push(() => channel.destroy());
    const received = bytesOf(await server.next(), 2);
    channel.send(Buffer.from('hi'));
    expect((await received).toString()).toBe('hi');
  });

  it('are compared case-insensitively, and one match is enough', async () => {
    const { listener } = await accept(protocol);
    const theirs = fingerprintOf(other.cert, 'sha256');
    const listed = [theirs, ours('sha256').toLowerCase().replace('sha', 'SHA'), 'md5 00:11', 'x-hash 22'];
    (await connectWith(listener, listed)).destroy();
  });

  it('of another certificate reject the peer, which receives nothing', async () => {
    const server = await accept(protocol);
    const theirs = fingerprintOf(other.cert, 'sha256');
    await expect(connectWith(server.listener, [theirs])).rejects.toThrow(
      `the peer's certificate does not match the announced fingerprint: it has ${ours('sha256')}`,
    );
    await expect(connectWith(server.listener, [theirs])).rejects.toThrow(TransportError);
    if (protocol === 'wss') expect(server.accepted).toEqual([]);
  });

  it('of several hash functions are compared by the strongest', async () => {
    const { listener } = await accept(protocol);
    const stronger = fingerprintOf(other.cert, 'sha512');
    await expect(connectWith(listener, [ours('sha256'), stronger])).rejects.toThrow(
      `the peer's certificate does not match the announced fingerprint: it has ${ours('sha512')}`,
    );
  });

  it.each([[[]], [['sha-1 00:11']], [['md5 00']], [['sha-256']], [['sha-256 0011']], [['sha-256 00:1']]])(
    'rejects %j',
    async (listed) => {
      const { listener } = await accept(protocol);
      const withOurs = listed.map((one) => (one.startsWith('sha-1') ? ours('sha1') : one));
      await expect(connectWith(listener, withOurs)).rejects.toThrow(
        'the peer announced no fingerprint of its certificate with sha-224, sha-256, sha-384, sha-512',
      );
    },
  );
});

describe('certificateFingerprint', () => {
  it('has the form of a=fingerprint', () => {
    expect(platform.certificateFingerprint(good.cert)).toBe(fingerprintOf(good.cert, 'sha256'));
    expect(platform.certificateFingerprint(Buffer.from(good.cert + other.cert))).toBe(
      fingerprintOf(good.cert, 'sha256'),
    );
    expect(platform.certificateFingerprint(good.cert)).toMatch(/^sha-256 (?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  });

  it.each(['', 'nonsense', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
    'rejects %j, which is not a certificate',
    (pem) => {
      expect(() => platform.certificateFingerprint(pem)).toThrow(ConfigurationError);
    },
  );
});

/** The fingerprint according to openssl. */
function fingerprintOf(pem: string, hash: string): string {
  const args = ['x509', '-noout', '-fingerprint', `-${hash}`];
  const printed = execFileSync('openssl', args, { input: pem, encoding: 'utf8' });
  return `${hash.replace('sha', 'sha-')} ${printed.slice(printed.indexOf('=') + 1).trim()}`;
}

describe('WebSocket', () => {
  const url = (listener: Listener) => `ws://127.0.0.1:${listener.address.port}`;

  it.each([[[]], [['msrp']]])('rejects a client that offers %j without our subprotocol', async (offered) => {
    const { listener, accepted } = await accept('ws');
    const socket = new WebSocket(url(listener), offered);
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toBe('Unexpected server response: 400');
    expect(accepted).toEqual([]);
  });

  it('selects our subprotocol among several', async () => {
    const { listener } = await accept('ws');
    const socket = new WebSocket(url(listener), ['msrp', 'sip']);
    cleanups.push(() => socket.terminate());
    await once(socket, 'open');
    expect(socket.protocol).toBe('sip');
  });

  it('rejects a server without our subprotocol', async () => {
    const { listener } = await accept('ws');
    await expect(platform.connect('ws', listener.address, { subprotocol: 'msrp' })).rejects.toThrow(
      'Unexpected server response: 400',
    );
  });

  it('sends UTF-8 as text and other bytes as binary, and accepts both', async () => {
    const server = await accept('ws');
    const socket = new WebSocket(url(server.listener), 'sip');
    cleanups.push(() => socket.terminate());
    await once(socket, 'open');
    const peer = await server.next();
    const frames: boolean[] = [];
    const both = new Promise<void>((resolve) => {
      socket.on('message', (_data, isBinary) => {
        if (frames.push(isBinary) === 2) resolve();
      });
    });
    peer.send(Buffer.from('grüße'));
    peer.send(Buffer.from([0xff, 0x00]));
    await both;
    expect(frames).toEqual([false, true]);
    const received = bytesOf(peer, 4);
    socket.send('te');
    socket.send(Buffer.from([0xff, 0xfe]));
    expect(await received).toEqual(Buffer.from([0x74, 0x65, 0xff, 0xfe]));
  });

  it('closes after a message beyond the limit, with the reason', async () => {
    const server = await accept('ws', { maxMessage: 1000 });
    const client = await connectTo('ws', server.listener);
    const ends = Promise.all([closed(client), server.next().then(closed)]);
    client.send(new Uint8Array(1001));
    const [ours, theirs] = await ends;
    expect(ours?.message).toBe('the WebSocket was closed with 1009');
    expect(theirs?.message).toBe('Max payload size exceeded');
  });

  it('answers plain HTTP with 426', async () => {
    const { listener } = await accept('ws');
    const response = await fetch(`http://127.0.0.1:${listener.address.port}/`);
    expect(response.status).toBe(426);
  });
});

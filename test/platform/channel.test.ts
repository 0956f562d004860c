import { once } from 'node:events';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { platform } from '#platform';
import { ConfigurationError, TransportError } from '../../core/errors.js';
import type { Channel, ChannelProtocol, Listener, ListenOptions } from '../../core/platform/platform.js';
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

async function dial(protocol: ChannelProtocol, listener: Listener): Promise<Channel> {
  const channel = await platform.connect(protocol, listener.address, {
    tls: { ca: good.ca },
    subprotocol: 'sip',
  });
  cleanups.push(() => channel.destroy());
  return channel;
}

/** Resolves when so many bytes have come. */
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
  it.each(['127.0.0.1', '::1'])('carries bytes both ways over %s', async (host) => {
    const server = await accept(protocol, {}, host);
    const client = await dial(protocol, server.listener);
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

  it('close sends what was accepted, and both ends hear of it once, without an error', async () => {
    const server = await accept(protocol);
    const client = await dial(protocol, server.listener);
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

  it('destroy ends at once', async () => {
    const server = await accept(protocol);
    const client = await dial(protocol, server.listener);
    const peer = await server.next();
    const ends = Promise.all([closed(client), closed(peer)]);
    client.destroy();
    await ends;
  });

  it('counts what a peer does not read', async () => {
    const server = await accept(protocol);
    const client = await dial(protocol, server.listener);
    expect(client.buffered).toBe(0);
    client.send(new Uint8Array(8_000_000));
    expect(client.buffered).toBeGreaterThan(1_000_000);
  });

  it('says that nobody listens', async () => {
    const { listener } = await accept(protocol);
    await listener.close();
    await expect(dial(protocol, listener)).rejects.toThrow(
      `${protocol} connection to 127.0.0.1:${listener.address.port} failed: connect ECONNREFUSED`,
    );
  });

  it('says that the port is taken', async () => {
    const { listener } = await accept(protocol);
    await expect(platform.listen(protocol, listener.address, { tls: good }, () => {})).rejects.toThrow(
      `cannot listen on 127.0.0.1:${listener.address.port}: listen EADDRINUSE`,
    );
  });

  it('drops connections beyond the most', async () => {
    const server = await accept(protocol, { maxConnections: 1 });
    await dial(protocol, server.listener);
    const more = net.connect(server.listener.address.port, '127.0.0.1');
    more.on('error', () => {});
    await once(more, 'close');
    expect(server.accepted).toHaveLength(1);
  });

  it('gives up when asked to', async () => {
    // Accepts, and never says a word.
    const mute = net.createServer().listen(0, '127.0.0.1');
    await once(mute, 'listening');
    cleanups.push(() => mute.close());
    const { port } = mute.address() as net.AddressInfo;
    const controller = new AbortController();
    const connecting = platform.connect(protocol, { host: '127.0.0.1', port }, { signal: controller.signal });
    if (protocol === 'tcp') {
      controller.abort();
    } else {
      const [silent] = (await once(mute, 'connection')) as [net.Socket];
      silent.on('error', () => {});
      cleanups.push(() => silent.destroy());
      controller.abort();
    }
    await expect(connecting).rejects.toThrow(/failed: .*abort/);
  });

  it('stays when its listener closes', async () => {
    const server = await accept(protocol);
    const client = await dial(protocol, server.listener);
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

  it('of an unknown authority are refused', async () => {
    const { listener } = await accept(protocol);
    await expect(connectWith(listener, {})).rejects.toThrow(/unable to verify the first certificate/);
  });

  it('for another name are refused, and taken under the name that is asked for', async () => {
    const { listener } = await accept(protocol, { tls: other });
    await expect(connectWith(listener, { ca: other.ca })).rejects.toThrow(
      /IP: 127\.0\.0\.1 is not in the cert's list/,
    );
    const channel = await connectWith(listener, { ca: Buffer.from(other.ca), serverName: 'elsewhere.test' });
    channel.destroy();
  });

  it('are held against a host name', async () => {
    const { listener } = await accept(protocol);
    const channel = await connectWith(listener, { ca: good.ca }, 'localhost');
    channel.destroy();
  });

  it.each([
    [{ ca: 'nonsense', cert: 'x', key: 'y' }, 'ca, cert or key cannot be used'],
    [{ cert: 'x' }, '"cert" and "key" go together'],
  ])('that cannot be used are a matter of configuration: %j', async (tls, message) => {
    const { listener } = await accept(protocol);
    const connecting = connectWith(listener, tls);
    await expect(connecting).rejects.toThrow(ConfigurationError);
    await expect(connecting).rejects.toThrow(message);
  });

  it('have to be there to listen', async () => {
    const listening = platform.listen(protocol, { host: '127.0.0.1', port: 0 }, {}, () => {});
    await expect(listening).rejects.toThrow(new ConfigurationError('tls: a listener needs "cert" and "key"'));
  });

  it('a peer that speaks no TLS costs its own connection only', async () => {
    const server = await accept(protocol);
    const plain = net.connect(server.listener.address.port, '127.0.0.1');
    plain.on('error', () => {});
    plain.write('OPTIONS sip:x SIP/2.0\r\n\r\n');
    await once(plain, 'close');
    await dial(protocol, server.listener);
  });
});

describe('WebSocket', () => {
  const url = (listener: Listener) => `ws://127.0.0.1:${listener.address.port}`;

  it.each([[[]], [['msrp']]])('refuses a client that offers %j and not our subprotocol', async (offered) => {
    const { listener, accepted } = await accept('ws');
    const socket = new WebSocket(url(listener), offered);
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toBe('Unexpected server response: 400');
    expect(accepted).toEqual([]);
  });

  it('takes ours among several, and answers with it', async () => {
    const { listener } = await accept('ws');
    const socket = new WebSocket(url(listener), ['msrp', 'sip']);
    cleanups.push(() => socket.terminate());
    await once(socket, 'open');
    expect(socket.protocol).toBe('sip');
  });

  it('refuses a server that does not speak ours', async () => {
    const { listener } = await accept('ws');
    await expect(platform.connect('ws', listener.address, { subprotocol: 'msrp' })).rejects.toThrow(
      'Unexpected server response: 400',
    );
  });

  it('sends text where the bytes are UTF-8 and binary where they are not, and takes both', async () => {
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

  it('closes on a message beyond the limit, and says why', async () => {
    const server = await accept('ws', { maxMessage: 1000 });
    const client = await dial('ws', server.listener);
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

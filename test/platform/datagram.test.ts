import { describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { TransportError } from '../../core/errors.js';
import type { Address, DatagramSocket } from '../../core/platform/sockets.js';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

function nextMessage(socket: DatagramSocket): Promise<{ text: string; from: Address }> {
  return new Promise((resolve) => {
    socket.onmessage = (bytes, from) => resolve({ text: text(bytes), from });
  });
}

describe.each(['127.0.0.1', '::1'])('datagrams over %s', (host) => {
  it('are transferred in both directions', async () => {
    const server = await platform.openDatagram({ local: { host, port: 0 } });
    const client = await platform.openDatagram({ remote: server.local });
    expect(server.local).toEqual({ host, port: expect.any(Number) });
    expect(client.remote).toEqual(server.local);
    const received = nextMessage(server);
    client.send(Buffer.from('ping'));
    const { text, from } = await received;
    expect(text).toBe('ping');
    expect(from).toEqual(client.local);
    const answered = nextMessage(client);
    server.send(Buffer.from('pong'), from);
    expect((await answered).text).toBe('pong');
    client.close();
    server.close();
  });

  it('from other addresses do not reach a connected socket', async () => {
    const server = await platform.openDatagram({ local: { host, port: 0 } });
    const client = await platform.openDatagram({ remote: server.local });
    const stranger = await platform.openDatagram({ local: { host, port: 0 } });
    const received = nextMessage(client);
    stranger.send(Buffer.from('P-Asserted-Identity: <sip:boss@domain.test>'), client.local);
    server.send(Buffer.from('true'), client.local);
    expect((await received).text).toBe('true');
    for (const socket of [server, client, stranger]) socket.close();
  });

  it('to a closed port are reported, and the socket stays usable', async () => {
    const server = await platform.openDatagram({ local: { host, port: 0 } });
    const at = server.local;
    server.close();
    const client = await platform.openDatagram({ remote: at });
    const reported = new Promise<Error>((resolve) => {
      client.onerror = resolve;
    });
    client.send(Buffer.from('hello'));
    expect((await reported).message).toContain('ECONNREFUSED');
    const back = await platform.openDatagram({ local: at });
    const received = nextMessage(back);
    client.send(Buffer.from('again'));
    expect((await received).text).toBe('again');
    client.close();
    back.close();
  });
});

describe('datagram sockets', () => {
  it('listen on [::] and 0.0.0.0 with one port', async () => {
    const ipv4 = await platform.openDatagram({ local: { host: '0.0.0.0', port: 0 } });
    const ipv6 = await platform.openDatagram({ local: { host: '::', port: ipv4.local.port } });
    ipv4.close();
    ipv6.close();
  });

  it('resolve names', async () => {
    const client = await platform.openDatagram({ remote: { host: 'localhost', port: 5060 } });
    expect(['127.0.0.1', '::1']).toContain(client.remote?.host);
    client.close();
  });

  it('report why they cannot be opened', async () => {
    const occupied = await platform.openDatagram({ local: { host: '127.0.0.1', port: 0 } });
    await expect(platform.openDatagram({ local: occupied.local })).rejects.toThrow(
      `cannot bind 127.0.0.1:${occupied.local.port} over udp: bind EADDRINUSE`,
    );
    occupied.close();
    await expect(platform.openDatagram({ remote: { host: 'nobody.invalid', port: 1 } })).rejects.toThrow(
      'the name nobody.invalid does not resolve',
    );
  });

  it('reject a send after close, or without an address', async () => {
    const socket = await platform.openDatagram({ local: { host: '127.0.0.1', port: 0 } });
    expect(() => socket.send(Buffer.from('x'))).toThrow(TransportError);
    socket.close();
    socket.close();
    expect(() => socket.send(Buffer.from('x'), socket.local)).toThrow(TransportError);
  });
});

import { once } from 'node:events';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { platform } from '#platform';
import { ConfigurationError, TransportError } from '../../core/errors.js';
import { MAX_UNSENT_BYTES } from '../../core/platform/failure.js';
import type { MalformedSipError } from '../../core/sip/message/malformed-message.js';
import {
  isRequest,
  NO_BODY,
  SipHeaders,
  type SipMessage,
  type SipRequest,
} from '../../core/sip/message/message.js';
import { buildResponse, writeMessage } from '../../core/sip/message/writer.js';
import { TransactionLayer } from '../../core/sip/transactions/layer.js';
import { refuseMalformed } from '../../core/sip/transactions/stateless-answer.js';
import { type ClientFlow, connectFlow } from '../../core/sip/transport/connect.js';
import type { FlowHandlers, SipFlow } from '../../core/sip/transport/flow.js';
import { listen, type SipListener } from '../../core/sip/transport/listener.js';
import { parseEndpoint } from '../../core/sip/transport/transport-uri.js';
import { MAX_DATAGRAM_BYTES } from '../../core/sip/transport/udp-flow.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';

const TRANSPORTS = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const;
const BINARY = Uint8Array.from({ length: 512 }, (_, at) => (at * 7) % 256);

let certificates: Certificates;
const cleanups: (() => unknown)[] = [];
beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The received messages in order; `next` waits for later ones. */
class Queue<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  readonly push = (item: T): void => {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(item);
    else this.#items.push(item);
  };

  next(): Promise<T> {
    const item = this.#items.shift();
    return item === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(item);
  }

  get empty(): boolean {
    return this.#items.length === 0;
  }
}

interface Arrival {
  message: SipMessage;
  flow: SipFlow;
}

/** One side of the wire, with all events that it received. */
class Side implements FlowHandlers {
  readonly arrivals = new Queue<Arrival>();
  readonly malformed = new Queue<MalformedSipError>();
  readonly closed = new Queue<{ flow: SipFlow; error: Error | undefined }>();
  readonly wire: string[] = [];
  readonly onMessage = (message: SipMessage, flow: SipFlow) => this.arrivals.push({ message, flow });
  readonly onFlowClosed = (flow: SipFlow, error?: Error) => this.closed.push({ flow, error });
  readonly onMalformed = (error: MalformedSipError, flow: SipFlow) => {
    refuseMalformed(error, flow);
    this.malformed.push(error);
  };
  readonly onWire = (direction: 'in' | 'out', bytes: Uint8Array) =>
    void this.wire.push(`${direction} ${Buffer.from(bytes).toString('latin1').split('\r\n', 1)[0]}`);

  async request(): Promise<{ request: SipRequest; flow: SipFlow }> {
    const { message, flow } = await this.arrivals.next();
    if (!isRequest(message)) throw new Error(`a response ${message.status}`);
    return { request: message, flow };
  }

  async status(): Promise<number> {
    const { message } = await this.arrivals.next();
    if (isRequest(message)) throw new Error(`a request ${message.method}`);
    return message.status;
  }
}

async function listening(
  transport: string,
  handlers: FlowHandlers,
  host = '127.0.0.1',
): Promise<SipListener> {
  const listener = await listen(`sip:${host}:0;transport=${transport}`, { tls: certificates, ...handlers });
  cleanups.push(() => listener.close());
  return listener;
}

async function connected(uri: string, handlers: FlowHandlers): Promise<ClientFlow> {
  const flow = await connectFlow(uri, { tls: { ca: certificates.ca }, ...handlers });
  cleanups.push(() => flow.close());
  return flow;
}

function message(via: string | undefined, body: Uint8Array = NO_BODY, method = 'MESSAGE'): SipRequest {
  const headers = new SipHeaders();
  if (via !== undefined) headers.set('Via', via);
  headers
    .set('Max-Forwards', '70')
    .set('From', '<sip:psa@domain.test>;tag=a1')
    .set('To', '<sip:bob@domain.test>')
    .set('Call-ID', platform.randomHex(8))
    .set('CSeq', `1 ${method}`);
  return { method, uri: 'sip:bob@domain.test', headers, body };
}

const VIA = 'SIP/2.0/TCP client.test;branch=z9hG4bK1';

async function rawSocket(listener: SipListener): Promise<net.Socket> {
  const { host, port } = parseEndpoint(listener.uri);
  const socket = net.connect(port, host);
  cleanups.push(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function textOf(socket: net.Socket): Promise<string> {
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
  });
  // A reset ends the connection as well.
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  it.each(['127.0.0.1', '[::1]'])(
    'transfers a binary request and its response unchanged (%s)',
    async (host) => {
      const server = new Side();
      const client = new Side();
      const listener = await listening(transport, server, host);
      expect(listener.uri).toMatch(
        new RegExp(`^sip:${host.replace(/[[\]]/g, '\\$&')}:[1-9]\\d*;transport=${transport}$`),
      );
      const flow = await connected(listener.uri, client);
      flow.send(writeMessage(message('SIP/2.0/X client.test:5099;branch=z9hG4bK1;rport', BINARY)));

      const { request, flow: back } = await server.request();
      expect(request.body).toEqual(BINARY);
      const address = host.replace(/[[\]]/g, '');
      expect(request.headers.get('Via')).toBe(
        `SIP/2.0/X client.test:5099;branch=z9hG4bK1;rport=${flow.local.port};received=${address}`,
      );
      expect(back.transport).toBe(transport.toUpperCase());
      expect(back.reliable).toBe(transport !== 'udp');
      expect(back.remote).toEqual(flow.local);
      expect(flow.remote).toEqual(back.local);

      back.send(writeMessage(buildResponse(request, 200, { body: BINARY })));
      const { message: response } = await client.arrivals.next();
      expect(response.body).toEqual(BINARY);
      expect(client.wire).toEqual(['out MESSAGE sip:bob@domain.test SIP/2.0', 'in SIP/2.0 200 OK']);
      expect(server.wire).toEqual(['in MESSAGE sip:bob@domain.test SIP/2.0', 'out SIP/2.0 200 OK']);
    },
  );

  it('matches the responses of 2,000 concurrent requests', async () => {
    const pending: (() => void)[] = [];
    const all = 2000;
    const serverLayer = new TransactionLayer({
      onRequest(transaction) {
        const { headers } = transaction.request;
        const body = new TextEncoder().encode(headers.get('Call-ID'));
        pending.push(() => transaction.respond(buildResponse(transaction.request, 200, { body })));
        // In a different order from that of their arrival.
        if (pending.length === all) for (const respond of pending.reverse()) respond();
      },
    });
    const clientLayer = new TransactionLayer({ onRequest() {} });
    cleanups.push(
      () => clientLayer.close(),
      () => serverLayer.close(),
    );
    const listener = await listening(transport, { onMessage: (got, flow) => serverLayer.receive(got, flow) });
    const flow = await connected(listener.uri, { onMessage: (got, from) => clientLayer.receive(got, from) });
    await Promise.all(
      Array.from({ length: all }, async () => {
        const sentRequest = message(undefined);
        const body = await new Promise<string>((resolve, reject) => {
          clientLayer.send(sentRequest, flow, {
            onResponse: (response) => {
              if (response.status === 200) resolve(Buffer.from(response.body).toString());
            },
            onFailure: reject,
          });
        });
        expect(body).toBe(sentRequest.headers.get('Call-ID'));
      }),
    );
  });

  it('throws TransportError on a closed flow', async () => {
    const client = new Side();
    const listener = await listening(transport, new Side());
    const flow = await connected(listener.uri, client);
    flow.close();
    flow.close();
    expect(flow.closed).toBe(true);
    expect(() => flow.send(writeMessage(message(VIA)))).toThrow(TransportError);
    expect(await client.closed.next()).toEqual({ flow, error: undefined });
  });
});

describe.each(['tcp', 'tls', 'ws', 'wss'] as const)('a connection over %s', (transport) => {
  it('whose peer disappears fails its transactions', async () => {
    const server = new Side();
    const listener = await listening(transport, server);
    const layer = new TransactionLayer({ onRequest() {} });
    const flow = await connected(listener.uri, {
      onMessage() {},
      onFlowClosed: (lost) => layer.flowClosed(lost),
    });
    const failure = new Promise<Error>((resolve) => {
      layer.send(message(undefined), flow, { onResponse() {}, onFailure: resolve });
    });
    await server.request();
    await listener.close();
    expect(await failure).toBeInstanceOf(TransportError);
    expect(flow.closed).toBe(true);
    await server.closed.next();
  });

  it('reports why it cannot be opened', async () => {
    const listener = await listening(transport, new Side());
    await listener.close();
    const { port } = parseEndpoint(listener.uri);
    await expect(connectFlow(listener.uri, new Side())).rejects.toThrow(
      new TransportError(
        `${transport} connection to 127.0.0.1:${port} failed: connect ECONNREFUSED 127.0.0.1:${port}`,
      ),
    );
  });

  it('can be aborted', async () => {
    const listener = await listening(transport, new Side());
    await expect(
      connectFlow(listener.uri, { ...new Side(), tls: { ca: certificates.ca }, signal: AbortSignal.abort() }),
    ).rejects.toThrow(TransportError);
  });

  it('cannot open flows from its listener', async () => {
    const listener = await listening(transport, new Side());
    expect(listener.flowTo).toBeUndefined();
  });
});

describe.each(['tls', 'wss'])('%s', (transport) => {
  it('verifies the server', async () => {
    const listener = await listening(transport, new Side());
    await expect(connectFlow(listener.uri, new Side())).rejects.toThrow(
      /unable to verify the first certificate/,
    );
  });

  it('needs a certificate to listen', async () => {
    await expect(listen(`sip:127.0.0.1:0;transport=${transport}`, new Side())).rejects.toThrow(
      ConfigurationError,
    );
  });
});

describe('a stream', () => {
  const two = Buffer.concat([
    writeMessage(message(VIA, Buffer.from('a body\r\n\r\nwith an empty line'))),
    writeMessage(message('SIP/2.0/TCP client.test;branch=z9hG4bK2', BINARY)),
  ]);

  it.each([1, 2, 3, 7, 64, 1000, two.length])('is parsed in pieces of %i bytes', async (size) => {
    const server = new Side();
    const socket = await rawSocket(await listening('tcp', server));
    socket.setNoDelay(true);
    for (let at = 0; at < two.length; at += size) {
      await new Promise((resolve) => socket.write(two.subarray(at, at + size), resolve));
    }
    expect(Buffer.from((await server.request()).request.body).toString()).toBe(
      'a body\r\n\r\nwith an empty line',
    );
    expect((await server.request()).request.body).toEqual(BINARY);
    expect(server.malformed.empty).toBe(true);
  });

  it('is answered and closed when the end of a message is unknown', async () => {
    const server = new Side();
    const socket = await rawSocket(await listening('tcp', server));
    socket.write(
      [
        'MESSAGE sip:bob@domain.test SIP/2.0',
        'Via: SIP/2.0/TCP client.test;branch=z9hG4bK1',
        'From: <sip:psa@domain.test>;tag=a1',
        'To: <sip:bob@domain.test>',
        'Call-ID: c1',
        'CSeq: 1 MESSAGE',
        '',
        '',
      ].join('\r\n'),
    );
    expect(await textOf(socket)).toMatch(
      /^SIP\/2\.0 400 [\s\S]*Via: SIP\/2\.0\/TCP client\.test;branch=z9hG4bK1;received=127/,
    );
    const error = await server.malformed.next();
    expect((await server.closed.next()).error).toBe(error);
  });

  it('is closed if it is not SIP', async () => {
    const server = new Side();
    const socket = await rawSocket(await listening('tcp', server));
    socket.write('GET / HTTP/1.1\r\nHost: domain.test\r\n\r\n');
    expect(await textOf(socket)).toBe('');
    await server.closed.next();
  });

  it('continues after a malformed message', async () => {
    const server = new Side();
    const socket = await rawSocket(await listening('tcp', server));
    const bad = message(VIA);
    bad.headers.set('CSeq', '1 OPTIONS');
    socket.write(writeMessage(bad));
    socket.write(writeMessage(message(VIA)));
    expect((await server.malformed.next()).status).toBe(400);
    await server.request();
    expect(server.closed.empty).toBe(true);
  });

  it('has its pings answered (RFC 5626 4.4.1)', async () => {
    const socket = await rawSocket(await listening('tcp', new Side()));
    socket.write('\r\n\r\n');
    const [pong] = (await once(socket, 'data')) as [Buffer];
    expect(pong.toString()).toBe('\r\n');
  });

  it('is closed if its peer does not read', async () => {
    const silent = net.createServer((socket) => socket.pause().on('error', () => {})).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    cleanups.push(() => silent.close());
    const client = new Side();
    const flow = await connected(
      `sip:127.0.0.1:${(silent.address() as net.AddressInfo).port};transport=tcp`,
      client,
    );
    const large = writeMessage(message(VIA, new Uint8Array(1_000_000)));
    const flood = () => {
      for (let sent = 0; sent < 4 * MAX_UNSENT_BYTES; sent += large.length) flow.send(large);
    };
    expect(flood).toThrow(`the peer has not read ${MAX_UNSENT_BYTES} bytes that were sent to it`);
    expect(flow.closed).toBe(true);
    expect((await client.closed.next()).error?.message).toMatch(/has not read/);
  });
});

describe('WebSocket (RFC 7118)', () => {
  async function webSocket(listener: SipListener): Promise<WebSocket> {
    const { host, port } = parseEndpoint(listener.uri);
    const socket = new WebSocket(`ws://${host}:${port}/`, 'sip');
    cleanups.push(() => socket.terminate());
    await once(socket, 'open');
    return socket;
  }

  it('accepts text and binary frames, and answers pings', async () => {
    const server = new Side();
    const socket = await webSocket(await listening('ws', server));
    socket.send(Buffer.from(writeMessage(message(VIA))).toString());
    await server.request();
    socket.send(writeMessage(message(VIA, BINARY)));
    expect((await server.request()).request.body).toEqual(BINARY);
    socket.send('\r\n\r\n');
    const [pong] = (await once(socket, 'message')) as [Buffer];
    expect(pong.toString()).toBe('\r\n');
    expect(server.malformed.empty).toBe(true);
  });

  it('answers a malformed message and continues', async () => {
    const server = new Side();
    const socket = await webSocket(await listening('ws', server));
    socket.send('nonsense');
    await server.malformed.next();
    const bad = message(VIA);
    bad.headers.set('CSeq', '1 OPTIONS');
    socket.send(writeMessage(bad));
    const [refusal] = (await once(socket, 'message')) as [Buffer];
    expect(refusal.toString()).toMatch(/^SIP\/2\.0 400 /);
    socket.send(writeMessage(message(VIA)));
    await server.request();
  });
});

describe('UDP', () => {
  async function datagrams(listener: SipListener) {
    const socket = await platform.openDatagram({ local: { host: '127.0.0.1', port: 0 } });
    cleanups.push(() => socket.close());
    const received = new Queue<string>();
    socket.onmessage = (bytes) => received.push(Buffer.from(bytes).toString());
    const to = parseEndpoint(listener.uri);
    return {
      local: socket.local,
      received,
      send: (bytes: string | Uint8Array) => socket.send(Buffer.from(bytes), to),
    };
  }

  it('sends a response to the port of the Via without rport (18.2.2)', async () => {
    const server = new Side();
    const listener = await listening('udp', server);
    const source = await datagrams(listener);
    const named = await datagrams(listener);
    const layer = new TransactionLayer({
      onRequest: (transaction) => transaction.respond(buildResponse(transaction.request, 200)),
    });
    cleanups.push(() => layer.close());
    for (const [branch, rport, at] of [
      ['1', '', named],
      ['2', ';rport', source],
    ] as const) {
      source.send(
        writeMessage(message(`SIP/2.0/UDP client.test:${named.local.port};branch=z9hG4bK${branch}${rport}`)),
      );
      const { request, flow } = await server.request();
      layer.receive(request, flow);
      expect(await at.received.next()).toMatch(/^SIP\/2\.0 200 OK\r\n/);
    }
  });

  it.each([
    ['with a name', 'client.test:5060', ';received=127.0.0.1'],
    ['with the address of the source', '127.0.0.1:5060', ''],
    ['with a received parameter of the client', '127.0.0.1:5060;received=192.0.2.9', ''],
    [
      'with received and rport parameters of the client',
      '127.0.0.1:5060;rport=7;received=192.0.2.9',
      ';rport=PORT;received=127.0.0.1',
    ],
  ])('sent-by %s', async (_what, sentBy, noted) => {
    const server = new Side();
    const { send, local } = await datagrams(await listening('udp', server));
    send(writeMessage(message(`SIP/2.0/UDP ${sentBy};branch=z9hG4bK1`, NO_BODY)));
    const { request } = await server.request();
    const via = request.headers.get('Via') ?? '';
    const [host, ...parameters] = via.split(';');
    expect(host).toBe(`SIP/2.0/UDP ${sentBy.split(';', 1)[0]}`);
    const expected = noted.replace('PORT', String(local.port)).split(';').slice(1);
    expect(parameters.filter((parameter) => !parameter.startsWith('branch')).sort()).toEqual(expected.sort());
  });

  it('answers malformed requests with the same tag each time, but not ACKs, responses and keep-alives', async () => {
    const server = new Side();
    const listener = await listening('udp', server);
    const { send, received } = await datagrams(listener);
    const bad = (method: string) => {
      const request = message('SIP/2.0/UDP client.test;branch=z9hG4bK1;rport', NO_BODY, method);
      request.headers.set('CSeq', '1 BYE').set('Call-ID', 'c1');
      return writeMessage(request);
    };
    send('\r\n\r\n');
    send(new Uint8Array([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]));
    send(new Uint8Array(0));
    send(bad('ACK'));
    send('SIP/2.0 200 OK\r\nVia: broken\r\n\r\n');
    send(bad('OPTIONS'));
    send(bad('OPTIONS'));
    for (let count = 0; count < 4; count++) await server.malformed.next();
    const first = await received.next();
    expect(first).toMatch(/^SIP\/2\.0 400 /);
    expect(await received.next()).toBe(first);
    expect(received.empty).toBe(true);
    expect(server.malformed.empty).toBe(true);
  });

  it('refuses a message that is too large for a datagram', async () => {
    const listener = await listening('udp', new Side());
    const flow = await connected(listener.uri, new Side());
    const large = writeMessage(message(VIA, new Uint8Array(MAX_DATAGRAM_BYTES)));
    expect(() => flow.send(large)).toThrow(TransportError);
    expect(() => listener.flowTo?.(flow.local).send(large)).toThrow(TransportError);
  });

  it('sends and receives the largest datagram', async () => {
    const server = new Side();
    const flow = await connected((await listening('udp', server)).uri, new Side());
    const largest = MAX_DATAGRAM_BYTES - writeMessage(message(VIA, new Uint8Array(60_000))).length + 60_000;
    flow.send(writeMessage(message(VIA, new Uint8Array(largest))));
    expect((await server.request()).request.body).toHaveLength(largest);
  });

  it('closes the flow at the first message to an unreachable server (RFC 3261 §18.4)', async () => {
    const listener = await listening('udp', new Side());
    await listener.close();
    const client = new Side();
    const flow = await connected(listener.uri, client);
    flow.send(writeMessage(message(VIA)));
    const { error } = await client.closed.next();
    expect(error).toBeInstanceOf(TransportError);
    expect(error?.message).toContain('ECONNREFUSED');
    expect(flow.closed).toBe(true);
  });

  it('opens flows to any address from the port of a listener', async () => {
    const server = new Side();
    const peer = new Side();
    const listener = await listening('udp', server);
    const other = await listening('udp', peer);
    const flow = listener.flowTo?.(parseEndpoint(other.uri));
    if (!flow) throw new Error('no flow');
    flow.send(writeMessage(message(VIA)));
    const { flow: back } = await peer.request();
    expect(back.remote.port).toBe(parseEndpoint(listener.uri).port);
    flow.close();
    expect(flow.closed).toBe(false);
    await listener.close();
    expect(flow.closed).toBe(true);
  });
});

describe('time', () => {
  /** Sockets stay real, because they have no timers of the package. */
  const fakeClock = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

  /** A scripted server. It answers a ping with the configured reply. */
  async function server(answer: () => string | Uint8Array) {
    const pings = new Queue<string>();
    const listener = net
      .createServer((socket) => {
        socket.on('error', () => {});
        socket.on('data', (bytes) => {
          pings.push(bytes.toString());
          socket.write(answer());
        });
        cleanups.push(() => socket.destroy());
      })
      .listen(0, '127.0.0.1');
    await once(listener, 'listening');
    cleanups.push(() => listener.close());
    return { pings, uri: `sip:127.0.0.1:${(listener.address() as net.AddressInfo).port};transport=tcp` };
  }

  it('pings within 30 s, and closes a flow whose server answered before and is silent for 10 s', async () => {
    fakeClock();
    // The pause is 80 to 100 % of 29 s, here 100 %.
    vi.spyOn(Math, 'random').mockReturnValue(1);
    // The message after the pong shows that the pong was read before the clock advances.
    let answer = Buffer.concat([Buffer.from('\r\n'), writeMessage(message(VIA))]);
    const { pings, uri } = await server(() => answer);
    const client = new Side();
    const flow = await connected(uri, client);
    for (let round = 0; round < 3; round++) {
      vi.advanceTimersByTime(29_000);
      expect(await pings.next()).toBe('\r\n\r\n');
      await client.request();
    }
    answer = Buffer.alloc(0);
    vi.advanceTimersByTime(29_000);
    await pings.next();
    expect(flow.closed).toBe(false);
    vi.advanceTimersByTime(10_000);
    expect(flow.closed).toBe(true);
    expect((await client.closed.next()).error?.message).toBe('the peer no longer answers keep-alives');
  });

  it('keeps the flow to a server that never answered a ping', async () => {
    fakeClock();
    const { pings, uri } = await server(() => '');
    const flow = await connected(uri, new Side());
    for (let round = 0; round < 5; round++) {
      vi.advanceTimersByTime(29_000);
      await pings.next();
    }
    expect(flow.closed).toBe(false);
  });

  it.each(['udp', 'ws'] as const)('%s: pings keep NAT bindings open', async (transport) => {
    fakeClock();
    const datagram =
      transport === 'udp'
        ? await platform.openDatagram({ local: { host: '127.0.0.1', port: 0 } })
        : undefined;
    const received = new Queue<string>();
    if (datagram) datagram.onmessage = (bytes) => received.push(Buffer.from(bytes).toString());
    const listener = await platform.listen(
      'ws',
      { host: '127.0.0.1', port: 0 },
      { subprotocol: 'sip' },
      (channel) => {
        channel.ondata = (bytes) => received.push(Buffer.from(bytes).toString());
      },
    );
    cleanups.push(
      () => listener.close(),
      () => datagram?.close(),
    );
    const { port } = datagram?.local ?? listener.address;
    await connected(`sip:127.0.0.1:${port};transport=${transport}`, new Side());
    vi.advanceTimersByTime(29_000);
    expect(await received.next()).toBe('\r\n\r\n');
  });

  it.each([
    ['nothing', ''],
    ['keep-alives only', '\r\n\r\n'],
    ['half a message', 'MESSAGE sip:bob@domain.test SIP/2.0\r\nVia: '],
  ])('a connection on which %s arrived within 30 s is closed', async (_what, sent) => {
    fakeClock();
    const side = new Side();
    const listener = await listening('tcp', side);
    const socket = await rawSocket(listener);
    // Connections are accepted in order: when this connection is served, the previous connection has been accepted.
    const later = await rawSocket(listener);
    later.write('\r\n\r\n');
    await once(later, 'data');
    const ended = textOf(socket);
    socket.write(sent);
    vi.advanceTimersByTime(30_000);
    await ended;
    expect((await side.closed.next()).error?.message).toBe('no SIP message within 30 s');
  });

  it('keeps an accepted connection that sent a message', async () => {
    fakeClock();
    const side = new Side();
    const socket = await rawSocket(await listening('tcp', side));
    socket.write(writeMessage(message(VIA)));
    const { flow } = await side.request();
    vi.advanceTimersByTime(3_600_000);
    expect(flow.closed).toBe(false);
  });
});

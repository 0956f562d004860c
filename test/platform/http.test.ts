/** HTTP client and server over real loopback sockets. */

import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { TransportError } from '../../core/errors.js';
import type { HttpIncoming, HttpReply, HttpRequest } from '../../core/platform/http.js';
import type { Listener } from '../../core/platform/sockets.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { describePeer } from '../support/programs/peers.js';
import { Tinyproxy, type TinyproxyOptions } from '../support/programs/tinyproxy.js';
import { PATIENCE_MS, until } from '../support/wait.js';

const LOCAL = { host: '127.0.0.1', port: 0 };
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(answer: (incoming: HttpIncoming) => HttpReply, tls?: Certificates): Promise<Listener> {
  const listener = await platform.listenHttp(LOCAL, tls ? { tls } : {}, answer);
  closing.push(() => listener.close());
  return listener;
}

/** A server that writes `bytes` to each connection, and closes it. */
async function serveRaw(bytes: string, then: (socket: Socket) => void = (socket) => socket.end()) {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write(bytes, () => then(socket)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

const get = (url: string, more: Partial<HttpRequest> = {}) =>
  platform.request({ method: 'GET', url: new URL(url), signal: AbortSignal.timeout(PATIENCE_MS), ...more });
const text = (body: ReadableStream<Uint8Array>) => new Response(body).text();
const streamOf = (value: string) => new Blob([value]).stream();

describe('a request', () => {
  it('returns the response with its headers and body', async () => {
    const { address } = await serve(({ method, target, headers }) => ({
      status: 203,
      headers: { 'X-Answer': `${method} ${target} ${headers['x-asked']}` },
      body: streamOf('content'),
    }));
    const url = `http://127.0.0.1:${address.port}/a%20b?c=d`;
    const response = await get(url, { headers: { 'X-Asked': 'yes' } });
    expect(response.status).toBe(203);
    expect(response.headers['x-answer']).toBe('GET /a%20b?c=d yes');
    expect(await text(response.body)).toBe('content');
  });

  it('connects to the configured addresses, whatever the name resolves to', async () => {
    const { address } = await serve(({ headers }) => ({
      status: 200,
      headers: { host: headers.host ?? '' },
    }));
    const response = await get(`http://mmsc.operator.test:${address.port}/`, { addresses: ['127.0.0.1'] });
    expect(response.headers.host).toBe(`mmsc.operator.test:${address.port}`);
    await response.body.cancel();
  });

  it('uses TLS, and checks the certificate against the name of the URL', async () => {
    const certificates = await makeCertificates();
    closing.push(() => certificates.remove());
    const { address } = await serve(() => ({ status: 204 }), certificates);
    const { ca } = certificates;
    const good = await get(`https://localhost:${address.port}/`, { ca, addresses: ['127.0.0.1'] });
    expect(good.status).toBe(204);
    await expect(
      get(`https://other.test:${address.port}/`, { ca, addresses: ['127.0.0.1'] }),
    ).rejects.toThrow(TransportError);
    await expect(get(`https://localhost:${address.port}/`)).rejects.toThrow(/certificate/);
  });

  it('can be aborted before and after the response', async () => {
    const port = await serveRaw('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345', () => {});
    const ending = new AbortController();
    const response = await get(`http://127.0.0.1:${port}/`, { signal: ending.signal });
    const reader = response.body.getReader();
    expect((await reader.read()).value).toHaveLength(5);
    ending.abort(new Error('cancelled'));
    await expect(reader.read()).rejects.toThrow('cancelled');
    await expect(get(`http://127.0.0.1:${port}/`, { signal: ending.signal })).rejects.toThrow('cancelled');
    const silent = await serveRaw('', () => {});
    const early = new AbortController();
    const waiting = get(`http://127.0.0.1:${silent}/`, { signal: early.signal });
    early.abort(new Error('too slow'));
    await expect(waiting).rejects.toThrow('too slow');
  });

  it.each([
    ['does not send HTTP', 'SIP/2.0 200 OK\r\n\r\n'],
    ['sends nothing', ''],
    ['sends endless headers', `HTTP/1.1 200 OK\r\n${'X-More: and more\r\n'.repeat(2000)}`],
    [
      'switches to another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ],
  ])('fails if the server %s', async (_title, bytes) => {
    const port = await serveRaw(bytes);
    await expect(get(`http://127.0.0.1:${port}/`)).rejects.toThrow(TransportError);
  });

  it('errors if its body is truncated', async () => {
    const port = await serveRaw('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345');
    const response = await get(`http://127.0.0.1:${port}/`);
    await expect(text(response.body)).rejects.toThrow();
  });

  it('reports a refused connection, and names that do not resolve', async () => {
    await expect(get('http://127.0.0.1:9/')).rejects.toThrow(/ECONNREFUSED/);
    await expect(platform.resolve('nowhere.invalid')).rejects.toThrow(TransportError);
    expect(await platform.resolve('localhost')).toContain('127.0.0.1');
  });
});

describe('a server', () => {
  it('reports whether a body was received, and does not read ahead of the client', async () => {
    let read = 0;
    let cancelled = () => {};
    const stopped = new Promise<void>((resolve) => {
      cancelled = resolve;
    });
    const sent: boolean[] = [];
    const endless = () =>
      new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            read += 65_536;
            controller.enqueue(new Uint8Array(65_536));
          },
          cancel: () => cancelled(),
        },
        { highWaterMark: 0 },
      );
    const { address } = await serve(({ target }) =>
      target === '/endless'
        ? { status: 200, body: endless(), onSent: (whole) => void sent.push(whole) }
        : { status: 200, onSent: (whole) => void sent.push(whole) },
    );
    await (await get(`http://127.0.0.1:${address.port}/`)).body.cancel();
    const response = await get(`http://127.0.0.1:${address.port}/endless`);
    const reader = response.body.getReader();
    await reader.read();
    await reader.cancel();
    await stopped;
    await until(() => expect(sent).toEqual([true, false]));
    // The buffers of both sockets.
    expect(read).toBeLessThan(32 * 1024 * 1024);
  });

  it('answers 500 if the handler throws, and aborts requests in progress when it closes', async () => {
    const listener = await platform.listenHttp(LOCAL, {}, ({ target }) => {
      if (target === '/throws') throw new Error('as configured');
      return { status: 200, body: new ReadableStream() };
    });
    const url = `http://127.0.0.1:${listener.address.port}`;
    expect((await get(`${url}/throws`)).status).toBe(500);
    const response = await get(`${url}/`);
    await listener.close();
    await expect(text(response.body)).rejects.toThrow();
    await expect(get(`${url}/`)).rejects.toThrow(/ECONNREFUSED/);
  });
});

it('credentials of a proxy can have a "%" that escapes nothing', async () => {
  const { address } = await serve(({ headers }) => ({
    status: 200,
    body: streamOf(headers['proxy-authorization'] ?? ''),
  }));
  const proxy = new URL(`http://b%C3%B6b%zz:50%25%@127.0.0.1:${address.port}`);
  const sent = await text((await get('http://domain.test/', { proxy })).body);
  expect(Buffer.from(sent.replace('Basic ', ''), 'base64').toString()).toBe('böb%zz:50%%');
});

describePeer('tinyproxy', 'through an HTTP proxy', () => {
  /** A secure server, and a proxy. @returns the URL of the server, and options of a request to it. */
  async function scene(options: TinyproxyOptions = {}) {
    const certificates = await makeCertificates(['DNS:localhost']);
    closing.push(() => certificates.remove());
    const { address } = await serve(({ target }) => ({ status: 200, body: streamOf(target) }), certificates);
    const proxy = await Tinyproxy.start(options);
    closing.push(() => proxy.stop());
    const url = `https://localhost:${address.port}/a?b=c`;
    return { proxy, url, request: { ca: certificates.ca, proxy: new URL(`http://127.0.0.1:${proxy.port}`) } };
  }

  it('an https URL is requested in a tunnel, and the certificate is checked against the name of the URL', async () => {
    const { proxy, url, request } = await scene();
    const response = await get(url, request);
    expect(await text(response.body)).toBe('/a?b=c');
    const { port } = new URL(url);
    expect(proxy.requests).toEqual([`CONNECT localhost:${port} HTTP/1.1`]);
    await expect(get(`https://127.0.0.1:${port}/`, request)).rejects.toThrow(/altnames/);
    await expect(get(url, { ...request, ca: undefined })).rejects.toThrow(TransportError);
  });

  it('a body is sent in a tunnel', async () => {
    const { url, request } = await scene();
    const body = Buffer.from('posted');
    expect((await get(url, { ...request, method: 'POST', body })).status).toBe(200);
  });

  it('an http URL is requested with its whole URL', async () => {
    const { proxy, request } = await scene();
    const { address } = await serve(({ target }) => ({ status: 200, body: streamOf(target) }));
    const url = `http://localhost:${address.port}/d`;
    expect(await text((await get(url, request)).body)).toBe('/d');
    expect(proxy.requests).toEqual([`GET ${url} HTTP/1.1`]);
  });

  it('the credentials of its URL are those for the proxy (RFC 9110 §11.7)', async () => {
    const { url, request } = await scene({ user: { name: 'bob', password: 'secret' } });
    const { address } = await serve(({ headers }) => ({
      status: 200,
      body: streamOf(JSON.stringify(headers)),
    }));
    const plain = `http://localhost:${address.port}/`;
    expect((await get(plain, request)).status).toBe(407);
    await expect(get(url, request)).rejects.toThrow(/the proxy 127\.0\.0\.1:\d+ answered CONNECT with 407/);
    const proxy = new URL(request.proxy);
    proxy.username = 'bob';
    proxy.password = 'secret';
    expect(await text((await get(plain, { proxy })).body)).not.toContain('authorization');
    expect(await text((await get(url, { ...request, proxy })).body)).toBe('/a?b=c');
  });

  it('a server that the proxy does not reach is an error', async () => {
    const { request } = await scene();
    await expect(get('https://127.0.0.1:9/', request)).rejects.toThrow(
      /^HTTP with 127\.0\.0\.1:9 failed: the proxy .* answered CONNECT with 500/,
    );
  });

  it('a request that waits for its tunnel ends when it is aborted, and with the proxy', async () => {
    const abort = new AbortController();
    const silent = await serveRaw('', () => abort.abort(new Error('given up')));
    const proxy = new URL(`http://127.0.0.1:${silent}`);
    await expect(get('https://localhost/', { proxy, signal: abort.signal })).rejects.toThrow('given up');
    const closed = new URL(`http://127.0.0.1:${await serveRaw('')}`);
    await expect(get('https://localhost/', { proxy: closed })).rejects.toThrow(TransportError);
  });
});

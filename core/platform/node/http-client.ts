/** HTTP requests by node:http and node:https, each on its own connection. */

import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIPv6, type LookupFunction, type Socket } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { connect, createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { defined } from '../../defined.js';
import { TransportError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { HttpRequest, HttpResponse } from '../http.js';
import type { Platform } from '../platform.js';
import { webStream } from './bytes.js';
import { errorCode } from './failure.js';
import { clientTlsOptions } from './stream-channel.js';

/** Bytes of status line and headers of a response. */
const MAX_HEADER_BYTES = 16_384;

export const request: Platform['request'] = async (exchange) => {
  const { url, signal, body, proxy } = exchange;
  signal.throwIfAborted();
  const tunnel = url.protocol === 'https:' && proxy ? await tunnelThrough(proxy, exchange) : undefined;
  return await new Promise<HttpResponse>((resolve, reject) => {
    const outgoing = open(exchange, tunnel);
    const onAbort = () => outgoing.destroy(new Error('aborted'));
    signal.addEventListener('abort', onAbort, { once: true });
    // The last event in any case, and the only one if the server speaks another protocol.
    outgoing.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      reject(failure(url, new Error('the connection ended without a response'), signal));
    });
    // After the start of the response, the body reports the error instead.
    outgoing.on('error', (error) => reject(failure(url, error, signal)));
    outgoing.once('response', (incoming) => resolve(response(incoming, url, signal)));
    if (body instanceof ReadableStream) {
      // Its error destroys the request, which reports it. A server may answer before the end of the body.
      pipeline(Readable.from(body), outgoing, () => {});
    } else outgoing.end(body);
  });
};

/** @param tunnel through the proxy. */
function open(
  { method, url, headers, body, addresses, proxy, ca, tls }: HttpRequest,
  tunnel: Socket | undefined,
): http.ClientRequest {
  const options = {
    method,
    headers: {
      ...headers,
      ...defined({ 'content-length': body instanceof Uint8Array ? String(body.length) : undefined }),
    },
    // A reused connection could go to other addresses.
    agent: false as const,
    maxHeaderSize: MAX_HEADER_BYTES,
    lookup: addresses && pinned(addresses),
  };
  if (url.protocol !== 'https:') {
    if (!proxy) return http.request(url, options);
    // RFC 9112 §3.2.2: a proxy receives the whole URL.
    const path = url.href.slice(0, url.href.length - url.hash.length);
    const own = { host: url.host, ...credentialsOf(proxy) };
    return http.request({ ...options, ...hostOf(proxy), path, headers: { ...own, ...options.headers } });
  }
  const trust = ca === undefined ? {} : { secureContext: trusting(ca) };
  const secure = { ...clientTlsOptions(hostOf(url).host, tls), ...trust };
  if (!tunnel) return https.request(url, { ...options, ...secure });
  // With an agent, Node.js does not use `createConnection`.
  const createConnection = () => connect({ ...secure, socket: tunnel });
  return https.request(url, { ...options, agent: undefined, createConnection });
}

/** A connection to the server of an `https:` URL through a proxy (RFC 9110 §9.3.6). @throws TransportError */
function tunnelThrough(proxy: URL, { url, addresses, signal }: HttpRequest): Promise<Socket> {
  const authority = `${url.hostname}:${url.port || 443}`;
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(failure(url, error, signal));
    const request = http.request({
      method: 'CONNECT',
      ...hostOf(proxy),
      path: authority,
      headers: { host: authority, ...credentialsOf(proxy) },
      agent: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      lookup: addresses && pinned(addresses),
      signal,
    });
    request.once('connect', ({ statusCode = 0, statusMessage = '' }, socket) => {
      if (statusCode >= 200 && statusCode < 300 && !signal.aborted) return resolve(socket);
      socket.destroy();
      fail(new Error(`the proxy ${proxy.host} answered CONNECT with ${statusCode} ${statusMessage}`));
    });
    request.once('error', fail);
    request.end();
  });
}

/** The host without the brackets of an IPv6 address. */
function hostOf({ hostname, port }: URL): { host: string; port?: string } {
  return { host: hostname.replace(/^\[|\]$/g, ''), ...(port === '' ? {} : { port }) };
}

/** RFC 9110 §11.7.1. */
function credentialsOf({ username, password }: URL): { 'proxy-authorization'?: string } {
  if (username === '' && password === '') return {};
  const userid = `${unescaped(username)}:${unescaped(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(userid).toString('base64')}` };
}

/** Of a URL, which can have a `%` that escapes nothing. */
function unescaped(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (octets) =>
    Buffer.from(octets.replaceAll('%', ''), 'hex').toString(),
  );
}

let trusted: { ca: string | Uint8Array; context: SecureContext } | undefined;

/** Cached, because reading the system's 140 authorities takes longer than a request. */
function trusting(ca: string | Uint8Array): SecureContext {
  if (trusted?.ca !== ca) {
    const own = typeof ca === 'string' ? ca : Buffer.from(ca);
    trusted = { ca, context: createSecureContext({ ca: [...rootCertificates, own] }) };
  }
  return trusted.context;
}

/** Resolves every name to these addresses, so that a change of DNS after the check has no effect. */
function pinned(addresses: readonly string[]): LookupFunction {
  const list = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  return (_host, options, callback) => {
    const [first] = list;
    if (!first) callback(new Error('no address to connect to'), '');
    else if (options.all) callback(null, list);
    else callback(null, first.address, first.family);
  };
}

function response(incoming: IncomingMessage, url: URL, signal: AbortSignal): HttpResponse {
  const headers = Object.entries(incoming.headers).map(([name, value = '']) => [
    name,
    [value].flat().join(', '),
  ]);
  return {
    status: incoming.statusCode ?? 0,
    headers: Object.fromEntries(headers),
    body: webStream(incoming, (error) => failure(url, error, signal)),
  };
}

function failure(url: URL, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const why = reasonOf(error);
  const code = errorCode(error);
  const suffix = code === undefined || why.includes(code) ? '' : ` (${code})`;
  return new TransportError(`HTTP with ${url.host} failed: ${why}${suffix}`, { cause: error });
}

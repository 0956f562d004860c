/** HTTP requests by node:http and node:https, each on its own connection. */

import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIPv6, type LookupFunction } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
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

export const request: Platform['request'] = (exchange) => {
  const { url, signal, body } = exchange;
  return new Promise<HttpResponse>((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const outgoing = open(exchange);
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

function open({ method, url, headers, body, addresses, proxy, ca, tls }: HttpRequest): http.ClientRequest {
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
    return http.request(proxy, { ...options, path, headers: { host: url.host, ...options.headers } });
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const trust = ca === undefined ? {} : { secureContext: trusting(ca) };
  return https.request(url, { ...options, ...clientTlsOptions(host, tls), ...trust });
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

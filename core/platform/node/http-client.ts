/** HTTP requests over node:http and node:https, each on a connection of its own to addresses that were chosen before. */

import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIPv6, type LookupFunction } from 'node:net';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
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
    // Its last event, whichever way it ended; the only one where a server answers with another protocol.
    outgoing.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      reject(failure(url, new Error('the connection ended without a response'), signal));
    });
    // Also after the response has begun: the body tells then.
    outgoing.on('error', (error) => reject(failure(url, error, signal)));
    outgoing.once('response', (incoming) => resolve(response(incoming, url, signal)));
    outgoing.end(body);
  });
};

function open({ method, url, headers, body, addresses, ca }: HttpRequest): http.ClientRequest {
  const options = {
    method,
    headers: { ...headers, ...(body ? { 'content-length': String(body.length) } : {}) },
    // A connection that is used again was made to the addresses of another time.
    agent: false as const,
    maxHeaderSize: MAX_HEADER_BYTES,
    ...(addresses ? { lookup: pinned(addresses) } : {}),
  };
  if (url.protocol !== 'https:') return http.request(url, options);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const trust = ca === undefined ? {} : { secureContext: trusting(ca) };
  return https.request(url, { ...options, ...clientTlsOptions(host), ...trust });
}

let trusted: { ca: string | Uint8Array; context: SecureContext } | undefined;

/** Kept, since reading the system's 140 authorities takes longer than a request. */
function trusting(ca: string | Uint8Array): SecureContext {
  if (trusted?.ca !== ca) {
    const own = typeof ca === 'string' ? ca : Buffer.from(ca);
    trusted = { ca, context: createSecureContext({ ca: [...rootCertificates, own] }) };
  }
  return trusted.context;
}

/** Whatever the name, these addresses: a name that stands for something else a moment later changes nothing. */
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

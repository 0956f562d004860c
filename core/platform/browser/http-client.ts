/** HTTP requests by fetch, without cookies, cache and redirects. */

import { ConfigurationError, TransportError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { HttpRequest, HttpResponse } from '../http.js';
import type { Platform } from '../platform.js';

/** Headers of the encoded body; the browser decodes it. */
const DECODED = new Set(['content-encoding', 'content-length']);

/** The browser sets this header itself. */
const BROWSER_HEADERS = new Set(['accept-encoding']);

export const request: Platform['request'] = async (exchange) => {
  const { method, url, headers, body, ca, tls, proxy, addresses, signal } = exchange;
  if (ca !== undefined)
    throw new ConfigurationError(
      'tls: "ca" cannot be used in a browser, which has its own authorities; remove it',
    );
  if (tls !== undefined) throw new ConfigurationError('tls: a browser has its own certificates; remove them');
  if (body instanceof ReadableStream)
    throw new ConfigurationError('a browser cannot send a stream: pass the whole content');
  if (proxy !== undefined)
    throw new ConfigurationError('a proxy cannot be chosen in a browser, which has its own settings');
  requireOwnAddress(url, addresses);
  signal.throwIfAborted();
  try {
    const response = await fetch(url, {
      method,
      headers: Object.entries(headers ?? {}).filter(([name]) => !BROWSER_HEADERS.has(name.toLowerCase())),
      // A push must not use the credentials of the user, nor reveal the page.
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
      // Scripts get status 0 instead of the target, so it could not be checked.
      redirect: 'manual',
      signal,
      body: body === undefined ? undefined : Uint8Array.from(body),
    });
    return answer(response, url, signal);
  } catch (error) {
    throw failure(url, error, signal);
  }
};

/** A browser resolves names itself, so only the address in the URL is possible. */
function requireOwnAddress({ hostname }: URL, addresses: HttpRequest['addresses']): void {
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (addresses === undefined || (addresses.length === 1 && addresses[0] === literal)) return;
  throw new ConfigurationError(`a browser cannot connect to a chosen address of ${hostname}`);
}

function answer({ status, headers, body }: Response, url: URL, signal: AbortSignal): HttpResponse {
  return {
    status,
    headers: Object.fromEntries([...headers].filter(([name]) => !DECODED.has(name))),
    body: explained(body ?? new Blob().stream(), (error) => failure(url, error, signal)),
  };
}

function explained(
  body: ReadableStream<Uint8Array>,
  explain: (error: unknown) => unknown,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          throw explain(error);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function failure(url: URL, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  return new TransportError(
    `HTTP with ${url.host} failed: ${reasonOf(error)} (the network, the server's certificate or its CORS headers; a browser does not reveal which)`,
    { cause: error },
  );
}

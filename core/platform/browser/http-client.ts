/** HTTP requests by fetch: without cookies, from no cache, and to the one URL that was asked for. */

import { ConfigurationError, TransportError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import type { HttpRequest, HttpResponse } from '../http.js';
import type { Platform } from '../platform.js';

/** Of the bytes on the wire; the browser hands over what they unfold to. */
const UNDONE = new Set(['content-encoding', 'content-length']);

/** A browser sets it itself, from what it can undo. */
const ITS_OWN = new Set(['accept-encoding']);

export const request: Platform['request'] = async ({ method, url, headers, body, ca, addresses, signal }) => {
  if (ca !== undefined)
    throw new ConfigurationError('tls: a browser has authorities of its own; "ca" cannot be used');
  requireOwnAddress(url, addresses);
  signal.throwIfAborted();
  try {
    const response = await fetch(url, {
      method,
      headers: Object.entries(headers ?? {}).filter(([name]) => !ITS_OWN.has(name.toLowerCase())),
      // What is pushed must not act in the name of the person before the screen, nor learn where they are.
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
      // Where it leads is not told to scripts, which get a status of 0: nobody could say whether that is allowed.
      redirect: 'manual',
      signal,
      body: body === undefined ? undefined : Uint8Array.from(body),
    });
    return answer(response, url, signal);
  } catch (error) {
    throw failure(url, error, signal);
  }
};

/** The addresses of a name are the browser's own affair. */
function requireOwnAddress({ hostname }: URL, addresses: HttpRequest['addresses']): void {
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (addresses === undefined || (addresses.length === 1 && addresses[0] === literal)) return;
  throw new ConfigurationError(`a browser cannot be told which address of ${hostname} to connect to`);
}

function answer({ status, headers, body }: Response, url: URL, signal: AbortSignal): HttpResponse {
  return {
    status,
    headers: Object.fromEntries([...headers].filter(([name]) => !UNDONE.has(name))),
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
    `HTTP with ${url.host} failed: ${reasonOf(error)} (a browser does not tell whether the network, the server's certificate or its CORS headers are why)`,
    { cause: error },
  );
}

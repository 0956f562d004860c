/** HTTP requests, and an HTTP server. */

import type { Address, Listener, ListenOptions, TlsOptions } from './sockets.js';

/** An HTTP request. Redirects are not followed. */
export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST';
  /** `http:` or `https:`. */
  url: URL;
  headers?: Readonly<Record<string, string>>;
  /** A stream needs the header `content-length` if its size is known. A browser accepts no stream. */
  body?: Uint8Array | ReadableStream<Uint8Array>;
  /** IP addresses to connect to instead of resolving the host name; with a proxy, those of the proxy. */
  addresses?: readonly string[];
  /** An HTTP proxy (`http:`). An `https:` URL is requested through a tunnel. */
  proxy?: URL;
  /** PEM of authorities to trust in addition to the system's. */
  ca?: string | Uint8Array;
  /** Certificates in place of the system's authorities and `ca`, and the client's own. Not in a browser. */
  tls?: TlsOptions;
  /** Aborts the exchange, including its body. */
  signal: AbortSignal;
}

export interface HttpResponse {
  /** 0 for a redirect in a browser, which does not reveal the target. */
  status: number;
  /** Names in lower case; several values of a name are joined by commas. */
  headers: Readonly<Record<string, string>>;
  /** The caller must read it to its end or cancel it. It errors if the connection is lost before the end. */
  body: ReadableStream<Uint8Array>;
}

/** A request to our HTTP server, which does not read bodies. */
export interface HttpIncoming {
  method: string;
  /** Path and query, unchanged. */
  target: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
}

export interface HttpReply {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body?: ReadableStream<Uint8Array>;
  /** Called once at the end. `complete` is whether the whole reply was passed to the connection. */
  onSent?(complete: boolean): void;
}

export interface Http {
  /** @throws TransportError without a response; the reason of `signal` if it was aborted. */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Starts a server. `close` of the listener also ends the replies in progress. */
  listenHttp(
    at: Address,
    options: Pick<ListenOptions, 'tls' | 'limits'>,
    answer: (incoming: HttpIncoming) => HttpReply | Promise<HttpReply>,
  ): Promise<Listener>;
}

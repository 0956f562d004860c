/** The HTTP server of the API. */

import { once } from 'node:events';
import type net from 'node:net';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { TransportError } from '../../core/errors.js';
import { LISTEN_LIMITS, ListenerBounds } from '../../core/platform/bounds.js';
import { requireDescriptors } from '../../core/platform/node/descriptors.js';
import { boundConnections, pauseAfterErrors } from '../../core/platform/node/stream-channel.js';
import { type HttpApiOptions, httpApi } from './app.js';

/** A listening server. It answers 503 until `serve` is called. */
export interface HttpApiServer {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  serve(options: Omit<HttpApiOptions, 'hosts'>): void;
  /** Closes the server and its connections. */
  close(): Promise<void>;
}

/** Concurrent connections; each can have a body in memory. */
const MAX_CONNECTIONS = 1000;
/** Time until a connection without any byte is closed, in milliseconds. A stream of receipts has a comment every 15 s. */
const IDLE = 120_000;
/** No limit for uploads: the default of Node.js ends a request after five minutes. Headers have a limit. */
const TIMES = { requestTimeout: 0, headersTimeout: 10_000, connectionsCheckingInterval: 5_000 };

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/** Retry-After of the 503 before `serve`, in seconds. */
const STARTUP_RETRY_AFTER = '1';

export interface HttpApiAddress {
  host: string;
  port: number;
  /** Further host names by which callers reach the API. */
  hosts?: readonly string[];
  /** 1000 by default. */
  maxConnections?: number;
}

/** @throws TransportError if the port is in use. */
export async function openHttpApi({
  hosts,
  maxConnections: connections = MAX_CONNECTIONS,
  ...address
}: HttpApiAddress): Promise<HttpApiServer> {
  requireDescriptors();
  let answer: (request: Request) => Response | Promise<Response> = unavailable;
  const server = createAdaptorServer({ fetch: (request) => answer(request), serverOptions: TIMES });
  const limits = { ...LISTEN_LIMITS, connections, connectionsPerAddress: connections };
  boundConnections(server as net.Server, new ListenerBounds(limits));
  server.listen(address.port, address.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TransportError(
      `the HTTP API cannot listen at ${address.host}:${address.port} ("api.port"): ${reason}`,
      { cause: error },
    );
  }
  server.setTimeout(IDLE);
  const accepted = acceptedHosts(address.host, hosts);
  const { port } = server.address() as AddressInfo;
  const stop = pauseAfterErrors(server as net.Server, { host: address.host, port });
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return {
    url: `http://${host}:${port}`,
    serve(options) {
      answer = httpApi({ ...options, hosts: accepted }).fetch;
    },
    async close() {
      stop();
      if ('closeAllConnections' in server) server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A listener that other machines reach accepts any name, unless names are configured. */
function acceptedHosts(host: string, hosts: readonly string[] | undefined): string[] | undefined {
  const own = host.toLowerCase();
  if (hosts === undefined && !isLoopback(own)) return undefined;
  return [own, ...LOOPBACK, ...(hosts ?? []).map((each) => each.toLowerCase())];
}

function isLoopback(host: string): boolean {
  return host.startsWith('127.') || LOOPBACK.includes(host);
}

function unavailable(): Response {
  const body = { title: 'Service Unavailable', status: 503, detail: 'the sender is starting' };
  const headers = { 'content-type': 'application/problem+json', 'retry-after': STARTUP_RETRY_AFTER };
  return Response.json(body, { status: body.status, headers });
}

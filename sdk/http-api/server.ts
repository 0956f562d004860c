/** The HTTP server of the API. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { TransportError } from '../../core/errors.js';
import { type HttpApiOptions, httpApi } from './app.js';

/** A listening server. It answers 503 until `serve` is called. */
export interface HttpApiServer {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  serve(options: HttpApiOptions): void;
  /** Closes the server and its connections. */
  close(): Promise<void>;
}

/** Concurrent connections; each can have a body in memory. */
const MAX_CONNECTIONS = 1000;
/** Time until an idle connection is closed, in milliseconds. A stream of receipts has a comment every 15 s. */
const IDLE = 120_000;
/** No limit for uploads: the default of Node.js ends a request after five minutes. Headers have a limit. */
const TIMES = { requestTimeout: 0, headersTimeout: 60_000 };

/** Retry-After of the 503 before `serve`, in seconds. */
const STARTUP_RETRY_AFTER = '1';

/** @throws TransportError if the port is in use. */
export async function openHttpApi(address: { host: string; port: number }): Promise<HttpApiServer> {
  let answer: (request: Request) => Response | Promise<Response> = unavailable;
  const server = createAdaptorServer({ fetch: (request) => answer(request), serverOptions: TIMES });
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
  if ('maxConnections' in server) server.maxConnections = MAX_CONNECTIONS;
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return {
    url: `http://${host}:${port}`,
    serve(options) {
      answer = httpApi(options).fetch;
    },
    async close() {
      if ('closeAllConnections' in server) server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function unavailable(): Response {
  const body = { title: 'Service Unavailable', status: 503, detail: 'the sender is starting' };
  const headers = { 'content-type': 'application/problem+json', 'retry-after': STARTUP_RETRY_AFTER };
  return Response.json(body, { status: body.status, headers });
}

/** The API on a port of this machine. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { TransportError } from '../../core/errors.js';
import { type HttpApiOptions, httpApi } from './app.js';

/** A port that is taken: whoever comes is told that it is too early, until there is something to serve. */
export interface HttpApiServer {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  serve(options: HttpApiOptions): void;
  /** Ends what is under way, too. */
  close(): Promise<void>;
}

/** Connections at a time; each may hold a body. */
const MAX_CONNECTIONS = 1000;
/** Milliseconds that a connection stays on which nothing moves: a stream of receipts has a comment every 15 s. */
const IDLE = 120_000;
/**
 * Content of any size takes as long as its network needs: that of Node.js would end it after five minutes. Headers do
 * not.
 */
const TIMES = { requestTimeout: 0, headersTimeout: 60_000 };

/** Seconds after which somebody who came too early may come again. */
const SOON = '1';

/** @throws TransportError when the port is taken. */
export async function openHttpApi(place: { host: string; port: number }): Promise<HttpApiServer> {
  let answer: (request: Request) => Response | Promise<Response> = tooEarly;
  const server = createAdaptorServer({ fetch: (request) => answer(request), serverOptions: TIMES });
  server.listen(place.port, place.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TransportError(
      `the HTTP API cannot listen at ${place.host}:${place.port} ("api.port"): ${reason}`,
      { cause: error },
    );
  }
  server.setTimeout(IDLE);
  if ('maxConnections' in server) server.maxConnections = MAX_CONNECTIONS;
  const { port } = server.address() as AddressInfo;
  const host = place.host.includes(':') ? `[${place.host}]` : place.host;
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

function tooEarly(): Response {
  const body = { title: 'Service Unavailable', status: 503, detail: 'the sender is starting' };
  const headers = { 'content-type': 'application/problem+json', 'retry-after': SOON };
  return Response.json(body, { status: body.status, headers });
}

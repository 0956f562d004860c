/** An HTTP server for requests without a body, by node:http and node:https. */

import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { HttpReply } from '../http.js';
import type { Platform } from '../platform.js';
import { boundsOf, HANDSHAKE_TIMEOUT_MS, serverTlsOptions, startListening } from './stream-channel.js';

/** Time after which a client that reads nothing is disconnected. */
const SILENCE_MS = 30_000;

export const listenHttp: Platform['listenHttp'] = async (at, options, answer) => {
  const settings = {
    headersTimeout: HANDSHAKE_TIMEOUT_MS,
    requestTimeout: HANDSHAKE_TIMEOUT_MS,
    connectionsCheckingInterval: HANDSHAKE_TIMEOUT_MS,
  };
  const onRequest = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url = '', headers } = request;
    // The server reads no body, so the connection has to end with the reply.
    request.resume();
    if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) {
      response.shouldKeepAlive = false;
    }
    const lines = Object.entries(headers).map(([name, value = '']) => [name, [value].flat().join(', ')]);
    try {
      await reply(response, await answer({ method, target: url, headers: Object.fromEntries(lines) }));
    } catch {
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    }
  };
  const server = options.tls
    ? https.createServer({ ...serverTlsOptions(options.tls), ...settings })
    : http.createServer(settings);
  server.on('request', (request, response) => void onRequest(request, response));
  server.on('clientError', (_error, socket) => socket.destroy());
  server.setTimeout(SILENCE_MS);
  const { address } = await startListening(server, at, boundsOf(options));
  return {
    address,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
};

async function reply(response: ServerResponse, { status, headers, body, onSent }: HttpReply): Promise<void> {
  response.writeHead(status, headers);
  // Node.js would delay them until the first byte of the body.
  response.flushHeaders();
  const length = Number(headers?.['content-length'] ?? Number.NaN);
  let sent = 0;
  const chunks = async function* () {
    for await (const chunk of body ?? []) {
      yield chunk;
      sent += chunk.length;
    }
  };
  let whole = true;
  try {
    await pipeline(Readable.from(chunks(), { objectMode: false }), response);
  } catch {
    // A client that has all the bytes may close the connection before the source has ended.
    whole = sent === length;
  }
  onSent?.(whole);
}

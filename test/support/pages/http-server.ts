/** An HTTP server on loopback whose responses the test writes. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type HttpAnswer = (request: IncomingMessage, response: ServerResponse) => void;

export class TestHttpServer {
  /** Received requests, in order: `GET /path`, with its Range if present. */
  readonly requests: string[] = [];

  private constructor(
    readonly port: number,
    readonly close: () => Promise<void>,
  ) {}

  /** A test may replace `answer` at any time. */
  static async start(answer: HttpAnswer): Promise<TestHttpServer & { answer: HttpAnswer }> {
    const server = createServer((request, response) => {
      const { range } = request.headers;
      started.requests.push(`${request.method} ${request.url}${range ? ` ${range}` : ''}`);
      response.on('error', () => {});
      started.answer(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const close = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    const { port } = server.address() as AddressInfo;
    const started = Object.assign(new TestHttpServer(port, close), { answer });
    return started;
  }

  url(path = '/', host = '127.0.0.1'): string {
    return `http://${host}:${this.port}${path}`;
  }
}

/** Writes an infinite response, as fast as the client reads it. */
export function endless(chunk = Buffer.alloc(65_536, 'endless ')): HttpAnswer {
  return (_request, response) => {
    const more = () => {
      while (response.writable && response.write(chunk));
    };
    response.on('drain', more);
    more();
  };
}

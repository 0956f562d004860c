/** Serves the demo's page on loopback: events as server-sent events, and a POST that pushes. */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { reasonOf } from '../../../core/text.js';
import type { PageEvent } from './events.js';
import { PAGE } from './page.js';

/** Past events that a new page receives. */
const MAX_PAST = 300;
/** Largest number of connected browsers. */
const MAX_CLIENTS = 50;
/** Unread bytes after which a browser is disconnected. It reconnects, and receives the past events. */
const MAX_UNREAD = 4_000_000;

/** The page loads nothing from other origins, whatever a push contains. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'";

export class PageServer {
  /** Pushes the examples. Undefined until the demo is ready. */
  onPush: (() => Promise<unknown>) | undefined;
  readonly #past: string[] = [];
  readonly #clients = new Set<ServerResponse>();
  readonly #server: Server;
  #pushing: Promise<unknown> | undefined;

  private constructor(private readonly script: Buffer) {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** Listens on a free port of loopback. */
  static async start(): Promise<PageServer> {
    const page = new PageServer(await readFile(new URL('./browser.js', import.meta.url)));
    page.#server.listen(0, '127.0.0.1');
    await once(page.#server, 'listening');
    return page;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  show(event: PageEvent): void {
    const line = `data: ${JSON.stringify(event)}\n\n`;
    this.#past.push(line);
    if (this.#past.length > MAX_PAST) this.#past.shift();
    for (const client of this.#clients) {
      client.write(line);
      if (client.writableLength > MAX_UNREAD) client.destroy();
    }
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.end();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    // Protects against DNS rebinding, in which the name of another site resolves to loopback.
    if (![`127.0.0.1:${this.#port}`, `localhost:${this.#port}`].includes(request.headers.host ?? '')) {
      end(response, 403, `invalid Host: expected ${this.url}`);
      return;
    }
    switch (`${request.method} ${request.url}`) {
      case 'GET /':
        end(response, 200, PAGE, 'text/html');
        return;
      case 'GET /browser.js':
        end(response, 200, this.script, 'text/javascript');
        return;
      case 'GET /events':
        this.#subscribe(response);
        return;
      case 'POST /push':
        void this.#push(request, response);
        return;
      default:
        end(response, 404, 'not found: expected /');
    }
  }

  /** Concurrent requests share one push and its result. */
  async #push(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // The page of another site can post a form, but it cannot post JSON without a CORS preflight.
    if (request.headers['content-type'] !== 'application/json') {
      end(response, 415, 'expected application/json');
      return;
    }
    if (!this.onPush) {
      end(response, 503, 'not ready yet');
      return;
    }
    this.#pushing ??= this.onPush().finally(() => {
      this.#pushing = undefined;
    });
    try {
      await this.#pushing;
      response.writeHead(204).end();
    } catch (error) {
      end(response, 500, reasonOf(error));
    }
  }

  #subscribe(response: ServerResponse): void {
    if (this.#clients.size >= MAX_CLIENTS) {
      end(response, 503, 'too many connected browsers');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.flushHeaders();
    response.write(this.#past.join(''));
    this.#clients.add(response);
    response.on('error', () => {});
    response.on('close', () => this.#clients.delete(response));
  }
}

function end(response: ServerResponse, status: number, body: string | Buffer, type = 'text/plain'): void {
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'content-security-policy': POLICY,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

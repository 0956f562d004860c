/** Serves the demo's page on loopback: events by server-sent events, a push at a POST. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PAGE } from './page.js';

export type PageEvent =
  | { kind: 'wire'; from: string; to: string; text: string; response: boolean; bad: boolean }
  | {
      kind: 'push';
      title: string;
      text?: string;
      fields?: Record<string, string>;
      outcome: string;
    };

/** A page opened late is shown this many past events. */
const MAX_PAST = 300;
/** Browsers that may watch at a time. */
const MAX_WATCHERS = 50;

export class DemoServer {
  readonly #past: string[] = [];
  readonly #watchers = new Set<ServerResponse>();
  readonly #server: Server;

  constructor(private readonly push: () => Promise<void>) {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** Listens on a free port of loopback. Resolves with the page's address. */
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  show(event: PageEvent): void {
    const line = `data: ${JSON.stringify(event)}\n\n`;
    this.#past.push(line);
    if (this.#past.length > MAX_PAST) this.#past.shift();
    for (const watcher of this.#watchers) watcher.write(line);
  }

  async stop(): Promise<void> {
    for (const watcher of this.#watchers) watcher.end();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Another site's page may not push, nor read by a name that it points at loopback.
    if (!/^127\.0\.0\.1:\d+$/.test(request.headers.host ?? '')) {
      response.writeHead(403).end();
    } else if (request.url === '/' && request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE);
    } else if (request.url === '/events' && request.method === 'GET') {
      this.#watch(response);
    } else if (request.url === '/push' && request.method === 'POST') {
      const json = request.headers['content-type'] === 'application/json';
      request.resume();
      if (json) await this.push().catch(() => {});
      response.writeHead(json ? 204 : 415).end();
    } else {
      response.writeHead(404).end();
    }
  }

  #watch(response: ServerResponse): void {
    if (this.#watchers.size >= MAX_WATCHERS) {
      response.writeHead(503).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(this.#past.join(''));
    this.#watchers.add(response);
    response.on('close', () => this.#watchers.delete(response));
  }
}

/** One configured server as a JsSIP Socket. Messages do not pass through JsSIP; the flow reports them itself. */

import type { Socket } from 'jssip/lib/Socket.js';
import type { ClientFlow } from '../transport/connect.js';
import type { SipFlow } from '../transport/flow.js';
import { transportOf } from '../transport/transport-uri.js';

export interface ServerSocketEvents {
  onFlow(server: string, flow: ClientFlow): void;
  onFlowLost(server: string, error: Error): void;
}

export class ServerSocket implements Socket {
  readonly url: string;
  readonly sip_uri: string;
  via_transport: string;
  onconnect: Socket['onconnect'] = () => {};
  ondisconnect: Socket['ondisconnect'] = () => {};
  ondata: Socket['ondata'] = () => {};
  #flow: ClientFlow | undefined;
  #attempt: AbortController | undefined;

  constructor(
    private readonly server: string,
    private readonly open: (server: string, signal: AbortSignal) => Promise<ClientFlow>,
    private readonly events: ServerSocketEvents,
  ) {
    this.url = server;
    this.sip_uri = server;
    this.via_transport = transportOf(server);
  }

  connect(): void {
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.open(this.server, attempt.signal).then(
      (flow) => {
        if (attempt.signal.aborted) {
          flow.close();
          return;
        }
        this.#flow = flow;
        this.events.onFlow(this.server, flow);
        this.onconnect();
      },
      (error: Error) => {
        if (!attempt.signal.aborted) this.fail(error);
      },
    );
  }

  /** The connection is lost, or the server does not answer: JsSIP selects the next server, and later this one again. */
  fail(error: Error): void {
    this.#release();
    this.events.onFlowLost(this.server, error);
    this.ondisconnect(true, 0, error.message);
  }

  /** As `fail`, but the flow stays open. */
  leave(error: Error): void {
    this.#flow = undefined;
    this.fail(error);
  }

  isFlow(flow: SipFlow): boolean {
    return this.#flow === flow;
  }

  disconnect(): void {
    this.#release();
  }

  /** JsSIP sends no messages itself. */
  send(): boolean {
    return false;
  }

  isConnected(): boolean {
    return this.#flow !== undefined && !this.#flow.closed;
  }

  isConnecting(): boolean {
    return this.#attempt !== undefined && this.#flow === undefined;
  }

  #release(): void {
    this.#attempt?.abort();
    this.#attempt = undefined;
    this.#flow?.close();
    this.#flow = undefined;
  }
}

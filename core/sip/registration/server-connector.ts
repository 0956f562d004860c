/** Opens the flow to a configured server: to the first of its addresses that can be reached (RFC 3263 §4.3). */

import { TransportError } from '../../errors.js';
import { delay } from '../../time/abort-signal.js';
import { doubledDelay } from '../../time/backoff.js';
import {
  type ClientFlow,
  type ConnectFlowOptions,
  connectFlow,
  type FlowTarget,
} from '../transport/connect.js';
import { listenerFlowTo, type SipListener } from '../transport/listener.js';
import type { ServerLocator } from '../transport/server-locator.js';
import { parseEndpoint } from '../transport/transport-uri.js';

/** Added to the backoff of JsSIP while servers do not respond, less its first second: 1, 3, 7 s, up to a minute. */
const SILENCE_BACKOFF = { first: 2000, longest: 61_000 };

export class ServerConnector {
  /** Consecutive flows that were lost before a message arrived: a UDP socket also opens without a server. */
  #silent = 0;

  constructor(
    private readonly options: ConnectFlowOptions,
    private readonly locator: ServerLocator,
    /** Where the agent listens. */
    private readonly listener: () => SipListener | undefined,
  ) {}

  /** @throws TransportError with the reason; ConfigurationError for invalid TLS material. */
  async connect(server: string, signal?: AbortSignal): Promise<ClientFlow> {
    let failure: unknown;
    for (const target of await this.#targets(server)) {
      try {
        return await this.#open(target, signal);
      } catch (error) {
        if (!(error instanceof TransportError) || signal?.aborted) throw error;
        this.locator.failed(target);
        failure = error;
      }
    }
    throw failure;
  }

  /**
   * The server does not answer, or closed the connection.
   * @param flow undefined if no connection was opened.
   */
  lost(flow: ClientFlow | undefined): void {
    if (flow) this.locator.failed({ transport: flow.transport, ...flow.remote });
    if (flow?.received) this.#silent = 0;
    this.#silent++;
  }

  async #targets(server: string): Promise<readonly FlowTarget[]> {
    // The sockets of the caller resolve their names.
    const located = this.options.sockets === undefined && this.locator.locates(server);
    return located ? await this.locator.locate(server) : [parseEndpoint(server)];
  }

  async #open(target: FlowTarget, signal?: AbortSignal): Promise<ClientFlow> {
    if (target.transport === 'UDP') {
      // An application server sends requests from its known address (P-2).
      const own = listenerFlowTo(this.listener(), target);
      if (own) return own;
      // The backoff of JsSIP restarts with each connection; over UDP an open socket does not prove that a server exists.
      const wait = doubledDelay(SILENCE_BACKOFF, this.#silent) - 1000;
      if (wait > 0) await delay(wait, signal);
    }
    return await connectFlow(target, { ...this.options, signal });
  }
}

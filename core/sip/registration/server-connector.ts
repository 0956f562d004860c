/** Opens the flow to a configured server: to the first of its addresses that can be reached (RFC 3263 §4.3). */

import { TransportError } from '../../errors.js';
import { delay } from '../../time/abort-signal.js';
import { doubledDelay } from '../../time/backoff.js';
import { DEFAULT_TIMERS } from '../transactions/timers.js';
import {
  type ClientFlow,
  type ConnectFlowOptions,
  connectFlow,
  type FlowTarget,
} from '../transport/connect.js';
import type { SipFlow } from '../transport/flow.js';
import { listenerFlowTo, type SipListener } from '../transport/listener.js';
import type { ServerLocator } from '../transport/server-locator.js';
import { parseEndpoint } from '../transport/transport-uri.js';

/** Added to the backoff of JsSIP while servers do not respond, less its first second: 1, 3, 7 s, up to a minute. */
const SILENCE_BACKOFF = { first: 2000, longest: 61_000 };

export class ServerConnector {
  /** Consecutive flows that were lost before a message arrived: a UDP socket also opens without a server. */
  #silent = 0;
  /** Flows to servers that were overloaded, with the timers that close them. */
  readonly #left = new Map<ClientFlow, ReturnType<typeof setTimeout>>();

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

  /**
   * The server of a flow is overloaded (RFC 3261 §21.5.4).
   * @param retryAfter seconds.
   * @returns whether one of the servers can be tried instead (RFC 3263 §4.3).
   */
  overloaded(flow: ClientFlow, server: string, servers: readonly string[], retryAfter: number): boolean {
    const endpoints = [
      { transport: flow.transport, ...flow.remote },
      ...(this.#isLocated(server) ? [] : [parseEndpoint(server)]),
    ];
    for (const endpoint of endpoints) this.locator.failed(endpoint, retryAfter * 1000);
    return servers.some((each) =>
      this.#isLocated(each) ? this.locator.hasOther(each) : !this.locator.hasFailed(parseEndpoint(each)),
    );
  }

  /** Closes the flow when its transactions have ended: requests in progress can still be answered. */
  leave(flow: ClientFlow): void {
    this.#left.set(
      flow,
      setTimeout(() => {
        this.#left.delete(flow);
        flow.close();
      }, DEFAULT_TIMERS.timeout),
    );
  }

  /** Whether `leave` was called for the flow, and its transactions have not ended. */
  hasLeft(flow: SipFlow): boolean {
    return this.#left.has(flow as ClientFlow);
  }

  close(): void {
    for (const [flow, timer] of this.#left) {
      clearTimeout(timer);
      flow.close();
    }
    this.#left.clear();
  }

  async #targets(server: string): Promise<readonly FlowTarget[]> {
    return this.#isLocated(server) ? await this.locator.locate(server) : [parseEndpoint(server)];
  }

  /** The sockets of the caller resolve their names. */
  #isLocated(server: string): boolean {
    return this.options.sockets === undefined && this.locator.locates(server);
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

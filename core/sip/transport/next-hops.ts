/**
 * Flows to next hops other than the server of the core: requests within a dialog go to their topmost Route, or to the
 * remote target (RFC 3261 §12.2.1.1).
 */

import { TransportError } from '../../errors.js';
import { Timer } from '../../time/clock.js';
import { type ClientFlow, type ConnectFlowOptions, connectFlow } from './connect.js';
import { listenerFlowTo, type SipListener } from './listener.js';
import type { LocatedServer, ServerLocator } from './server-locator.js';

/** Connections at a time. A core has a few proxies that record their route. */
const MAX_FLOWS = 50;
/** Milliseconds after the last request, longer than a transaction. A later request opens the flow again. */
const IDLE = 180_000;
/** Milliseconds: less than the timeout of the request, which is then sent to the server. */
const CONNECT_DEADLINE = 5000;

interface Entry {
  flow: ClientFlow;
  idle: Timer;
}

export class NextHops {
  readonly #flows = new Map<string, Entry>();

  constructor(
    private readonly options: ConnectFlowOptions,
    private readonly locator: ServerLocator,
    /** Where the agent listens, which is also its source address over UDP. */
    private readonly listener: () => SipListener | undefined,
  ) {}

  /**
   * The flow to one of the hops, the first that can be reached.
   * @param tooLarge the request is too large for UDP, so TCP is tried before it (RFC 3261 §18.1.1).
   * @throws TransportError
   */
  async flowTo(hops: readonly LocatedServer[], tooLarge: boolean): Promise<ClientFlow> {
    let failure: unknown = new TransportError('the next hop has no address');
    for (const hop of hops) {
      const over = tooLarge && hop.transport === 'UDP' ? [{ ...hop, transport: 'TCP' as const }, hop] : [hop];
      for (const each of over) {
        try {
          return await this.#flow(each);
        } catch (error) {
          if (!(error instanceof TransportError)) throw error;
          failure = error;
        }
      }
      this.locator.failed(hop);
    }
    throw failure;
  }

  close(): void {
    for (const { flow, idle } of this.#flows.values()) {
      idle.clear();
      flow.close();
    }
    this.#flows.clear();
  }

  async #flow(hop: LocatedServer): Promise<ClientFlow> {
    const own = hop.transport === 'UDP' ? listenerFlowTo(this.listener(), hop) : undefined;
    if (own) return own;
    const key = `${hop.transport} ${hop.port} ${hop.host}`;
    const known = this.#flows.get(key);
    if (known && !known.flow.closed) return this.#use(key, known);
    const signal = AbortSignal.timeout(CONNECT_DEADLINE);
    const flow = await connectFlow(hop, {
      ...this.options,
      signal,
      onFlowClosed: (closed, error) => {
        if (this.#flows.get(key)?.flow === closed) this.#remove(key);
        this.options.onFlowClosed?.(closed, error);
      },
    });
    const parallel = this.#flows.get(key);
    if (parallel && !parallel.flow.closed) {
      flow.close();
      return this.#use(key, parallel);
    }
    return this.#use(key, { flow, idle: new Timer() });
  }

  #use(key: string, entry: Entry): ClientFlow {
    this.#flows.delete(key);
    this.#flows.set(key, entry);
    entry.idle.set(IDLE, () => this.#remove(key));
    const [oldest] = this.#flows.size > MAX_FLOWS ? this.#flows.keys() : [];
    if (oldest !== undefined) this.#remove(oldest);
    return entry.flow;
  }

  #remove(key: string): void {
    const entry = this.#flows.get(key);
    this.#flows.delete(key);
    entry?.idle.clear();
    entry?.flow.close();
  }
}

/** Flows to next hops that are not registered devices: application servers, edge proxies, peers on this machine. */

import { TransportError } from '../../core/errors.js';
import type { Sockets, TlsOptions } from '../../core/platform/sockets.js';
import { type ClientFlow, connectFlow } from '../../core/sip/transport/connect.js';
import type { FlowHandlers, SipFlow } from '../../core/sip/transport/flow.js';
import { parseEndpoint } from '../../core/sip/transport/transport-uri.js';
import { SipUri } from '../../core/sip/values/uri.js';
import type { FlowTable } from './flow-table.js';

/** Connections opened by the network: more than a network for development has application servers. */
const MAX_CONNECTIONS = 100;
/** Milliseconds: much less than the timeout of the request. */
const CONNECT_DEADLINE = 10_000;

export class Outbound {
  readonly #opened = new Map<string, Promise<ClientFlow>>();

  constructor(
    private readonly flows: FlowTable,
    private readonly handlers: FlowHandlers,
    private readonly tls: TlsOptions | undefined,
    private readonly sockets: Sockets | undefined,
  ) {}

  /** @throws TransportError, ConfigurationError for an unknown transport. */
  async flowTo({ scheme, host, port, parameters }: SipUri): Promise<SipFlow> {
    const transport = parameters.get('transport');
    const address = new SipUri({ scheme, host, port });
    if (transport !== undefined) address.parameters.set('transport', transport);
    const endpoint = parseEndpoint(address.toString());
    const known =
      endpoint.transport === 'UDP'
        ? this.flows.udpFlow(endpoint)
        : this.flows.connection(endpoint.transport, endpoint);
    return known ?? (await this.#open(address.toString()));
  }

  async close(): Promise<void> {
    const opened = [...this.#opened.values()];
    this.#opened.clear();
    for (const result of await Promise.allSettled(opened)) {
      if (result.status === 'fulfilled') result.value.close();
    }
  }

  async #open(uri: string): Promise<SipFlow> {
    const open = this.#opened.get(uri);
    if (open) return await open;
    if (this.#opened.size >= MAX_CONNECTIONS) {
      throw new TransportError(`too many connections: expected at most ${MAX_CONNECTIONS}`);
    }
    const opening = connectFlow(uri, {
      ...this.handlers,
      onFlowClosed: (flow, error) => {
        this.#opened.delete(uri);
        this.handlers.onFlowClosed?.(flow, error);
      },
      signal: AbortSignal.timeout(CONNECT_DEADLINE),
      tls: this.tls,
      sockets: this.sockets,
    });
    this.#opened.set(uri, opening);
    try {
      const flow = await opening;
      this.flows.note(flow);
      return flow;
    } catch (error) {
      this.#opened.delete(uri);
      throw error;
    }
  }
}

/** The flows of the network, with a token for each, by which a Record-Route finds it again (RFC 5626 §5.2). */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SipFlow, SipTransport } from '../../core/sip/transport/flow.js';
import type { SipListener } from '../../core/sip/transport/listener.js';
import { type Endpoint, hostPort, parseEndpoint } from '../../core/sip/transport/transport-uri.js';
import { SipUri } from '../../core/sip/values/uri.js';
import { isLoopback, reachableHost } from './addresses.js';

/** Length of a prefix of HMAC-SHA-256: too long to guess the token of another flow. */
const TAG_BYTES = 10;

interface Port {
  readonly endpoint: Endpoint;
  readonly listener: SipListener;
}

export class FlowTable {
  readonly #secret = randomBytes(32);
  readonly #ports: Port[] = [];
  /** Open connections. Flows over UDP need no entry. */
  readonly #connections = new Map<string, SipFlow>();

  addListener(listener: SipListener): void {
    this.#ports.push({ endpoint: parseEndpoint(listener.uri), listener });
  }

  /** A message arrived on a connection, or it was opened. */
  note(flow: SipFlow): void {
    if (flow.reliable && !flow.closed) this.#connections.set(flowKey(flow), flow);
  }

  /** A connection is lost. */
  forget(flow: SipFlow): void {
    if (this.#connections.get(flowKey(flow)) === flow) this.#connections.delete(flowKey(flow));
  }

  /** A flow over UDP from one of our ports, if there is one of that address family. */
  udpFlow(to: { host: string; port: number }, from?: number): SipFlow | undefined {
    const ipv6 = to.host.includes(':');
    const port = this.#ports.find(
      ({ endpoint }) =>
        endpoint.transport === 'UDP' &&
        endpoint.host.includes(':') === ipv6 &&
        // Packets from a loopback address do not leave this machine.
        (isLoopback(to.host) || !isLoopback(endpoint.host)) &&
        (from === undefined || endpoint.port === from),
    );
    return port?.listener.flowTo?.(to);
  }

  /** An open connection to that address, whichever end opened it. */
  connection(transport: SipTransport, to: { host: string; port: number }): SipFlow | undefined {
    for (const port of this.#ports) {
      const found = this.#connections.get(keyOf(transport, port.endpoint.port, to));
      if (found && !found.closed) return found;
    }
    return undefined;
  }

  /** Whether a URI without user names one of our ports. */
  isOurs(uri: SipUri): boolean {
    const host = uri.host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
    const secure = uri.scheme === 'sips' || /^(tls|wss)$/i.test(uri.parameters.get('transport') ?? '');
    const port = uri.port ?? (secure ? 5061 : 5060);
    return this.#ports.some(
      ({ endpoint }) =>
        endpoint.port === port &&
        (endpoint.host === host || (isWildcard(endpoint.host) && host === reachableHost(host))),
    );
  }

  /** `sip:token@127.0.0.1:5060;transport=tcp;lr`: the port at which the peer of this flow reaches us, and the flow. */
  recordRoute(flow: SipFlow): string {
    return this.#route(flow, this.#token(flow));
  }

  /** A route through this network to the Request-URI (RFC 3608). */
  serviceRoute(flow: SipFlow): string {
    return this.#route(flow, 'orig');
  }

  /** The URI of the network itself, for the peer of this flow. */
  address(flow: SipFlow): string {
    return this.#uriOf(flow).toString();
  }

  #route(flow: SipFlow, user: string): string {
    const uri = this.#uriOf(flow);
    uri.user = user;
    uri.parameters.set('lr', undefined);
    return uri.toString();
  }

  #uriOf(flow: SipFlow): SipUri {
    const { host, port, transport } = this.#portOf(flow).endpoint;
    return new SipUri({
      host: hostPort(isWildcard(host) ? reachableHost(flow.remote.host) : host),
      port,
      parameters: [['transport', transport.toLowerCase()]],
    });
  }

  /**
   * The flow named by the user part of our Record-Route. `lost` if its connection is closed, undefined if the text is not
   * a token of this network.
   */
  resolve(token: string): { key: string; flow: SipFlow | 'lost' } | undefined {
    const [hex = '', tag = '', ...more] = token.split('.');
    const key = Buffer.from(hex, 'hex').toString('latin1');
    const given = Buffer.from(tag, 'hex');
    const expected = this.#tag(key);
    if (more.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected))
      return undefined;
    const [transport, local, port, host = ''] = key.split(' ', 4);
    const flow =
      transport === 'UDP'
        ? this.udpFlow({ host, port: Number(port) }, Number(local))
        : this.#connections.get(key);
    return { key, flow: flow && !flow.closed ? flow : 'lost' };
  }

  #token(flow: SipFlow): string {
    const key = flowKey(flow);
    return `${Buffer.from(key, 'latin1').toString('hex')}.${this.#tag(key).toString('hex')}`;
  }

  #tag(key: string): Buffer {
    return createHmac('sha256', this.#secret).update(key, 'latin1').digest().subarray(0, TAG_BYTES);
  }

  /** The port of a flow; of a connection that we opened, any port at which its peer can open one. */
  #portOf(flow: SipFlow): Port {
    const same = this.#ports.filter(({ endpoint }) => endpoint.transport === flow.transport);
    const found = same.find(({ endpoint }) => endpoint.port === flow.local.port) ?? same[0] ?? this.#ports[0];
    if (!found) throw new TypeError('the flow has no listener');
    return found;
  }
}

/** Identifies a flow: transport, our port, the peer's port and address. */
export function flowKey({ transport, local, remote }: SipFlow): string {
  return keyOf(transport, local.port, remote);
}

function keyOf(transport: SipTransport, localPort: number, remote: { host: string; port: number }): string {
  return `${transport} ${localPort} ${remote.port} ${remote.host}`;
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** Listens for requests: on a UDP socket, or on a port that accepts connections. */

import { platform } from '#platform';
import type { ListenLimits } from '../../platform/bounds.js';
import type { Address, Channel, Sockets, TlsOptions } from '../../platform/sockets.js';
import { MAX_MESSAGE_BYTES } from '../message/malformed-message.js';
import type { SipMessage } from '../message/message.js';
import { CHANNEL_PROTOCOLS, ChannelFlow, SIP_SUBPROTOCOL } from './channel-flow.js';
import type { ClientFlow } from './connect.js';
import type { FlowHandlers, SipFlow, SipTransport } from './flow.js';
import { hostPort, parseEndpoint } from './transport-uri.js';
import { UdpPort } from './udp-flow.js';

/** Separates the peers of a listener from foreign senders. */
export interface ListenerGate {
  /** @param certificateNames SIP domains in the valid certificate of a client over TLS. */
  admits(peer: Address, certificateNames?: readonly string[]): boolean;
  /** Whether a foreign datagram or connection is read at all; otherwise it is dropped. */
  allowsForeign(): boolean;
  /** Receives a message of a foreign peer. A connection is closed after its first message. */
  onForeign(message: SipMessage, flow: SipFlow): void;
}

export interface ListenerOptions extends FlowHandlers {
  /** Default: every peer is accepted, as at a core. */
  gate?: ListenerGate;
  /** `cert` and `key`, for tls and wss. */
  tls?: TlsOptions;
  /** Default: the sockets of this machine. */
  sockets?: Sockets;
  /** Bounds of connections and of bytes held for them; `LISTEN_LIMITS` by default. */
  limits?: Partial<ListenLimits>;
}

export interface SipListener {
  /** With the actual port, if the requested port was 0. */
  readonly uri: string;
  /** A flow from the UDP socket to an address; absent without one. Its `close` leaves the socket open. */
  flowTo?(address: Address): ClientFlow;
  /** Closes the port and its flows. */
  close(): Promise<void>;
}

/**
 * @param uri e.g. `sip:127.0.0.1:5060;transport=udp`, or tcp, tls, ws, wss; port 0 for a free port
 * @throws TransportError, ConfigurationError
 */
export async function listen(uri: string, options: ListenerOptions): Promise<SipListener> {
  const { transport, host, port } = parseEndpoint(uri);
  if (transport === 'UDP') return await listenUdp({ host, port }, options);
  return await listenChannels(transport, { host, port }, options);
}

/** Attempts to find a port that is free for both transports, if the system chooses it. */
const FREE_PORT_ATTEMPTS = 10;

/**
 * As `listen`, but a port for UDP accepts TCP as well, and the reverse (RFC 3261 §18.2.1): a peer chooses the transport
 * by the size of its request.
 */
export async function listenUdpAndTcp(uri: string, options: ListenerOptions): Promise<SipListener> {
  const { transport, host, port } = parseEndpoint(uri);
  if (transport !== 'UDP' && transport !== 'TCP') return await listen(uri, options);
  for (let attempt = 1; ; attempt++) {
    const udp = await listenUdp({ host, port }, options);
    const chosen = { host, port: parseEndpoint(udp.uri).port };
    try {
      const tcp = await listenChannels('TCP', chosen, options);
      return {
        uri: transport === 'UDP' ? udp.uri : tcp.uri,
        flowTo: udp.flowTo,
        async close() {
          await Promise.all([udp.close(), tcp.close()]);
        },
      };
    } catch (error) {
      await udp.close();
      if (port !== 0 || attempt === FREE_PORT_ATTEMPTS) throw error;
    }
  }
}

/** A flow from the UDP socket of a listener, if there is one and it can reach the address. */
export function listenerFlowTo(listener: SipListener | undefined, to: Address): ClientFlow | undefined {
  if (!listener?.flowTo) return undefined;
  const sameFamily = parseEndpoint(listener.uri).host.includes(':') === to.host.includes(':');
  return sameFamily ? listener.flowTo({ host: to.host, port: to.port }) : undefined;
}

async function listenUdp(local: Address, options: ListenerOptions): Promise<SipListener> {
  const { sockets = platform } = options;
  const port = new UdpPort(await sockets.openDatagram({ local }), options, (from) =>
    handlersFor(options, from),
  );
  return {
    uri: listenerUri(port.local, 'UDP'),
    flowTo: (address) => port.flowTo(address),
    async close() {
      port.close();
    },
  };
}

async function listenChannels(
  transport: Exclude<SipTransport, 'UDP'>,
  at: Address,
  options: ListenerOptions,
): Promise<SipListener> {
  const { sockets = platform } = options;
  const flows = new Set<ChannelFlow>();
  const handlers: FlowHandlers = {
    ...options,
    onFlowClosed(flow, error) {
      if (flow instanceof ChannelFlow) flows.delete(flow);
      options.onFlowClosed?.(flow, error);
    },
  };
  const accept = (channel: Channel) => {
    const accepted = handlersFor(options, channel.remote, channel.certificateNames);
    if (!accepted) channel.destroy();
    else if (accepted === options) flows.add(new ChannelFlow(channel, 'server', handlers));
    else flows.add(foreignFlow(channel, accepted, (flow) => flows.delete(flow)));
  };
  const listener = await sockets.listen(
    CHANNEL_PROTOCOLS[transport],
    at,
    {
      subprotocol: SIP_SUBPROTOCOL,
      maxMessage: MAX_MESSAGE_BYTES,
      tls: options.tls,
      requestCertificate: options.gate !== undefined,
      limits: options.limits,
    },
    accept,
  );
  return {
    uri: listenerUri(listener.address, transport),
    async close() {
      await listener.close();
      for (const flow of flows) flow.close();
    },
  };
}

/** The handlers for a peer: `options`, or those of a foreign peer; undefined if what it sends is dropped. */
function handlersFor(
  options: ListenerOptions,
  peer: Address,
  certificateNames?: readonly string[],
): FlowHandlers | undefined {
  const { gate, onWire } = options;
  if (!gate || gate.admits(peer, certificateNames)) return options;
  if (!gate.allowsForeign()) return undefined;
  return { onWire, onMessage: (message, flow) => gate.onForeign(message, flow) };
}

/** A connection for one message. */
function foreignFlow(
  channel: Channel,
  { onWire, onMessage }: FlowHandlers,
  onFlowClosed: (flow: ChannelFlow) => void,
): ChannelFlow {
  const foreign: ChannelFlow = new ChannelFlow(channel, 'server', {
    onWire,
    onMessage(message, flow) {
      onMessage(message, flow);
      foreign.close();
    },
    onMalformed: () => foreign.close(),
    onFlowClosed: () => onFlowClosed(foreign),
  });
  return foreign;
}

function listenerUri({ host, port }: Address, transport: string): string {
  return `sip:${hostPort(host, port)};transport=${transport.toLowerCase()}`;
}

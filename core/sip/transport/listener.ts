/** Listens for requests: on a UDP socket, or on a port that accepts connections. */

import { platform } from '#platform';
import { TransportError } from '../../errors.js';
import type { ListenLimits } from '../../platform/bounds.js';
import type { Address, Sockets, TlsOptions } from '../../platform/sockets.js';
import { MAX_MESSAGE_BYTES } from '../message/malformed-message.js';
import { CHANNEL_PROTOCOLS, ChannelFlow, SIP_SUBPROTOCOL } from './channel-flow.js';
import type { ClientFlow } from './connect.js';
import type { FlowHandlers, SipTransport } from './flow.js';
import { hostPort, parseEndpoint } from './transport-uri.js';
import { UdpPort } from './udp-flow.js';

export interface ListenerOptions extends FlowHandlers {
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
  /** A flow from this socket to an address; only over UDP. Its `close` leaves the socket open. */
  flowTo(address: Address): ClientFlow;
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

async function listenUdp(local: Address, options: ListenerOptions): Promise<SipListener> {
  const { sockets = platform } = options;
  const port = new UdpPort(await sockets.openDatagram({ local }), options);
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
  const listener = await sockets.listen(
    CHANNEL_PROTOCOLS[transport],
    at,
    {
      subprotocol: SIP_SUBPROTOCOL,
      maxMessage: MAX_MESSAGE_BYTES,
      tls: options.tls,
      limits: options.limits,
    },
    (channel) => flows.add(new ChannelFlow(channel, 'server', handlers)),
  );
  return {
    uri: listenerUri(listener.address, transport),
    flowTo() {
      throw new TransportError(`a listener for ${transport} cannot open flows: use connectFlow`);
    },
    async close() {
      await listener.close();
      for (const flow of flows) flow.close();
    },
  };
}

function listenerUri({ host, port }: Address, transport: string): string {
  return `sip:${hostPort(host, port)};transport=${transport.toLowerCase()}`;
}

/** Opens flows: to a server of the SIP/IP core, or to the next hop of a proxy. */

import { platform } from '#platform';
import { ConfigurationError } from '../../errors.js';
import type { Sockets, TlsOptions } from '../../platform/sockets.js';
import { MAX_MESSAGE_BYTES } from '../message/malformed-message.js';
import { CHANNEL_PROTOCOLS, ChannelFlow, SIP_SUBPROTOCOL } from './channel-flow.js';
import type { FlowHandlers, SipFlow } from './flow.js';
import { type Endpoint, parseEndpoint } from './transport-uri.js';
import { UdpClientFlow } from './udp-flow.js';

export interface ConnectFlowOptions extends FlowHandlers {
  tls?: TlsOptions;
  signal?: AbortSignal;
  /** Default: the sockets of this machine. */
  sockets?: Sockets;
}

export type ClientFlow = SipFlow & { close(): void };

/** @throws ConfigurationError for an invalid URI, or a transport that this platform (a browser) does not have. */
export function requireReachable(uri: string): void {
  const { transport } = parseEndpoint(uri);
  const { protocols } = platform;
  if (protocols.has(transport === 'UDP' ? 'udp' : CHANNEL_PROTOCOLS[transport])) return;
  throw new ConfigurationError(
    `invalid server ${JSON.stringify(uri)}: expected transport=${[...protocols].join(' or ')} on this platform`,
  );
}

/** A server, with the name that its certificate must have if it is not the host. */
export type FlowTarget = Endpoint & { serverName?: string };

/**
 * Over UDP nothing is sent: an unreachable server closes the flow at the first message.
 * @param server e.g. `sip:127.0.0.1:5060;transport=tcp`
 * @throws TransportError with the reason; ConfigurationError for an invalid URI or invalid TLS material.
 */
export async function connectFlow(
  server: string | FlowTarget,
  options: ConnectFlowOptions,
): Promise<ClientFlow> {
  const target: FlowTarget = typeof server === 'string' ? parseEndpoint(server) : server;
  const { transport, host, port, serverName } = target;
  const { sockets = platform, tls } = options;
  if (transport === 'UDP') {
    const socket = await sockets.openDatagram({ remote: { host, port } });
    return new UdpClientFlow(socket, socket.remote ?? { host, port }, options);
  }
  const channel = await sockets.connect(
    CHANNEL_PROTOCOLS[transport],
    { host, port },
    {
      subprotocol: SIP_SUBPROTOCOL,
      maxMessage: MAX_MESSAGE_BYTES,
      tls: serverName === undefined ? tls : { serverName, ...tls },
      signal: options.signal,
    },
  );
  return new ChannelFlow(channel, 'client', options);
}

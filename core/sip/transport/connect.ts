/** Flows that we open: to a server of the SIP/IP core, or to a proxy's next hop. */

import { platform } from '#platform';
import { ConfigurationError } from '../../errors.js';
import type { Sockets, TlsOptions } from '../../platform/platform.js';
import { MAX_MESSAGE_BYTES } from '../message/message.js';
import { CHANNEL_PROTOCOLS, ChannelFlow, SIP_SUBPROTOCOL } from './channel-flow.js';
import type { FlowHandlers, SipFlow } from './flow.js';
import { parseEndpoint } from './transport-uri.js';
import { UdpClientFlow } from './udp-flow.js';

export interface ConnectFlowOptions extends FlowHandlers {
  tls?: TlsOptions;
  signal?: AbortSignal;
  /** The machine's own when absent. */
  sockets?: Sockets;
}

export type ClientFlow = SipFlow & { close(): void };

/** @throws ConfigurationError for a URI that is none, or whose transport this platform has not (a browser). */
export function requireReachable(uri: string): void {
  const { transport } = parseEndpoint(uri);
  const { protocols } = platform;
  if (protocols.has(transport === 'UDP' ? 'udp' : CHANNEL_PROTOCOLS[transport])) return;
  throw new ConfigurationError(
    `${uri}: here are connections by transport=${[...protocols].join(' or ')} only`,
  );
}

/**
 * @param uri e.g. `sip:127.0.0.1:5060;transport=tcp`
 * @throws TransportError that says why, ConfigurationError for a URI or TLS material that cannot be used. Over UDP nothing
 * is sent, so a server that is not there shows at the first message (`onFlowClosed`).
 */
export async function connectFlow(uri: string, options: ConnectFlowOptions): Promise<ClientFlow> {
  const { transport, host, port } = parseEndpoint(uri);
  const { sockets = platform } = options;
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
      ...(options.tls && { tls: options.tls }),
      ...(options.signal && { signal: options.signal }),
    },
  );
  return new ChannelFlow(channel, 'client', options);
}

/** Where the media of this device are: it is the active end, and connects (8.2.1-08, 8.2.3-02). */

import {
  localMsrpUri,
  MsrpConnector,
  type MsrpProtocol,
  type MsrpSession,
  MsrpUri,
  type SessionOptions,
} from '../../msrp/index.js';
import type { Address, TlsOptions } from '../../platform/platform.js';
import type { MsrpMedia } from '../../sdp/index.js';

/** What an answer says of a line's place. */
export interface MediaPlace {
  port: number;
  path: readonly string[];
}

/** RFC 4145 5: the port of an end that only connects is of no use to anybody. */
const DISCARD_PORT = 9;

export class MediaConnector {
  readonly #connector: MsrpConnector;

  constructor(tls?: TlsOptions) {
    this.#connector = new MsrpConnector(tls ? { tls } : {});
  }

  /**
   * A new one for each line: its URI is the session's name.
   * @param host of this device, as its peers see it.
   */
  place(media: MsrpMedia, host: string): MediaPlace {
    const uri = localMsrpUri(protocolOf(media), { host, port: DISCARD_PORT });
    return { port: DISCARD_PORT, path: [uri] };
  }

  /** @throws TransportError */
  async connect(
    media: MsrpMedia,
    { path }: MediaPlace,
    signal: AbortSignal,
    handlers: Pick<SessionOptions, 'onMessage' | 'onClosed'>,
  ): Promise<MsrpSession> {
    const [localUri = ''] = path.slice(-1);
    const { fingerprints } = media;
    const options = { localUri, localPath: path, remotePath: media.path, fingerprints, ...handlers };
    return await this.#connector.connect(protocolOf(media), addressOf(media), options, signal);
  }

  async close(): Promise<void> {
    await this.#connector.close();
  }
}

/**
 * 8.2.3-02: the c= address and the m= port, unless a relay is in the path: then the path says where the relay is
 * (RFC 4976 5).
 */
function addressOf({ host, port, path }: MsrpMedia): Address {
  const [first = '', ...rest] = path;
  const relay = rest.length > 0 ? MsrpUri.parse(first) : undefined;
  return relay ? { host: relay.host, port: relay.port ?? port } : { host, port };
}

/** RFC 7977 5.2: WebSocket is named by the URI alone. */
function protocolOf({ protocol, path }: MsrpMedia): MsrpProtocol {
  const secure = protocol === 'TCP/TLS/MSRP';
  const webSocket = MsrpUri.parse(path[0] ?? '')?.transport === 'ws';
  if (webSocket) return secure ? 'wss' : 'ws';
  return secure ? 'tls' : 'tcp';
}

/** The connection to a receiver that waits for one, though it was offered to make it (8.2.2-07 is no SHALL). */

import { MalformedError } from '../../errors.js';
import { type MsrpConnector, type MsrpSession, MsrpUri } from '../../msrp/index.js';
import type { AcceptedLine } from '../../sdp/index.js';

/** @throws TransportError; MalformedError when the answer does not say where it is; the signal's reason. */
export async function connectTo(
  { host, port, path, fingerprints }: AcceptedLine,
  localUri: string,
  connector: MsrpConnector,
  signal: AbortSignal,
): Promise<MsrpSession> {
  const [first = ''] = path;
  const uri = MsrpUri.parse(first);
  if (!uri) throw new MalformedError(`${first} is no MSRP URI`);
  // RFC 4976 5: a relay of the receiver is where the path says; the receiver itself, where c= and m= do.
  const relayed = path.length > 1 && uri.port !== undefined;
  const to = relayed ? { host: uri.host.replace(/^\[|\]$/g, ''), port: uri.port } : { host, port };
  const protocol = uri.scheme === 'msrps' ? 'tls' : 'tcp';
  return await connector.connect(protocol, to, { localUri, remotePath: path, fingerprints }, signal);
}

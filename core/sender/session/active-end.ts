/**
 * The connection to a receiver that waits for one, though it was offered to make it (8.2.2-07 is no SHALL), or that is
 * behind a relay (8.2.2-11).
 */

import { MalformedError } from '../../errors.js';
import {
  type MsrpConnector,
  type MsrpSession,
  MsrpUri,
  msrpAddressOf,
  msrpProtocolOf,
} from '../../msrp/index.js';
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
  // RFC 4976 5: a relay is where the path says, and its certificate is not the receiver's; the receiver itself is where
  // c= and m= say.
  const relayed = path.length > 1;
  const to = relayed ? msrpAddressOf(uri) : { host, port };
  const options = { localUri, remotePath: path, fingerprints: relayed ? [] : fingerprints };
  return await connector.connect(msrpProtocolOf(uri), to, options, signal);
}

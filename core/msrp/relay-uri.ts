/** How a relay is named in a configuration (RFC 4976 5.1 and 8). */

import { ConfigurationError } from '../errors.js';
import type { Address } from '../platform/platform.js';
import { type MsrpProtocol, msrpAddressOf, msrpProtocolOf } from './session-uri.js';
import { MsrpUri } from './uri.js';

export interface RelayPlace {
  protocol: MsrpProtocol;
  address: Address;
}

/**
 * @param text `msrps://relay.domain.test:2855;tcp`. `msrp://` is for the lab: RFC 4976 9.2 wants TLS.
 * @throws ConfigurationError
 */
export function parseRelayUri(text: string): RelayPlace {
  const uri = MsrpUri.parse(text);
  if (!uri) {
    throw new ConfigurationError(
      `${JSON.stringify(text)} is no relay, expected e.g. msrps://relay.domain.test:2855;tcp`,
    );
  }
  return { protocol: msrpProtocolOf(uri), address: msrpAddressOf(uri) };
}

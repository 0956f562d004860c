/** The MSRP relay that a configuration names (RFC 4976). */

import { z } from 'zod';
import { parseRelayUri, type RelayAccount } from '../../core/msrp/index.js';
import type { TlsOptions } from '../../core/platform/sockets.js';
import type { AccountCredentials } from '../../core/sip/authentication/authorization.js';
import { SipUri } from '../../core/sip/values/uri.js';
import { text } from './fields.js';
import { loadTls } from './tls.js';

const uri = z.string().refine(isRelay, 'expected e.g. msrps://relay.domain.test:2855;tcp');

/** The URI, or an object with credentials that differ from those for the SIP/IP core. */
export const relayKeys = z.union([
  uri,
  z.strictObject({
    uri,
    username: text.optional(),
    password: z.string().optional(),
    ca: text.optional(),
  }),
]);

type RelayKeys = Exclude<z.infer<typeof relayKeys>, string>;

interface Account {
  identity: string;
  credentials?: AccountCredentials;
  tls?: TlsOptions;
}

/** @throws ConfigurationError naming the key whose file cannot be read or used. */
export async function relayAccount(
  relay: z.infer<typeof relayKeys>,
  { identity, credentials, tls }: Account,
  source: string,
  folder: string,
): Promise<RelayAccount> {
  const { uri, username, password, ca }: RelayKeys = typeof relay === 'string' ? { uri: relay } : relay;
  const known = credentials?.username ?? SipUri.parse(identity)?.user ?? '';
  // RFC 4976 §9.1 authenticates with passwords; an account with a UICC needs a separate one for the relay.
  const secret = password ?? (credentials && 'password' in credentials ? credentials.password : undefined);
  const authority = ca === undefined ? tls?.ca : (await loadTls({ ca }, source, folder, 'msrp.relay')).ca;
  return {
    uri,
    credentials: secret === undefined ? undefined : { username: username ?? known, password: secret },
    tls: authority === undefined ? undefined : { ca: authority },
  };
}

function isRelay(value: string): boolean {
  try {
    parseRelayUri(value);
    return true;
  } catch {
    return false;
  }
}

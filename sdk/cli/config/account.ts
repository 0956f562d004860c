/** What both agents need to reach a SIP/IP core: who they are, where it is, and how to prove it. */

import { z } from 'zod';
import type { TlsOptions } from '../../../core/platform/platform.js';
import type { Credentials } from '../../../core/sip/authorization.js';
import { SipUri } from '../../../core/sip/uri.js';
import { PRODUCT } from '../manifest.js';
import { endpoint, sipUri, text, tlsFiles } from './fields.js';
import { loadTls } from './tls.js';

/** Keys of the schema of either agent. */
export const accountKeys = {
  identity: sipUri,
  server: z.union([endpoint, z.array(endpoint).min(1, 'expected at least one server')]),
  username: text.optional(),
  password: z.string().optional(),
  tls: tlsFiles.optional(),
};

interface AccountOptions {
  identity: string;
  servers: readonly string[];
  credentials?: Credentials;
  tls?: TlsOptions;
  product: string;
}

/** @throws ConfigurationError naming the certificate or key that cannot be used. */
export async function accountOptions(
  account: z.infer<z.ZodObject<typeof accountKeys>>,
  source: string,
  folder: string,
): Promise<AccountOptions> {
  const { identity, server, username, password, tls } = account;
  return {
    identity,
    servers: [server].flat(),
    ...(password === undefined
      ? {}
      : { credentials: { username: username ?? SipUri.parse(identity)?.user ?? '', password } }),
    ...(tls ? { tls: await loadTls(tls, source, folder) } : {}),
    product: PRODUCT,
  };
}

/** The account of an agent: identity, servers and credentials, including the keys of a software UICC (3GPP TS 35.206). */

import { z } from 'zod';
import { decodeHexadecimal } from '../../core/content/binary-text.js';
import { ConfigurationError } from '../../core/errors.js';
import type { TlsOptions } from '../../core/platform/sockets.js';
import type { PushReceiverOptions } from '../../core/receiver/receiver.js';
import { akaCredentials } from '../../core/sip/authentication/aka-answers.js';
import type { AccountCredentials } from '../../core/sip/authentication/authorization.js';
import { SoftwareUicc, type Uicc } from '../../core/sip/authentication/software-uicc.js';
import { SipUri } from '../../core/sip/values/uri.js';
import { PRODUCT } from '../manifest/this-package.js';
import { endpoint, listenLimits, peer, sipUri, text, tlsFiles } from './fields.js';
import { loadTls } from './tls.js';

// Errors do not quote the value, because it is secret.
const key = z
  .string()
  .regex(/^[0-9a-f]{32}$/i, 'expected 16 octets, 32 hexadecimal digits')
  .transform(decodeHexadecimal);

export const akaKeys = z
  .strictObject({
    k: key,
    opc: key.optional(),
    op: key.optional(),
    /** Highest sequence number already accepted. */
    sqn: z
      .string()
      .regex(/^[0-9a-f]{12}$/i, 'expected 6 octets, 12 hexadecimal digits')
      .transform((hex) => Number.parseInt(hex, 16))
      .optional(),
  })
  .refine(({ opc, op }) => (opc === undefined) !== (op === undefined), 'expected either "opc" or "op"');

export function softwareUicc({ k, opc, op, sqn }: z.infer<typeof akaKeys>): Uicc {
  const operator = opc ? { opc } : { op: op ?? new Uint8Array() };
  return new SoftwareUicc({ k, operator, sqn });
}

/** Keys that the configurations of both agents have. */
export const accountKeys = {
  identity: sipUri,
  server: z.union([endpoint, z.array(endpoint).min(1, 'expected at least one server')]),
  username: text.optional(),
  password: z.string().optional(),
  aka: akaKeys.optional(),
  accessNetworkInfo: z
    .string()
    .regex(/^[\x21-\x7e][\x20-\x7e]*$/, 'expected e.g. 3GPP-E-UTRAN-FDD; utran-cell-id-3gpp=2340305d1e1c')
    .optional(),
  tls: tlsFiles.optional(),
};

type Account = z.infer<z.ZodObject<typeof accountKeys>>;

interface AccountOptions {
  identity: string;
  servers: readonly string[];
  credentials?: AccountCredentials;
  accessNetworkInfo?: string;
  tls?: TlsOptions;
  product: string;
}

/** @throws ConfigurationError naming the invalid certificate or key. */
export async function accountOptions(
  account: Account,
  source: string,
  folder: string,
): Promise<AccountOptions> {
  const { identity, server, accessNetworkInfo, tls } = account;
  const credentials = credentialsOf(account, source);
  return {
    identity,
    servers: [server].flat(),
    credentials,
    accessNetworkInfo,
    tls: tls === undefined ? undefined : await loadTls(tls, source, folder),
    product: PRODUCT,
  };
}

function credentialsOf(
  { identity, username, password, aka }: Account,
  source: string,
): AccountCredentials | undefined {
  const uri = SipUri.parse(identity);
  const user = uri?.user ?? '';
  if (password !== undefined && aka) {
    throw new ConfigurationError(`${source}: expected either "password" or "aka"`);
  }
  // A private identity has the form user@domain (3GPP TS 23.003 §13.3).
  if (aka) return akaCredentials(username ?? `${user}@${uri?.host ?? ''}`, softwareUicc(aka));
  return password === undefined ? undefined : { username: username ?? user, password };
}

/** Keys of an agent that listens. */
export const listenKeys = {
  listen: endpoint.optional(),
  peers: z.array(peer).optional(),
  limits: listenLimits.optional(),
};

/** @throws ConfigurationError if `peers` or `limits` would have no effect. */
export function listenOptions(
  { listen, peers, limits }: z.infer<z.ZodObject<typeof listenKeys>>,
  source: string,
): Pick<PushReceiverOptions, 'listen' | 'peers' | 'limits'> {
  const key = peers ? 'peers' : limits && 'limits';
  if (key !== undefined && listen === undefined) {
    throw new ConfigurationError(
      `${source}: "${key}" needs "listen": without it, requests arrive only on the connection to "server"`,
    );
  }
  return { listen, peers, limits };
}

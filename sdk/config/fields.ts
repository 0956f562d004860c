/** Schemas of the values in configurations. */

import { z } from 'zod';
import { defined } from '../../core/defined.js';
import type { ListenLimits } from '../../core/platform/bounds.js';
import { MAX_MESSAGE_BYTES } from '../../core/sip/message/malformed-message.js';
import { EXPECTED_PEER, isPeer } from '../../core/sip/transport/peer-gate.js';
import { parseEndpoint } from '../../core/sip/transport/transport-uri.js';
import { TrustList } from '../../core/sip/values/asserted-identity.js';
import { SipUri } from '../../core/sip/values/uri.js';
import { origin } from './validate.js';

const MAX_PORT = 65_535;
const LARGEST_MESSAGE = `expected ${MAX_MESSAGE_BYTES} or more, the largest SIP message`;
const PORTS = 'expected a range of ports, e.g. 20000-20100';

export const text = z.string().min(1, 'expected a non-empty string');
export const count = z.int().positive();
export const seconds = count;
export const port = z.int().min(0).max(MAX_PORT);

/** `20000-20100` */
export const ports = z
  .string()
  .regex(/^\d{1,5}-\d{1,5}$/, PORTS)
  .transform((range): [first: number, last: number] => {
    const [first = 0, last = 0] = range.split('-').map(Number);
    return [first, last];
  })
  .refine(([first, last]) => first > 0 && first <= last && last <= MAX_PORT, PORTS);

export const sipUri = z
  .string()
  .refine((value) => SipUri.parse(value) !== undefined, 'expected a SIP URI, e.g. sip:bob@domain.test');

export const endpoint = z
  .string()
  .refine(isEndpoint, 'expected e.g. sip:127.0.0.1:5060;transport=tcp (udp, tcp, tls, ws or wss)');

/** Bounds of a listener. A bound of one address is at most the bound of all. */
export const listenLimits = z
  .strictObject({
    connections: count.optional(),
    connectionsPerAddress: count.optional(),
    heldBytes: count.min(MAX_MESSAGE_BYTES, LARGEST_MESSAGE).optional(),
    heldBytesPerAddress: count.min(MAX_MESSAGE_BYTES, LARGEST_MESSAGE).optional(),
    messageTimeout: count.optional(),
  })
  .transform((limits): Partial<ListenLimits> => defined(limits));

/** Paths of PEM files. */
export const tlsFiles = z.strictObject({
  ca: text.optional(),
  cert: text.optional(),
  key: text.optional(),
});
export type TlsFiles = z.infer<typeof tlsFiles>;

function isEndpoint(value: string): boolean {
  try {
    const { host, port } = parseEndpoint(value);
    // A URI with a user is an identity, not a server.
    return host !== '' && port <= MAX_PORT && SipUri.parse(value)?.user === undefined;
  } catch {
    return false;
  }
}

/** An entry of `peers`. */
export const peer = z.string().refine(isPeer, EXPECTED_PEER);

/** Limits for content that an agent fetches by HTTP. */
export const fetchKeys = z.strictObject({
  allow: z.array(origin).optional(),
  maxSize: count.optional(),
  timeout: seconds.optional(),
});

/** An entry of `trust`. */
export const trustEntry = z
  .string()
  .refine(isTrustEntry, 'expected e.g. sip:psa@domain.test, sip:*@domain.test or tel:+15550100');

function isTrustEntry(entry: string): boolean {
  try {
    new TrustList([entry]);
    return true;
  } catch {
    return false;
  }
}

/** The authentication of a provisioning document: the parameters SEC and MAC of its media type (ProvBoot 1.1, 5). */

import { MalformedError, type MediaType } from 'sip-push/formats';

/** Shared secrets: the IMSI of the subscriber, and a PIN that the user enters. */
export interface Secrets {
  readonly imsi?: string;
  readonly pin?: string;
}

/** How the sender computed the MAC: what the key consists of. */
export type SecurityMethod = 'NETWPIN' | 'USERPIN' | 'USERNETWPIN';

/** The parameter SEC, as a number in WSP and as a number or a name in text. */
const METHODS: Readonly<Record<string, SecurityMethod>> = {
  '0': 'NETWPIN',
  '1': 'USERPIN',
  '2': 'USERNETWPIN',
  NETWPIN: 'NETWPIN',
  USERPIN: 'USERPIN',
  USERNETWPIN: 'USERNETWPIN',
};

export interface Authentication {
  readonly method: SecurityMethod;
  /** HMAC-SHA1 of the octets of the document. */
  readonly mac: Uint8Array;
}

/**
 * The authentication that a media type contains: undefined without SEC and MAC.
 * @throws MalformedError if it is incomplete, or of another method. USERPINMAC (3) has no MAC in the message.
 */
export function authenticationOf({ parameters }: MediaType): Authentication | undefined {
  const { sec, mac } = parameters;
  if (sec === undefined && mac === undefined) return undefined;
  const method = METHODS[String(sec).toUpperCase()];
  if (method === undefined)
    throw new MalformedError(`invalid SEC "${sec}": expected NETWPIN, USERPIN or USERNETWPIN`);
  if (mac === undefined || !/^[0-9A-F]{40}$/i.test(mac)) {
    throw new MalformedError(`invalid MAC "${mac}": expected 40 hexadecimal digits`);
  }
  return { method, mac: Uint8Array.from(mac.match(/../g) ?? [], (octet) => Number.parseInt(octet, 16)) };
}

export function needsPin(method: SecurityMethod): boolean {
  return method !== 'NETWPIN';
}

/** Compares in constant time. False if a secret of the method is missing. */
export async function isAuthentic(
  document: Uint8Array,
  { method, mac }: Authentication,
  secrets: Secrets,
): Promise<boolean> {
  const secret = keyOf(method, secrets);
  if (!secret) return false;
  const hmac = { name: 'HMAC', hash: 'SHA-1' };
  const key = await crypto.subtle.importKey('raw', secret, hmac, false, ['verify']);
  return crypto.subtle.verify('HMAC', key, Uint8Array.from(mac), Uint8Array.from(document));
}

function keyOf(method: SecurityMethod, { imsi, pin }: Secrets): Uint8Array<ArrayBuffer> | undefined {
  const network = method === 'USERPIN' ? [] : imsi && semiOctets(imsi);
  const user = method === 'NETWPIN' ? [] : pin && new TextEncoder().encode(pin);
  return network && user ? Uint8Array.from([...network, ...user]) : undefined;
}

/**
 * The IMSI as the SIM stores it (3GPP TS 51.011, EF IMSI): two digits in each octet, the lower half first. The first half
 * octet marks whether the number of digits is odd (9) or even (1); F fills the last octet.
 */
function semiOctets(imsi: string): number[] {
  const halves = imsi.length % 2 === 1 ? `9${imsi}` : `1${imsi}F`;
  return (halves.match(/../g) ?? []).map(([low, high]) => Number.parseInt(`${high}${low}`, 16));
}

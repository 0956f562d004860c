/** Headers of the answer to a REGISTER. */

import type { SipHeaders } from '../message/message.js';
import { parseNameAddr } from '../values/name-addr.js';
import { parseDeltaSeconds } from '../values/parameters.js';
import { isSecure, SipUri, secureUri } from '../values/uri.js';

/** URIs of one subscription; IMS has only a few. */
const MAX_ASSOCIATED = 100;
/** Proxies in the route of our requests. */
const MAX_ROUTE = 20;

/** Seconds between keep-alives that the first hop (RFC 6223 §4.3) or the registrar (RFC 5626 §4.4) asks for. */
export function keepAliveOf(headers: SipHeaders): number | undefined {
  const asked = [headers.via?.parameters.get('keep'), headers.get('Flow-Timer')];
  // 0: the first hop has no preference.
  const seconds = asked.flatMap((value) => parseDeltaSeconds(value) || []);
  return seconds.length === 0 ? undefined : Math.min(...seconds);
}

/** URIs of P-Associated-URI. Malformed values are ignored. */
export function associatedUrisOf(headers: SipHeaders): string[] {
  const values = headers.getAll('P-Associated-URI').slice(0, MAX_ASSOCIATED);
  return values.flatMap((value) => parseNameAddr(value)?.uri ?? []);
}

/** The identity of requests: ours if it is among the associated URIs, or there are none; else the first of them. */
export function defaultIdentity(identity: string, associated: readonly string[] = []): string {
  const own = SipUri.parse(secureUri(identity));
  if (associated.some((uri) => own && SipUri.parse(secureUri(uri))?.equals(own))) return identity;
  const first = associated.find((uri) => SipUri.parse(uri)) ?? identity;
  return isSecure(identity) ? secureUri(first) : first;
}

/** Values of Service-Route. A route with a missing hop leads nowhere, so a malformed value makes it empty. */
export function serviceRouteOf(headers: SipHeaders): string[] {
  const values = headers.getAll('Service-Route');
  const readable = values.every((value) => {
    const uri = parseNameAddr(value)?.uri;
    return uri !== undefined && SipUri.parse(uri) !== undefined;
  });
  return readable && values.length <= MAX_ROUTE ? [...values] : [];
}

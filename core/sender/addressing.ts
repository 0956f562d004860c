/** Who a push is for, in the headers of its request (TS 7.1, 8.1.2, 8.2.2). */

import { canonicalEventAppId, isEventAppId, PUSH_FEATURE_TAG } from '../app/event-app-id.js';
import { ConfigurationError } from '../errors.js';
import { formatAcceptContact } from '../sip/accept-contact.js';
import { parseUri, SipUri } from '../sip/uri.js';
import type { DeliveryRequest } from './push-request.js';

export type Addressing = Pick<DeliveryRequest, 'to' | 'app'>;

/** The ICSI of SIP Push, percent-encoded as in a feature tag (appendix D). */
const ICSI = 'urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush';

/** @throws ConfigurationError when it is addressed to nobody. */
export function requireAddress({ to, app }: Addressing): void {
  if (!parseUri(to)) throw new ConfigurationError(`"${to}" is no URI; expected e.g. sip:bob@domain.test`);
  if (!isEventAppId(app)) throw new ConfigurationError(`"${app}" is no event-app-id; expected e.g. mms.ua`);
}

/** @param assertedIdentity of the sender, where it may assert one itself. */
export function addressingHeaders(app: string, assertedIdentity?: string): [name: string, value: string][] {
  const resource = [PUSH_FEATURE_TAG, [canonicalEventAppId(app)]] as const;
  return [
    // RFC 3841 9.2: only terminals that registered the application; the service as a preference, since
    // terminals outside IMS register no ICSI (B.1.3).
    ['Accept-Contact', formatAcceptContact([resource], { require: true, explicit: true })],
    ['Accept-Contact', formatAcceptContact([['+g.3gpp.icsi-ref', [ICSI]]])],
    ...(assertedIdentity ? [['P-Asserted-Identity', `<${assertedIdentity}>`] as [string, string]] : []),
  ];
}

/** RFC 5627 3.1: a GRUU has a `gr` parameter. */
export function isGruu(uri: string): boolean {
  return SipUri.parse(uri)?.parameters.has('gr') ?? false;
}

/** Who a push is for, in the headers of its request (TS 7.1, 8.1.2, 8.2.2). */

import {
  canonicalIari,
  INSTANCE_FEATURE_TAG,
  isIari,
  PUSH_SERVICE,
  SERVICE_FEATURE_TAG,
  serviceFeatureValue,
} from '../app/communication-service.js';
import { canonicalEventAppId, isEventAppId, PUSH_FEATURE_TAG } from '../app/event-app-id.js';
import { ConfigurationError } from '../errors.js';
import { formatAcceptContact } from '../sip/accept-contact.js';
import { parseUri, SipUri } from '../sip/uri.js';
import type { DeliveryRequest } from './push-request.js';

export type Addressing = Pick<DeliveryRequest, 'to' | 'app' | 'iari'>;

/** @throws ConfigurationError when it is addressed to nobody. */
export function requireAddress({ to, app, iari }: Addressing): void {
  if (!parseUri(to)) throw new ConfigurationError(`"${to}" is no URI; expected e.g. sip:bob@domain.test`);
  if (!isEventAppId(app)) throw new ConfigurationError(`"${app}" is no event-app-id; expected e.g. mms.ua`);
  if (iari !== undefined && !isIari(iari)) {
    throw new ConfigurationError(
      `"${iari}" is no IARI; expected e.g. urn:urn-7:3gpp-application.ims.iari.example`,
    );
  }
}

/** @param assertedIdentity of the sender, where it may assert one itself. */
export function addressingHeaders(
  { app, iari }: Addressing,
  assertedIdentity?: string,
): [name: string, value: string][] {
  const resource = [PUSH_FEATURE_TAG, [canonicalEventAppId(app)]] as const;
  const service = [SERVICE_FEATURE_TAG, [serviceFeatureValue(PUSH_SERVICE)]] as const;
  return [
    // RFC 3841 9.2: only terminals that registered the application; service and instance as a preference, since
    // terminals outside IMS register no ICSI (B.1.3), and an application without an IARI answers to any.
    ['Accept-Contact', formatAcceptContact([resource], { require: true, explicit: true })],
    [
      'Accept-Contact',
      formatAcceptContact(iari === undefined ? [service] : [service, instanceFeature(iari)]),
    ],
    // RFC 6050 4: who may assert an identity may assert the service, too.
    ...(assertedIdentity
      ? ([
          ['P-Asserted-Identity', `<${assertedIdentity}>`],
          ['P-Asserted-Service', PUSH_SERVICE],
        ] satisfies [string, string][])
      : ([['P-Preferred-Service', PUSH_SERVICE]] satisfies [string, string][])),
  ];
}

function instanceFeature(iari: string) {
  return [INSTANCE_FEATURE_TAG, [serviceFeatureValue(canonicalIari(iari))]] as const;
}

/** RFC 5627 3.1: a GRUU has a `gr` parameter. */
export function isGruu(uri: string): boolean {
  return SipUri.parse(uri)?.parameters.has('gr') ?? false;
}

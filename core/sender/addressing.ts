/** Headers that address a push to an application (TS 7.1, 8.1.2, 8.2.2). */

import {
  canonicalEventAppId,
  canonicalIari,
  INSTANCE_FEATURE_TAG,
  isEventAppId,
  isIari,
  PUSH_FEATURE_TAG,
  PUSH_SERVICE,
  SERVICE_FEATURE_TAG,
  serviceFeatureValue,
} from '../app/contract/event-app-id.js';
import { ConfigurationError } from '../errors.js';
import { formatAcceptContact } from '../sip/values/accept-contact.js';
import { formatFeatureTag } from '../sip/values/feature-tags.js';
import { EXPECTED_TEL, isTelUri } from '../sip/values/tel-uri.js';
import { parseUri, SipUri } from '../sip/values/uri.js';
import type { PushOptions } from './push-request.js';

export type Addressing = Pick<PushOptions, 'to' | 'app' | 'iari'>;

/** What was expected in place of `to`: SIP, SIPS or tel, of which the core finds the user. Undefined if it is valid. */
export function addressProblem(to: string): string | undefined {
  const uri = parseUri(to);
  if (uri instanceof SipUri) return undefined;
  if (uri?.scheme !== 'tel' && !/^tel:/i.test(to))
    return 'expected a SIP or tel URI, e.g. sip:bob@domain.test';
  return isTelUri(to) ? undefined : EXPECTED_TEL;
}

/** @throws ConfigurationError for an invalid URI, event-app-id or IARI. */
export function requireAddress({ to, app, iari }: Addressing): void {
  const problem = addressProblem(to);
  if (problem !== undefined) throw new ConfigurationError(`invalid URI "${to}": ${problem}`);
  if (!isEventAppId(app)) throw new ConfigurationError(`invalid event-app-id "${app}": expected e.g. mms.ua`);
  if (iari !== undefined && !isIari(iari)) {
    throw new ConfigurationError(
      `invalid IARI "${iari}": expected e.g. urn:urn-7:3gpp-application.ims.iari.example`,
    );
  }
}

type Header = [name: string, value: string];
type Feature = readonly [tag: string, values: readonly string[]];

/** @param assertedIdentity the sender's identity, if the sender may assert it. */
export function addressingHeaders(push: Addressing, assertedIdentity?: string): Header[] {
  const required = formatAcceptContact([resourceFeature(push)], { require: true, explicit: true });
  const accepted: Header[] = [
    // Only terminals that registered the application match (RFC 3841 §9.2). Service and instance are preferences:
    // terminals outside IMS register no ICSI (B.1.3), and an application without an IARI accepts any.
    ['Accept-Contact', required],
    ['Accept-Contact', formatAcceptContact(serviceFeatures(push))],
  ];
  if (!assertedIdentity) return [...accepted, ['P-Preferred-Service', PUSH_SERVICE]];
  // A sender that may assert its identity may assert the service as well (RFC 6050 §4).
  return [
    ...accepted,
    ['P-Asserted-Identity', `<${assertedIdentity}>`],
    ['P-Asserted-Service', PUSH_SERVICE],
  ];
}

/** Feature tags of the Contact of an INVITE, which identify the purpose of the session (TS B.4). */
export function contactFeatures(push: Addressing): string[] {
  return [...serviceFeatures(push), resourceFeature(push)].map(([tag, values]) =>
    formatFeatureTag(tag, values),
  );
}

function resourceFeature({ app }: Addressing): Feature {
  return [PUSH_FEATURE_TAG, [canonicalEventAppId(app)]];
}

function serviceFeatures({ iari }: Addressing): Feature[] {
  const service: Feature = [SERVICE_FEATURE_TAG, [serviceFeatureValue(PUSH_SERVICE)]];
  if (iari === undefined) return [service];
  return [service, [INSTANCE_FEATURE_TAG, [serviceFeatureValue(canonicalIari(iari))]]];
}

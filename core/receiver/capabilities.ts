/** The registration of a Push Receiver Agent, in addition to that of any user agent (TS 6.1). */

import {
  canonicalEventAppId,
  distinctEventAppIds,
  INSTANCE_FEATURE_TAG,
  PUSH_FEATURE_TAG,
  PUSH_SERVICE,
  parseEventAppIds,
  SERVICE_FEATURE_TAG,
  serviceFeatureValue,
} from '../app/contract/event-app-id.js';
import { buildExternalBody, type ExternalBody } from '../content/external-body.js';
import { formatMediaType } from '../content/media-type.js';
import type { SipResponse } from '../sip/message/message.js';
import type { OutgoingRequest } from '../sip/user-agent-client.js';
import { acceptContactParameters } from '../sip/values/accept-contact.js';
import { formatFeatureTag } from '../sip/values/feature-tags.js';
import { parseNameAddr } from '../sip/values/name-addr.js';

/**
 * 6.1-03: with `Require: pref`, the core stores the features of the Contact or refuses the request (RFC 3840 §10).
 */
export const registrationHeaders = [['Require', 'pref']] as const;

/**
 * The feature parameters of a Contact. Without applications there is no push feature tag (6.1-10).
 * @param iaris of applications that are instances (appendix D).
 */
export function pushFeatures(eventAppIds: readonly string[], iaris: readonly string[] = []): string[] {
  const features: (readonly [tag: string, values: readonly string[]])[] = [
    [SERVICE_FEATURE_TAG, [serviceFeatureValue(PUSH_SERVICE)]],
    [INSTANCE_FEATURE_TAG, iaris.map(serviceFeatureValue)],
    [PUSH_FEATURE_TAG, eventAppIds],
  ];
  return features.flatMap(([tag, values]) => (values.length === 0 ? [] : formatFeatureTag(tag, values)));
}

interface Device {
  vendor?: string;
  model?: string;
}

/**
 * The value of User-Agent: vendor and model of the device, and the agent (5.1-09).
 * @param product name and version of the agent, `sip-push/1.0`.
 */
export function userAgentProduct(product: string, { vendor, model }: Device = {}): string {
  const device = [vendor, model].flatMap((name) => token(name ?? '')).join('-');
  return device === '' ? product : `${device} ${product}`;
}

/** RFC 3261 §25.1: a product is a token. */
function token(name: string): string[] {
  const written = name.trim().replace(/[^A-Za-z0-9\-.!%*_+`'~]+/g, '_');
  return written === '' ? [] : [written];
}

/** The answer of a Push Sender Agent to the capability negotiation (TS 5.1). */
export interface SenderCapabilities {
  /** event-app-ids of applications that it pushes for. */
  readonly apps: readonly string[];
  /** Supported SIP methods, upper-case. */
  readonly methods: readonly string[];
}

/** Applications, and methods, that are kept of one sender. */
const MAX_KEPT = 256;

export function readCapabilities({ headers }: SipResponse): SenderCapabilities {
  const contacts = headers
    .getAll('Contact')
    .flatMap((value) => parseNameAddr(value)?.parameters.get(PUSH_FEATURE_TAG) ?? []);
  // 5.1-13 names Accept-Contact, which only requests have; 5.2-05 names Contact.
  const accepted = acceptContactParameters(headers.getAll('Accept-Contact')).flatMap(
    (parameters) => parameters.get(PUSH_FEATURE_TAG) ?? [],
  );
  const apps = (contacts.length > 0 ? contacts : accepted).flatMap(parseEventAppIds).map(canonicalEventAppId);
  const methods = headers.getAll('Allow').map((method) => method.toUpperCase());
  return { apps: distinctEventAppIds(apps).slice(0, MAX_KEPT), methods: unique(methods) };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].slice(0, MAX_KEPT);
}

/** The capabilities that a device sends to a Push Sender Agent (TS 5.1). */
export interface OfferedCapabilities {
  /** URI of the Push Sender Agent. */
  sender: string;
  /** Public identity of the user. */
  identity: string;
  /** URI of the Contact: the public GRUU, if there is one. */
  contact: string;
  publicGruu: boolean;
  /** Canonical. */
  eventAppIds: readonly string[];
  /** IARIs of applications that are instances (appendix D). */
  iaris: readonly string[];
  /** Value of Allow. */
  allow: string;
  /** Media types that are accepted in a MESSAGE. */
  accept: readonly string[];
  /** Reference to the User Agent Profile. */
  profile?: ExternalBody;
}

export function optionsRequest(offered: OfferedCapabilities): OutgoingRequest {
  const { sender, identity, contact, publicGruu, eventAppIds, iaris, allow, accept, profile } = offered;
  const entity = profile && buildExternalBody(profile);
  return {
    method: 'OPTIONS',
    uri: sender,
    headers: [
      ['P-Preferred-Identity', `<${identity}>`],
      ['P-Preferred-Service', PUSH_SERVICE],
      ['Contact', [`<${contact}>`, ...pushFeatures(eventAppIds, iaris)].join(';')],
      // Without require and explicit, which would route the request to a sender that registered these features (RFC 3841
      // §7.2.4).
      ...(eventAppIds.length === 0
        ? []
        : [['Accept-Contact', `*;${formatFeatureTag(PUSH_FEATURE_TAG, eventAppIds)}`] as const]),
      ...(publicGruu ? [['Supported', 'gruu'] as const] : []),
      ['Allow', allow],
      ['Accept', accept.join(', ')],
      ...(entity ? [['Content-Type', formatMediaType(entity.type)] as const] : []),
    ],
    body: entity?.body,
  };
}

/** The OPTIONS by which a Push Sender Agent learns what this device has and takes (TS 5.1). */

import { PUSH_SERVICE } from '../../app/communication-service.js';
import { PUSH_FEATURE_TAG } from '../../app/event-app-id.js';
import { buildExternalBody, type ExternalBody } from '../../content/external-body.js';
import { formatMediaType } from '../../content/media-type.js';
import type { OutgoingRequest } from '../../sip/client.js';
import { formatFeatureTag } from '../../sip/feature-tags.js';
import { pushFeatures } from '../registration.js';

export interface OfferedCapabilities {
  /** URI of the Push Sender Agent. */
  sender: string;
  /** Our public identity. */
  identity: string;
  /** Our Contact: the public GRUU, where there is one. */
  contact: string;
  publicGruu: boolean;
  /** Canonical. */
  eventAppIds: readonly string[];
  /** Of applications that are instances of one (appendix D). */
  iaris: readonly string[];
  /** Value of Allow. */
  allow: string;
  /** Media types that may come in a MESSAGE. */
  accept: readonly string[];
  /** Where our User Agent Profile is. */
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
      // Neither require nor explicit: the core would look for a sender that registered these features (RFC 3841 7.2.4).
      ...(eventAppIds.length === 0
        ? []
        : [['Accept-Contact', `*;${formatFeatureTag(PUSH_FEATURE_TAG, eventAppIds)}`] as const]),
      ...(publicGruu ? [['Supported', 'gruu'] as const] : []),
      ['Allow', allow],
      ['Accept', accept.join(', ')],
      ...(entity ? [['Content-Type', formatMediaType(entity.type)] as const] : []),
    ],
    ...(entity ? { body: entity.body } : {}),
  };
}

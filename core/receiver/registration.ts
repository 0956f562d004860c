/** What a Push Receiver Agent registers beside any user agent (TS 6.1). */

import { PUSH_FEATURE_TAG } from '../app/event-app-id.js';
import { formatFeatureTag } from '../sip/feature-tags.js';

/**
 * 6.1-03: with `Require: pref` the core stores the features of our Contact, or says that it cannot
 * (RFC 3840 10).
 */
export const registrationHeaders = [['Require', 'pref']] as const;

/** The ICSI of SIP Push (appendix D), percent-encoded as in a feature tag. */
const ICSI_FEATURE = '+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.omapush"';

/** Contact parameters; 6.1-10: no push feature tag when no application remains. */
export function pushFeatures(eventAppIds: readonly string[]): string[] {
  return eventAppIds.length === 0
    ? [ICSI_FEATURE]
    : [ICSI_FEATURE, formatFeatureTag(PUSH_FEATURE_TAG, eventAppIds)];
}

/** What a Push Receiver Agent registers beside any user agent (TS 6.1). */

import {
  INSTANCE_FEATURE_TAG,
  PUSH_SERVICE,
  SERVICE_FEATURE_TAG,
  serviceFeatureValue,
} from '../app/communication-service.js';
import { PUSH_FEATURE_TAG } from '../app/event-app-id.js';
import { formatFeatureTag } from '../sip/feature-tags.js';

/**
 * 6.1-03: with `Require: pref` the core stores the features of our Contact, or says that it cannot
 * (RFC 3840 10).
 */
export const registrationHeaders = [['Require', 'pref']] as const;

/**
 * Contact parameters; 6.1-10: no push feature tag when no application remains.
 * @param iaris of applications that are instances of one (appendix D).
 */
export function pushFeatures(eventAppIds: readonly string[], iaris: readonly string[] = []): string[] {
  const features: (readonly [tag: string, values: readonly string[]])[] = [
    [SERVICE_FEATURE_TAG, [serviceFeatureValue(PUSH_SERVICE)]],
    [INSTANCE_FEATURE_TAG, iaris.map(serviceFeatureValue)],
    [PUSH_FEATURE_TAG, eventAppIds],
  ];
  return features.flatMap(([tag, values]) => (values.length === 0 ? [] : formatFeatureTag(tag, values)));
}

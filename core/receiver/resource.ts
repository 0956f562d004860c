/** Which push resource a request is for: the Push Resource Identifier in its Accept-Contact (7.1, 7.2). */

import { canonicalIari, INSTANCE_FEATURE_TAG } from '../app/communication-service.js';
import { canonicalEventAppId, PUSH_FEATURE_TAG, parseEventAppIds } from '../app/event-app-id.js';
import { parseAcceptContact } from '../sip/accept-contact.js';
import type { SipRequest } from '../sip/message.js';

export interface PushResource {
  /** Canonical event-app-ids in the order the sender listed them; empty where it named none. */
  eventAppIds: string[];
  /** IARI, where the sender named an instance (appendix D). */
  iari?: string;
}

export function pushResource(request: SipRequest): PushResource {
  const accepted = parseAcceptContact(request.headers.getAll('Accept-Contact'));
  const valuesOf = (tag: string) =>
    accepted
      .flatMap(({ parameters }) => parseEventAppIds(parameters.get(tag) ?? ''))
      // RFC 3840 9: a leading ! says what the terminal shall not have.
      .filter((value) => !value.startsWith('!'));
  const ids = valuesOf(PUSH_FEATURE_TAG).map(canonicalEventAppId);
  const iari = valuesOf(INSTANCE_FEATURE_TAG).map(canonicalIari)[0];
  return { eventAppIds: [...new Set(ids)], ...(iari === undefined ? {} : { iari }) };
}

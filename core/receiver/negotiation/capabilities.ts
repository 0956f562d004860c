/** What a Push Sender Agent says of itself by its answer to our OPTIONS (TS 5.1). */

import { canonicalEventAppId, PUSH_FEATURE_TAG, parseEventAppIds } from '../../app/event-app-id.js';
import { parseAcceptContact } from '../../sip/accept-contact.js';
import type { SipResponse } from '../../sip/message.js';
import { parseNameAddr } from '../../sip/name-addr.js';

/** What a Push Sender Agent answered to what it was told of a device (TS 5.1). */
export interface SenderCapabilities {
  /** event-app-ids of applications that it pushes for. */
  readonly apps: readonly string[];
  /** SIP methods that it takes, upper-case. */
  readonly methods: readonly string[];
}

/** Applications and methods kept of one sender: more than there are of either. */
const MAX_KEPT = 256;

export function readCapabilities({ headers }: SipResponse): SenderCapabilities {
  const contacts = headers
    .getAll('Contact')
    .flatMap((value) => parseNameAddr(value)?.parameters.get(PUSH_FEATURE_TAG) ?? []);
  // 5.1-13: the text has Accept-Contact, which is of requests only; 5.2-05 has Contact.
  const accepted = parseAcceptContact(headers.getAll('Accept-Contact')).flatMap(
    ({ parameters }) => parameters.get(PUSH_FEATURE_TAG) ?? [],
  );
  const apps = (contacts.length > 0 ? contacts : accepted).flatMap(parseEventAppIds).map(canonicalEventAppId);
  const methods = headers.getAll('Allow').map((method) => method.toUpperCase());
  return { apps: each(apps), methods: each(methods) };
}

function each(values: readonly string[]): string[] {
  return [...new Set(values)].slice(0, MAX_KEPT);
}

/** What a request must show before its content is looked at: a push resource that is here, and a sender to trust. */

import type { PushRuntime } from '../app/runtime.js';
import { assertedIdentities, type TrustList } from '../sip/asserted-identity.js';
import type { SipRequest } from '../sip/message.js';
import { type PushResource, pushResource } from './resource.js';
import { TurnedAway } from './turned-away.js';

/**
 * The application that is addressed, which is loaded (7.1; 8.1.1-01, 8.2.1-02).
 * @throws TurnedAway
 */
export function addressedResource(request: SipRequest, runtime: PushRuntime): PushResource {
  const resource = pushResource(request);
  const { eventAppIds, iari } = resource;
  if (eventAppIds.length === 0) {
    throw new TurnedAway('forbidden', 'no push resource identifier in Accept-Contact');
  }
  if (runtime.resolve(eventAppIds, '', iari) === 'unknown') {
    throw new TurnedAway('forbidden', `no application for ${eventAppIds.join(', ')}`);
  }
  return resource;
}

/**
 * The identity that the SIP/IP core asserts (8.1.1-02, 8.2.1-03).
 * @throws TurnedAway when it is not trusted, MalformedError when it is none.
 */
export function trustedSender(request: SipRequest, trust: TrustList): string {
  const from = trust.trusted(request);
  if (from !== undefined) return from;
  const asserted = assertedIdentities(request).join(', ');
  throw new TurnedAway(
    'forbidden',
    asserted ? `"trust" does not have ${asserted}` : 'the SIP/IP core asserts no identity of its sender',
  );
}

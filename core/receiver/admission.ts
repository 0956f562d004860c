/** A request that is refused before any application sees it. */

import {
  canonicalEventAppId,
  canonicalIari,
  INSTANCE_FEATURE_TAG,
  PUSH_FEATURE_TAG,
  parseEventAppIds,
} from '../app/contract/event-app-id.js';
import type { PushRuntime } from '../app/runtime.js';
import { PushRefused, type RefusalKind } from '../errors.js';
import type { SipRequest } from '../sip/message/message.js';
import { acceptContactParameters } from '../sip/values/accept-contact.js';
import { assertedIdentities, type TrustList } from '../sip/values/asserted-identity.js';

export class RequestRefused extends PushRefused {
  /** Bytes that would be taken. */
  readonly maxSize: number | undefined;

  /** @param details `retryAfter`: seconds, where it is for now. */
  constructor(
    kind: RefusalKind,
    reason: string,
    { retryAfter, maxSize }: { retryAfter?: number; maxSize?: number } = {},
  ) {
    super(kind, reason, retryAfter === undefined ? {} : { retryAfter });
    this.maxSize = maxSize;
  }
}

/** Which push resource a request is for: the Push Resource Identifier in its Accept-Contact (7.1, 7.2). */

export interface PushResource {
  /** Canonical event-app-ids in the order the sender listed them; empty where it named none. */
  eventAppIds: string[];
  /** IARI, where the sender named an instance (appendix D). */
  iari?: string;
}

export function pushResource(request: SipRequest): PushResource {
  const accepted = acceptContactParameters(request.headers.getAll('Accept-Contact'));
  const valuesOf = (tag: string) =>
    accepted
      .flatMap((parameters) => parseEventAppIds(parameters.get(tag) ?? ''))
      // RFC 3840 9: a leading ! says what the terminal shall not have.
      .filter((value) => !value.startsWith('!'));
  const ids = valuesOf(PUSH_FEATURE_TAG).map(canonicalEventAppId);
  const iari = valuesOf(INSTANCE_FEATURE_TAG).map(canonicalIari)[0];
  return { eventAppIds: [...new Set(ids)], iari };
}

/** What a request must show before its content is looked at: a push resource that is here, and a sender to trust. */

/**
 * The application that is addressed, which is loaded (7.1; 8.1.1-01, 8.2.1-02).
 * @throws TurnedAway
 */
export function addressedResource(request: SipRequest, runtime: PushRuntime): PushResource {
  const resource = pushResource(request);
  const { eventAppIds, iari } = resource;
  if (eventAppIds.length === 0) {
    throw new RequestRefused('forbidden', 'no push resource identifier in Accept-Contact');
  }
  if (runtime.resolve(eventAppIds, '', iari) === 'unknown') {
    throw new RequestRefused('forbidden', `no application for ${eventAppIds.join(', ')}`);
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
  throw new RequestRefused(
    'forbidden',
    asserted ? `"trust" does not have ${asserted}` : 'the SIP/IP core asserts no identity of its sender',
  );
}

/** The subscriptions of an agent, by the Call-ID and tag that its NOTIFYs have. */

import { LimitError, type TransportError } from '../../errors.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { Subscription, type SubscriptionHandlers } from './subscription.js';
import type { SubscribeOptions, SubscriptionDependencies, SubscriptionUsage } from './subscription-usage.js';

/** A sender may subscribe to every terminal it can remember; each subscription takes two or three KB. */
const MAX_SUBSCRIPTIONS = 100_000;
/** SUBSCRIBEs under way at once, so that a thousand subscriptions begun or refreshed together are no flood. */
const MAX_UNDER_WAY = 50;

export interface SubscriptionLimits {
  /** Subscriptions at a time. */
  subscriptions?: number;
}

export class Subscriptions {
  readonly #all = new Set<Subscription>();
  readonly #byKey = new Map<string, Subscription>();
  readonly #door: SubscriptionDependencies;
  readonly #waiting = new Set<() => void>();
  #underWay = 0;
  #closed: TransportError | undefined;

  constructor(
    door: SubscriptionDependencies,
    private readonly limits: SubscriptionLimits = {},
  ) {
    this.#door = {
      ...door,
      send: (request, nextCSeq) => this.#inTurn(() => door.send(request, nextCSeq)),
    };
  }

  /** @throws LimitError when there are too many, TransportError when the agent was stopped. */
  add(options: SubscribeOptions, handlers: SubscriptionHandlers): Subscription {
    if (this.#closed) throw this.#closed;
    const { subscriptions: most = MAX_SUBSCRIPTIONS } = this.limits;
    if (this.#all.size >= most) throw new LimitError(`at most ${most} subscriptions are kept`);
    const subscription = new Subscription(options, handlers, this.#door, {
      enter: (usage, owner) => this.#byKey.set(keyOf(usage.callId, usage.tag), owner),
      leave: (usage: SubscriptionUsage) => this.#byKey.delete(keyOf(usage.callId, usage.tag)),
      ended: (ended) => this.#all.delete(ended),
    });
    this.#all.add(subscription);
    subscription.begin();
    return subscription;
  }

  /** The subscription that a NOTIFY belongs to. */
  of({ method, headers }: SipRequest): Subscription | undefined {
    if (method !== 'NOTIFY') return undefined;
    return this.#byKey.get(keyOf(headers.get('Call-ID') ?? '', headers.to?.tag ?? ''));
  }

  /** There is a connection again. */
  reconnected(): void {
    for (const subscription of [...this.#all]) subscription.reconnected();
  }

  /** Unsubscribes from everything. Resolves when all notifiers have answered, or never will. */
  async close(reason: TransportError): Promise<void> {
    this.#closed = reason;
    await Promise.all(Array.from(this.#all, (subscription) => subscription.close()));
  }

  /** Nothing is waited for any more. */
  abandon(): void {
    for (const subscription of [...this.#all]) subscription.abandon();
  }

  async #inTurn(send: () => Promise<SipResponse>): Promise<SipResponse> {
    if (this.#underWay >= MAX_UNDER_WAY) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    else this.#underWay++;
    try {
      return await send();
    } finally {
      // Who waits takes over the place.
      const [next] = this.#waiting;
      if (next) {
        this.#waiting.delete(next);
        next();
      } else {
        this.#underWay--;
      }
    }
  }
}

function keyOf(callId: string, localTag: string): string {
  return `${callId}\n${localTag}`;
}

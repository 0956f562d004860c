/** The subscriptions of an agent, by the Call-ID and tag of their NOTIFYs. */

import { LimitError, type TransportError } from '../../errors.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { Subscription, type SubscriptionHandlers } from './subscription.js';
import type { SubscribeOptions, SubscriptionDependencies, SubscriptionUsage } from './subscription-usage.js';

/** A sender can subscribe to every terminal that it remembers; each subscription needs two or three KB. */
const MAX_SUBSCRIPTIONS = 100_000;
/** SUBSCRIBEs that are pending at a time, so that a thousand subscriptions do not flood the core. */
const MAX_PENDING = 50;

export interface SubscriptionLimits {
  /** Subscriptions at a time. */
  subscriptions?: number;
}

export class Subscriptions {
  readonly #all = new Set<Subscription>();
  readonly #byKey = new Map<string, Subscription>();
  readonly #dependencies: SubscriptionDependencies;
  readonly #waiting = new Set<() => void>();
  #pending = 0;
  #closed: TransportError | undefined;

  constructor(
    dependencies: SubscriptionDependencies,
    private readonly limits: SubscriptionLimits = {},
  ) {
    this.#dependencies = {
      ...dependencies,
      send: (request, nextCSeq) => this.#inTurn(() => dependencies.send(request, nextCSeq)),
    };
  }

  /** @throws LimitError if there are too many, TransportError if the agent has stopped. */
  add(options: SubscribeOptions, handlers: SubscriptionHandlers): Subscription {
    if (this.#closed) throw this.#closed;
    const { subscriptions: most = MAX_SUBSCRIPTIONS } = this.limits;
    if (this.#all.size >= most) throw new LimitError(`too many subscriptions: expected at most ${most}`);
    const subscription = new Subscription(options, handlers, this.#dependencies, {
      enter: (usage, owner) => this.#byKey.set(keyOf(usage.callId, usage.tag), owner),
      leave: (usage: SubscriptionUsage) => this.#byKey.delete(keyOf(usage.callId, usage.tag)),
      ended: (ended) => this.#all.delete(ended),
    });
    this.#all.add(subscription);
    subscription.begin();
    return subscription;
  }

  /** The subscription of a NOTIFY. */
  of({ method, headers }: SipRequest): Subscription | undefined {
    if (method !== 'NOTIFY') return undefined;
    return this.#byKey.get(keyOf(headers.get('Call-ID') ?? '', headers.to?.tag ?? ''));
  }

  /** The agent is connected again. */
  reconnected(): void {
    for (const subscription of [...this.#all]) subscription.reconnected();
  }

  /** Ends all subscriptions. Resolves when all notifiers have answered, or do not answer. */
  async close(reason: TransportError): Promise<void> {
    this.#closed = reason;
    await Promise.all(Array.from(this.#all, (subscription) => subscription.close()));
  }

  /** Stops waiting for answers. */
  abandon(): void {
    for (const subscription of [...this.#all]) subscription.abandon();
  }

  async #inTurn(send: () => Promise<SipResponse>): Promise<SipResponse> {
    if (this.#pending >= MAX_PENDING) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    else this.#pending++;
    try {
      return await send();
    } finally {
      // The next waiting SUBSCRIBE replaces this one in the count.
      const [next] = this.#waiting;
      if (next) {
        this.#waiting.delete(next);
        next();
      } else {
        this.#pending--;
      }
    }
  }
}

function keyOf(callId: string, localTag: string): string {
  return `${callId}\n${localTag}`;
}

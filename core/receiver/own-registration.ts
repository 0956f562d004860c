/**
 * A device's subscription to the events of its own registration (RFC 3680; 3GPP TS 24.229 §5.1.1.3): it registers again
 * when the core ends or shortens the registration.
 */

import { contactInstanceId, REGINFO_TYPE, type ReginfoContact } from '../content/reginfo.js';
import { readReginfo } from '../content/reginfo-reader.js';
import { type RegisteredContact, RegistrationTable } from '../content/registration-table.js';
import type { Subscription } from '../sip/subscription/subscription.js';
import type { SipUserAgent } from '../sip/user-agent.js';
import { Backoff } from '../time/backoff.js';

/** The agent whose registration is watched. */
type WatchedAgent = Pick<SipUserAgent, 'identity' | 'registration' | 'subscribe'>;

export type WatchRegistration = (agent: WatchedAgent) => OwnRegistration;

/** Seconds; 3GPP TS 24.229 §5.1.1.3. */
const EXPIRES = 600_000;
/** Milliseconds. A registration that the core ends sooner after another one is not repeated at once. */
const MIN_LIFE = 30_000;
/** RFC 3680 §5.1: ended on request, or by the operator. The device tries again when it would have refreshed. */
const NOT_AT_ONCE: ReadonlySet<string> = new Set(['unregistered', 'rejected']);

/**
 * The value of `registrationEvents` for a device of IMS. The subscription follows each registration whose answer has a
 * P-Associated-URI, as those of IMS have. A core that refuses it is not asked again.
 */
export const watchRegistration: WatchRegistration = (agent) => new OwnRegistration(agent);

export class OwnRegistration {
  readonly #table = new RegistrationTable();
  readonly #backoff = new Backoff();
  #subscription: Subscription | undefined;
  /** The core does not support the event package, or not for this user. */
  #refused = false;
  /** The full state was requested and has not arrived. */
  #refreshing = false;
  /** When the core ended the last registration, on the clock of `performance.now()`. */
  #endedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly agent: WatchedAgent) {}

  /** The device is registered. */
  begin(): void {
    const { identity, registration } = this.agent;
    if (this.#refused || !registration?.state?.associatedUris) return;
    if (this.#subscription && !this.#subscription.ended) {
      this.#subscription.resume();
      return;
    }
    this.#subscription = this.agent.subscribe(
      { uri: identity, event: 'reg', accept: [REGINFO_TYPE], expires: EXPIRES },
      {
        onNotify: (body) => {
          if (body.length > 0) this.#onNotify(body);
        },
        onState: (status) => {
          if (status.state === 'active' || status.state === 'pending') return;
          this.#table.restart();
          this.#refreshing = false;
          // Without a status, a NOTIFY ended it, because the registration ended.
          if (status.state === 'ended' && status.status !== undefined) this.#refused = true;
        },
      },
    );
  }

  /** The device has de-registered, which ends the subscription at the core. */
  stop(): void {
    this.#subscription?.abandon();
  }

  /** @throws MalformedError */
  #onNotify(body: Uint8Array): void {
    const document = readReginfo(body);
    const { order, registered, removed } = this.#table.apply(document);
    // A document is missing (RFC 3680 §5.2). One refresh at a time: a notifier may answer it with another gap.
    if (order === 'gap' && !this.#refreshing) this.#subscription?.refresh();
    this.#refreshing = order === 'gap' || (this.#refreshing && document.state === 'partial');
    const { registration } = this.agent;
    const isOwn = ({ contact }: RegisteredContact) =>
      registration?.isOwnContact(contact.uri, contactInstanceId(contact)) === true;
    const ended = removed.find(isOwn);
    // Another identity of the user, or another flow of this device, may still be registered.
    if (ended && !this.#table.contacts.some(isOwn)) this.#onEnd(ended.contact);
    const shortened = registered.find((each) => isOwn(each) && each.contact.event === 'shortened');
    if (shortened?.contact.expires !== undefined) registration?.shortenedByCore(shortened.contact.expires);
  }

  #onEnd(contact: ReginfoContact): void {
    const { registration } = this.agent;
    // A contact that is missing in a full document has the state of an earlier one.
    const cause = contact.state === 'active' ? 'it is not listed' : contact.event;
    registration?.endedByCore(`the core ended the registration: ${cause}`, this.#retryAfter(contact));
  }

  /** Seconds until the next REGISTER. */
  #retryAfter({ event, retryAfter }: ReginfoContact): number {
    if (NOT_AT_ONCE.has(event)) return this.agent.registration?.state?.expires ?? EXPIRES;
    if (event === 'probation') return this.#backoff.next(retryAfter);
    const now = performance.now();
    const isFirst = now - this.#endedAt >= MIN_LIFE;
    this.#endedAt = now;
    if (!isFirst) return this.#backoff.next();
    this.#backoff.reset();
    return 0;
  }
}

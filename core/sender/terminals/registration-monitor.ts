/** Monitors the registrations of users: of third-party REGISTER requests from the core (TS B.1.1), and configured ones. */

import { MalformedError, UntrustedError } from '../../errors.js';
import type { SipRequest } from '../../sip/message/message.js';
import { buildResponse } from '../../sip/message/writer.js';
import type { ServerTransaction } from '../../sip/transactions/server-machine.js';
import { parseNameAddr } from '../../sip/values/name-addr.js';
import { parseDeltaSeconds } from '../../sip/values/parameters.js';
import { SipUri } from '../../sip/values/uri.js';
import { decodeJson, encodeJson, type Records } from '../../store/records.js';
import { asError } from '../../text.js';
import { type Clock, systemClock } from '../../time/clock.js';
import {
  RegistrationSubscription,
  type RegistrationSubscriptionOptions,
} from './registration-subscription.js';
import { addressOfRecord, publicIdentity } from './terminal.js';

export interface RegistrationMonitorOptions extends RegistrationSubscriptionOptions {
  /** The sender's Contact URI. */
  contact(): string;
  /** The sender's own URI. Registrars of its domain are trusted. */
  identity: string;
  /**
   * Requests arrive only from the configured peers, so any third-party REGISTER is trusted: an S-CSCF may be named by its
   * address or by another domain.
   */
  peersOnly?: boolean;
  /** Keeps the users of third-party registrations over restarts. */
  records?: Records;
  clock?: Pick<Clock, 'now' | 'after'>;
}

interface MonitoredUser {
  readonly subscription: RegistrationSubscription;
  /** Monitored independently of third-party registrations. */
  readonly permanent: boolean;
  /** Call-ID of the last third-party REGISTER. */
  readonly callId?: string;
  /** Cancels the expiry of the third-party registration. */
  cancelExpiry(): void;
}

const KEY = 'push/registered/';
/** Expiry of a REGISTER without Expires, in seconds, as at a registrar (RFC 3261 §10.3). */
const DEFAULT_EXPIRES = 3600;
/** The longest expiry in seconds; a JavaScript timer is limited to 24 days. */
const MAX_EXPIRES = 2_000_000;
/** Allowed delay of a refresh, in milliseconds. */
const GRACE_PERIOD = 60_000;

export class RegistrationMonitor {
  readonly #options: RegistrationMonitorOptions;
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #domain: string;
  /** By public identity. */
  readonly #users = new Map<string, MonitoredUser>();

  constructor(options: RegistrationMonitorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#domain = SipUri.parse(options.identity)?.host.toLowerCase() ?? '';
  }

  /** Continues with the third-party registrations in the store. @throws StoreError */
  async load(): Promise<void> {
    const now = this.#clock.now();
    for await (const [user, bytes] of this.#options.records?.entries(KEY) ?? []) {
      const until = expiryOf(bytes);
      if (until > now) this.monitor(user, until);
      else this.#removeRecord(user);
    }
  }

  /**
   * Subscribes to the registrations of a user, or subscribes again if the subscription has ended.
   * @param until milliseconds since 1970. If absent, or once absent, the user is monitored permanently.
   */
  monitor(user: string, until?: number): void {
    const identity = publicIdentity(user);
    const known = this.#users.get(identity);
    known?.cancelExpiry();
    const permanent = until === undefined || known?.permanent === true;
    const cancelExpiry = permanent
      ? () => {}
      : this.#clock.after(Math.max(0, until + GRACE_PERIOD - this.#clock.now()), () =>
          this.#deregister(identity),
        );
    try {
      const current = known?.subscription;
      const subscription =
        current && !current.ended
          ? current
          : new RegistrationSubscription(addressOfRecord(user), this.#options);
      this.#users.set(identity, { ...known, subscription, permanent, cancelExpiry });
    } catch (error) {
      cancelExpiry();
      this.#options.onError?.(asError(error));
    }
  }

  /** Answers a third-party REGISTER. */
  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    const user = request.headers.to?.uri;
    if (user === undefined) {
      transaction.respond(buildResponse(request, 400));
    } else if (!this.#options.peersOnly && !this.#isFromOwnDomain(request)) {
      transaction.respond(buildResponse(request, 403));
      const from = request.headers.from?.uri ?? 'a malformed From';
      this.#options.onError?.(
        new UntrustedError(`refused REGISTER of ${from}: expected a registrar of ${this.#domain}`),
      );
    } else {
      const expires = Math.min(expiresOf(request), MAX_EXPIRES);
      this.#register(user, expires, request.headers.get('Call-ID') ?? '');
      const headers: [string, string][] = [
        ['Contact', `<${this.#options.contact()}>`],
        ['Expires', String(expires)],
      ];
      transaction.respond(buildResponse(request, 200, { headers }));
    }
  }

  /** Cancels the expiries. The SIP user agent ends the subscriptions. */
  stop(): void {
    for (const { cancelExpiry } of this.#users.values()) cancelExpiry();
    this.#users.clear();
  }

  #register(user: string, expires: number, callId: string): void {
    if (expires === 0) {
      this.#deregister(publicIdentity(user));
      return;
    }
    const until = this.#clock.now() + expires * 1000;
    const before = this.#users.get(publicIdentity(user));
    this.monitor(user, until);
    // The user has registered again, but the notifier may have forgotten the subscription, or sends no NOTIFY: a new one
    // receives the state.
    if (!this.#options.directory.of(user).some(({ registered }) => registered)) this.#resubscribe(user);
    // A registrar that refreshes its registration keeps the Call-ID (RFC 3261 §10.2.4). A registrar that has restarted does
    // not, and has forgotten the subscription: its answer to a refresh shows this. A lost subscription is retried now.
    else if (before && (!before.subscription.established || (before.callId ?? callId) !== callId))
      before.subscription.requestState();
    const known = this.#users.get(publicIdentity(user));
    if (known) this.#users.set(publicIdentity(user), { ...known, callId });
    if (known) this.#write({ type: 'put', key: KEY + known.subscription.uri, value: encodeJson(until) });
  }

  /** The first NOTIFY of a subscription that is not established has the state. */
  #resubscribe(user: string): void {
    const identity = publicIdentity(user);
    const known = this.#users.get(identity);
    if (!known?.subscription.established) {
      known?.subscription.requestState();
      return;
    }
    try {
      const subscription = new RegistrationSubscription(addressOfRecord(user), this.#options);
      this.#users.set(identity, { ...known, subscription });
      void known.subscription.close();
    } catch (error) {
      this.#options.onError?.(asError(error));
    }
  }

  #deregister(user: string): void {
    this.#options.directory.setUnregisteredExcept(user);
    const known = this.#users.get(user);
    known?.cancelExpiry();
    known?.subscription.deregister();
    if (known && !known.permanent) {
      this.#users.delete(user);
      void known.subscription.close();
    }
    this.#removeRecord(known?.subscription.uri ?? user);
  }

  #isFromOwnDomain(request: SipRequest): boolean {
    const from = request.headers.from?.uri ?? '';
    const host = SipUri.parse(from)?.host.toLowerCase() ?? '';
    return host === this.#domain || host.endsWith(`.${this.#domain}`);
  }

  #removeRecord(user: string): void {
    this.#write({ type: 'del', key: KEY + user });
  }

  #write(operation: Parameters<Records['write']>[0][number]): void {
    const { records, onError } = this.#options;
    records?.write([operation], 'written').catch((error: Error) => onError?.(error));
  }
}

/** Milliseconds since 1970; 0 for an invalid record, because the core repeats its REGISTER. */
function expiryOf(bytes: Uint8Array): number {
  try {
    const time = decodeJson(bytes);
    return typeof time === 'number' ? time : 0;
  } catch (error) {
    if (error instanceof MalformedError) return 0;
    throw error;
  }
}

function expiresOf({ headers }: SipRequest): number {
  const contact = parseNameAddr(headers.get('Contact') ?? '')?.parameters.get('expires');
  return parseDeltaSeconds(contact) ?? parseDeltaSeconds(headers.get('Expires')) ?? DEFAULT_EXPIRES;
}

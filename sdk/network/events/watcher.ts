/** One subscription to the registrations of a user, at the notifier (RFC 6665 §4.2, RFC 3680 §4). */

import { REGINFO_TYPE, writeReginfo } from '../../../core/content/reginfo.js';
import type { SipRequest, SipResponse } from '../../../core/sip/message/message.js';
import type { Dialog } from '../../../core/sip/session/dialog.js';
import { formatSubscriptionState } from '../../../core/sip/subscription/subscription-state.js';
import type { SipFlow } from '../../../core/sip/transport/flow.js';
import type { Account } from '../registrar/accounts.js';
import type { Binding } from '../registrar/binding.js';
import type { TemporaryGruus } from '../registrar/gruu.js';
import type { BindingEnd, LocationStore } from '../registrar/location.js';
import {
  contactId,
  difference,
  type ReportedBindings,
  registrationsOf,
  reportedOf,
} from './reginfo-document.js';

export interface WatcherDependencies {
  readonly location: LocationStore;
  readonly temporaryGruus: TemporaryGruus;
  /** Sends a NOTIFY, and returns the final response; undefined without one. */
  send(notify: SipRequest, flow: SipFlow): Promise<SipResponse | undefined>;
  contact(flow: SipFlow): string;
  /** No further NOTIFY is sent. */
  ended(watcher: Watcher): void;
}

/** Answers to a NOTIFY that end the subscription (RFC 6665 §4.2.2). */
const ENDS = new Set([404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604]);

export class Watcher {
  /** Milliseconds on the clock of `performance.now()`. */
  expiresAt = 0;
  #flow: SipFlow;
  #version = 0;
  #reported: ReportedBindings = new Map();
  /** Why contacts ended since the last NOTIFY, by their id. Only contacts of that NOTIFY, so it is bounded. */
  #ends = new Map<string, BindingEnd>();
  /** A NOTIFY is pending: later changes are sent together in the next one. */
  #pending = false;
  #due: 'partial' | 'full' | undefined;
  #ended = false;

  constructor(
    readonly account: Account,
    readonly dialog: Dialog,
    flow: SipFlow,
    private readonly dependencies: WatcherDependencies,
  ) {
    this.#flow = flow;
  }

  /** The last NOTIFY is pending or answered. */
  get ended(): boolean {
    return this.#ended;
  }

  /** A SUBSCRIBE arrived on this flow: the watcher gets the full state (RFC 6665 §4.2.1.2). */
  refreshed(flow: SipFlow): void {
    this.#flow = flow;
    this.#notify('full');
  }

  changed(ended: ReadonlyMap<Binding, BindingEnd>): void {
    for (const [binding, why] of ended) {
      const id = contactId(binding);
      if (this.#reported.has(id)) this.#ends.set(id, why);
    }
    this.#notify('partial');
  }

  /** The subscription has expired, or the watcher has unsubscribed on that flow: sends the last NOTIFY. */
  end(flow = this.#flow): void {
    this.#ended = true;
    this.#flow = flow;
    this.#notify('full');
  }

  #notify(due: 'partial' | 'full'): void {
    this.#due = this.#due === 'full' ? 'full' : due;
    if (this.#pending) return;
    this.#pending = true;
    // After the response to the REGISTER or SUBSCRIBE, which is sent in this turn.
    queueMicrotask(() => void this.#send());
  }

  async #send(): Promise<void> {
    while (this.#due) {
      const over = this.#ended;
      const notify = this.#compose(this.#due === 'full');
      this.#due = undefined;
      const response = notify ? await this.dependencies.send(notify, this.#flow) : undefined;
      const refused = notify && (!response || ENDS.has(response.status));
      if (over || refused) {
        this.#ended = true;
        this.dependencies.ended(this);
        return;
      }
    }
    this.#pending = false;
  }

  /** Undefined if there is no change. */
  #compose(full: boolean): SipRequest | undefined {
    const { location, temporaryGruus } = this.dependencies;
    const now = reportedOf(location.bindings(this.account.username));
    const changes = difference(this.#reported, now, full, this.#ends);
    this.#reported = now;
    this.#ends = new Map();
    if (!full && changes.active.length + changes.ended.length === 0) return undefined;
    const registrations = registrationsOf(this.account, changes, now.size > 0, temporaryGruus);
    const notify = this.dialog.request('NOTIFY');
    const left = Math.max(0, Math.ceil((this.expiresAt - performance.now()) / 1000));
    notify.headers
      .set('Contact', `<${this.dependencies.contact(this.#flow)}>`)
      .set('Event', 'reg')
      .set(
        'Subscription-State',
        formatSubscriptionState(
          this.#ended ? { state: 'terminated', reason: 'timeout' } : { state: 'active', expires: left },
        ),
      )
      .set('Content-Type', REGINFO_TYPE);
    notify.body = writeReginfo({
      version: this.#version++,
      state: full ? 'full' : 'partial',
      registrations,
    });
    return notify;
  }
}

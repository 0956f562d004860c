/**
 * A subscription to the state of a user (RFC 6665 §4.1): refreshed before it expires, and requested again after it is
 * lost, until a permanent refusal or `close`.
 */

import { LimitError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import { Backoff } from '../../time/backoff.js';
import { Timer } from '../../time/clock.js';
import type { SipHeaders, SipResponse } from '../message/message.js';
import { buildResponse } from '../message/writer.js';
import type { ServerTransaction } from '../transactions/server-machine.js';
import { DEFAULT_TIMERS } from '../transactions/timers.js';
import { parseDeltaSeconds } from '../values/parameters.js';
import { MAX_EXPIRES, SubscriptionLife } from './subscription-life.js';
import {
  endsSubscription,
  isFinal,
  type NotifiedState,
  resumption,
  retryAfterOf,
  type SubscriptionStatus,
} from './subscription-state.js';
import {
  type SubscribeOptions,
  type SubscriptionDependencies,
  SubscriptionUsage,
} from './subscription-usage.js';

export interface SubscriptionHandlers {
  /**
   * A NOTIFY of the subscription; its body may be empty. Answered 200 when this returns, 400 if it throws
   * MalformedError.
   */
  onNotify(body: Uint8Array, headers: SipHeaders, state: NotifiedState): void;
  onState?(status: SubscriptionStatus): void;
}

export interface SubscriptionTable {
  /** NOTIFYs with this Call-ID and tag belong to the subscription. */
  enter(usage: SubscriptionUsage, subscription: Subscription): void;
  leave(usage: SubscriptionUsage): void;
  /** The subscription has ended. */
  ended(subscription: Subscription): void;
}

/** Answers 423 in a row after which a notifier is regarded as refusing. */
const MAX_BRIEF_ANSWERS = 3;
/** Milliseconds. A subscription that ends sooner is not requested again at once, even if the notifier asks for it. */
const MIN_LIFE = 30_000;
/** Timer N (RFC 6665 §4.1.2.4): how long a SUBSCRIBE waits for its NOTIFY, in milliseconds. */
const TIMER_N = DEFAULT_TIMERS.timeout;

interface Failure {
  status?: number | undefined;
  /** Seconds until it may be requested again. */
  after?: number | undefined;
}

export class Subscription {
  #usage: SubscriptionUsage | undefined;
  /** Of `#usage`. */
  readonly #life = new SubscriptionLife();
  #begunAt = 0;
  /** A refresh failed: the next SUBSCRIBE waits until then. */
  #notBefore = 0;
  /** A NOTIFY has arrived since the last SUBSCRIBE was sent. */
  #notified = false;
  /** A NOTIFY with a duration has arrived since the last SUBSCRIBE was sent. */
  #durationNotified = false;
  #sending = false;
  /** A further SUBSCRIBE is needed, because the pending one is out of date. */
  #again = false;
  #closing = false;
  #ended = false;
  #briefAnswers = 0;
  #expires: number;
  /** Runs until the next SUBSCRIBE. */
  readonly #alarm = new Timer();
  readonly #timerN = new Timer();
  readonly #backoff = new Backoff();
  #closed: () => void = () => {};

  constructor(
    private readonly options: SubscribeOptions,
    private readonly handlers: SubscriptionHandlers,
    private readonly dependencies: SubscriptionDependencies,
    private readonly table: SubscriptionTable,
  ) {
    this.#expires = Math.min(options.expires, MAX_EXPIRES);
  }

  /** Ended by a permanent refusal or by `close`. */
  get ended(): boolean {
    return this.#ended || this.#closing;
  }

  /** A NOTIFY has arrived since the first SUBSCRIBE, or the first after the subscription was lost. */
  get established(): boolean {
    return this.#usage?.established === true;
  }

  /** Sends the first SUBSCRIBE, or the first after the subscription was lost. */
  begin(): void {
    const usage = new SubscriptionUsage(this.options, this.dependencies);
    this.#usage = usage;
    this.#begunAt = performance.now();
    this.table.enter(usage, this);
    void this.#send(usage);
  }

  /**
   * Requests the full state, because the known state is incomplete or our address has changed. Has no effect while the
   * first NOTIFY, which contains it, is awaited.
   */
  refresh(): void {
    if (this.ended || !this.#usage?.established) return;
    this.#alarm.clear();
    void this.#send(this.#usage);
  }

  /** The notifier may accept it again: a SUBSCRIBE that waits after a failure is sent now. */
  resume(): void {
    if (this.ended || this.#usage) return;
    this.#alarm.clear();
    this.begin();
  }

  /** The agent is connected again: a waiting SUBSCRIBE is sent now, and an active subscription needs the new address. */
  reconnected(): void {
    if (this.#usage) this.refresh();
    else this.resume();
  }

  /** Unsubscribes and calls no handler any more. Resolves when the notifier has answered, or does not answer. */
  async close(): Promise<void> {
    if (this.ended) return;
    this.#closing = true;
    this.#alarm.clear();
    const usage = this.#usage;
    if (!usage?.established) {
      // Its first NOTIFY will be answered 481, which also ends it at the notifier.
      this.#end();
      return;
    }
    await new Promise<void>((resolve) => {
      this.#closed = resolve;
      void this.#send(usage);
    });
  }

  /** Ends it without a message to the notifier. */
  #end(): void {
    this.#forget();
    this.#ended = true;
    this.#closed();
    this.table.ended(this);
  }

  /** The agent has stopped: clears all timers. */
  abandon(): void {
    this.#closing = true;
    this.#end();
  }

  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    const usage = this.#usage;
    const notified = usage?.receive(request) ?? { refusal: 481 };
    if ('refusal' in notified) {
      const { refusal, headers = [] } = notified;
      transaction.respond(buildResponse(request, refusal, { headers }));
      return;
    }
    try {
      if (!this.#closing) this.handlers.onNotify(request.body, request.headers, notified.state);
      transaction.respond(buildResponse(request, 200));
    } finally {
      if (usage && usage === this.#usage) this.#noteState(notified.state);
    }
  }

  #noteState(notified: NotifiedState): void {
    this.#timerN.clear();
    this.#notified = true;
    const { state, expires } = notified;
    if (state === 'terminated') {
      this.#terminated(notified);
      return;
    }
    this.#backoff.reset();
    // RFC 6665 §4.1.3: the duration in the NOTIFY has priority.
    if (expires !== undefined) {
      this.#durationNotified = true;
      this.#life.expireIn(expires);
    }
    if (this.#closing) return;
    if (!this.#sending && this.#notBefore <= performance.now()) this.#scheduleRefresh();
    this.handlers.onState?.({ state, expires: Math.max(0, Math.round(this.#life.left / 1000)) });
  }

  #terminated(notified: NotifiedState): void {
    if (this.#closing) {
      this.#end();
      return;
    }
    const reason = `the notifier ended it${notified.reason === undefined ? '' : `: ${notified.reason}`}`;
    const when = resumption(notified);
    if (when === 'never') this.#refused(reason);
    else this.#lost(reason, { after: when });
  }

  /** Sends one SUBSCRIBE at a time: each has the current Contact, so one is sufficient. */
  async #send(usage: SubscriptionUsage): Promise<void> {
    if (this.#sending) {
      this.#again = true;
      return;
    }
    this.#sending = true;
    this.#again = false;
    this.#notified = false;
    this.#durationNotified = false;
    const ending = this.#closing;
    const asked = ending ? 0 : this.#expires;
    let settle: () => void;
    try {
      const response = await usage.send(asked);
      settle = () => this.#answered(usage, response, asked);
    } catch (error) {
      settle = () => this.#unanswered(usage, error);
    }
    this.#sending = false;
    if (usage !== this.#usage) {
      // It ended meanwhile; the subscription that replaced it can now be sent.
      if (this.#usage && !this.#ended) void this.#send(this.#usage);
    } else if (ending) {
      this.#closed();
      // The last NOTIFY is still awaited, and answered.
      if (this.#notified) this.#end();
      else this.#timerN.set(TIMER_N, () => this.#end());
    } else if (this.#closing) {
      if (usage.established) void this.#send(usage);
      else this.#end();
    } else {
      settle();
      if (this.#again && usage === this.#usage) void this.#send(usage);
    }
  }

  #answered(usage: SubscriptionUsage, response: SipResponse, asked: number): void {
    const { status, reason, headers } = response;
    if (status < 300) {
      this.#accepted(usage, response, asked);
      return;
    }
    const minExpires = parseDeltaSeconds(headers.get('Min-Expires')) ?? 0;
    if (status === 423 && minExpires > asked && minExpires <= MAX_EXPIRES) {
      if (this.#briefAnswers++ < MAX_BRIEF_ANSWERS) {
        this.#expires = minExpires;
        void this.#send(usage);
        return;
      }
    }
    const refusal = `${status} ${reason}`;
    const gone = usage.established && endsSubscription(response);
    // RFC 6665 §4.1.2.2: after a 481 it is requested again.
    const after = retryAfterOf(response) ?? (gone ? 0 : undefined);
    if (!usage.established && isFinal(response)) this.#refused(refusal, status);
    else this.#failed(usage, refusal, { gone, status, after });
  }

  #accepted(usage: SubscriptionUsage, response: SipResponse, asked: number): void {
    this.#briefAnswers = 0;
    usage.refreshTarget(response);
    if (!this.#durationNotified)
      this.#life.expireIn(parseDeltaSeconds(response.headers.get('Expires')) ?? asked);
    this.#scheduleRefresh();
    // From the answer, not from the SUBSCRIBE, which may have waited for a connection. Timer F runs until then.
    if (!this.#notified && response.status !== 204) {
      this.#timerN.set(TIMER_N, () => this.#lost('no NOTIFY arrived after the SUBSCRIBE'));
    }
  }

  #unanswered(usage: SubscriptionUsage, error: unknown): void {
    const reason = reasonOf(error);
    if (error instanceof LimitError) this.#refused(reason);
    else this.#failed(usage, reason, { gone: false });
  }

  /** RFC 6665 §4.1.2.2: after any other failure of a refresh, the subscription is unchanged. */
  #failed(
    usage: SubscriptionUsage,
    reason: string,
    { after, status, gone }: Failure & { gone: boolean },
  ): void {
    if (gone || !usage.established || this.#life.left <= 0) {
      this.#lost(reason, { after, status });
      return;
    }
    const wait = this.#backoff.next(after) * 1000;
    this.#notBefore = performance.now() + wait;
    this.#alarm.set(Math.min(wait, this.#life.left), () => {
      if (this.#life.left <= 0) this.#lost(reason);
      else void this.#send(usage);
    });
  }

  #lost(reason: string, { after, status }: Failure = {}): void {
    this.#forget();
    const brief = performance.now() - this.#begunAt < MIN_LIFE;
    const retryInSeconds = after === 0 && !brief ? 0 : this.#backoff.next(after === 0 ? undefined : after);
    this.#alarm.set(retryInSeconds * 1000, () => this.begin());
    this.handlers.onState?.({
      state: 'lost',
      reason,
      status,
      retryInSeconds,
    });
  }

  #refused(reason: string, status?: number): void {
    this.#end();
    this.handlers.onState?.({ state: 'ended', reason, status });
  }

  #forget(): void {
    if (this.#usage) this.table.leave(this.#usage);
    this.#usage = undefined;
    this.#life.end();
    this.#notBefore = 0;
    this.#alarm.clear();
    this.#timerN.clear();
  }

  #scheduleRefresh(): void {
    this.#alarm.set(this.#life.untilRefresh, () => this.refresh());
  }
}

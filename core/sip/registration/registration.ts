/** The registration of a user agent, and its state. */

import { TimeoutError, TransportError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import { Backoff } from '../../time/backoff.js';
import { Waiters } from '../../time/waiters.js';
import type { SipResponse } from '../message/message.js';
import { type NameAddr, parseNameAddr } from '../values/name-addr.js';
import { parseDeltaSeconds } from '../values/parameters.js';
import { SipUri } from '../values/uri.js';
import type { JsSipRegister, RegisterAnswer } from './jssip-user-agent.js';
import { associatedUrisOf, keepAliveOf, serviceRouteOf } from './register-answer.js';

export interface RegistrationState {
  /** Seconds granted by the registrar. */
  expires: number;
  publicGruu?: string;
  temporaryGruu?: string;
  /**
   * URIs of the implicit registration set, the default one first (P-Associated-URI, RFC 7315 §4.1): requests for any of
   * them reach this agent.
   */
  associatedUris?: readonly string[];
}

export interface RegistrationFailure {
  /** Absent without a response. */
  status?: number;
  reason: string;
  /** Absent if JsSIP's connection recovery decides when to retry. */
  retryInSeconds?: number;
}

export interface RegistrationOptions {
  /** `urn:uuid:…`, the same after a restart (RFC 5627 §4.1). */
  instanceId: string;
  /** Requested duration, seconds. */
  expires: number;
  /** Headers in addition to those of RFC 3261, e.g. `Require: pref`. */
  headers: readonly (readonly [name: string, value: string])[];
  /** Current feature parameters of the Contact: `+g.oma.pusheventapp="mms.ua"`. */
  features(): readonly string[];
  onRegistered?(state: RegistrationState): void;
  onFailed?(failure: RegistrationFailure): void;
}

export interface RegisterRequest {
  register: JsSipRegister;
  /** Value of the Contact header. */
  contact: string;
  headers: readonly (readonly [name: string, value: string])[];
  nextCSeq(): number;
}

interface Registrator {
  register(): void;
  unregister(): void;
  isRegistered(): boolean;
  /** The registration has ended at the registrar: it is not refreshed. */
  lapse(): void;
}

/** Longest registration, seconds: JsSIP's timer for it overflows at 2^31 ms. */
const MAX_EXPIRES = 2_000_000;
/** Answers 423 in a row after which a registrar is regarded as refusing. */
const MAX_BRIEF_ANSWERS = 3;
/** How long a request waits for the answer to a REGISTER, milliseconds: as long as Timer F. */
const ANSWER_DEADLINE = 32_000;
/** How long a shutdown waits for the answer to a de-registration, milliseconds. */
const CLOSE_DEADLINE = 4000;

/**
 * The registration of one user agent (RFC 3261 §10.2, RFC 5627). JsSIP's registrator decides when to REGISTER and for how
 * long. This class composes the request, answers challenges, reads the response, queues changes while a REGISTER is
 * pending, and retries after failures.
 */
export class Registration {
  #state: RegistrationState | undefined;
  #cseq = 0;
  /** REGISTERs whose end JsSIP awaits: one, or two while it handles a 423. */
  #inFlight = 0;
  #briefAnswers = 0;
  #publicGruu: string | undefined;
  #serviceRoute: readonly string[] = [];
  /** The first hop does not support outbound (439). */
  #withoutOutbound = false;
  /** The last answer required outbound. */
  #outbound = false;
  #changed = false;
  #closing = false;
  readonly #backoff = new Backoff();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #idle: (() => void)[] = [];
  /** Why the registrar did not grant the last REGISTER. */
  #failure: TransportError | undefined;
  #refused = false;
  /** Requests that wait for the answer to a REGISTER. */
  readonly #waiting = new Waiters<void>();
  #registrator: Registrator | undefined;
  /** On the clock of `performance.now()`. */
  #expiresAt = 0;

  constructor(
    private readonly options: RegistrationOptions,
    private readonly dependencies: {
      /** URI at which the core reaches this agent on the flow in use. */
      contactUri(): string;
      contactUser(): string;
      /** Whether requests arrive on the flow of the REGISTER, and not where the agent listens. */
      usesFlow(): boolean;
      /** Sends keep-alives at least as often. */
      keepAliveWithin(seconds: number): void;
      connected(): boolean;
      send(request: RegisterRequest): Promise<SipResponse>;
      /** The server in use does not answer. */
      serverFailed(error: Error): void;
    },
  ) {}

  /** The last grant of the registrar; undefined while not registered. */
  get state(): RegistrationState | undefined {
    return this.#state;
  }

  /**
   * The last public GRUU. It outlives the binding because it does not change (RFC 5627 §4.2): sessions find it after a
   * reconnect.
   */
  get publicGruu(): string | undefined {
    return this.#publicGruu;
  }

  /**
   * Values of the Route headers of our requests, from the last answer to REGISTER (RFC 3608 §6.1); empty while not
   * registered.
   */
  get serviceRoute(): readonly string[] {
    return this.#state ? this.#serviceRoute : [];
  }

  /** Whether the registrar sends requests on the flow of the registration (RFC 5626 §6). */
  get outbound(): boolean {
    return this.#state !== undefined && this.#outbound;
  }

  /**
   * Waits until the registrar has answered a REGISTER. If it refuses the user, requests are sent nevertheless: the answer of
   * the core is more accurate.
   * @throws TransportError if the registrar fails, or does not answer in time; the reason of the signal.
   */
  async settled(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#state || this.#refused) return;
    if (this.#closing) throw new TransportError('the agent has de-registered');
    if (this.#failure) throw this.#failure;
    const late = () => new TransportError('not registered: no answer to REGISTER');
    await this.#waiting.wait(signal, { milliseconds: ANSWER_DEADLINE, late });
  }

  attach(registrator: Registrator): void {
    this.#registrator = registrator;
  }

  /** The features changed: registers now, or after the answer to the pending REGISTER. */
  update(): void {
    if (this.#closing) return;
    if (this.#inFlight > 0) this.#changed = true;
    else if (this.dependencies.connected()) this.#register();
  }

  /** Whether a Contact with this URI and instance id is that of this agent. */
  isOwnContact(uri: string, instanceId: string | undefined): boolean {
    if (instanceId !== undefined) return instanceId.toLowerCase() === this.options.instanceId.toLowerCase();
    const own = SipUri.parse(this.dependencies.contactUri());
    return own !== undefined && SipUri.parse(uri)?.equals(own) === true;
  }

  /**
   * The core has ended the registration (3GPP TS 24.229 §5.1.1.7).
   * @param retryInSeconds until the next REGISTER; 0 for at once.
   */
  endedByCore(reason: string, retryInSeconds: number): void {
    if (this.#closing || !this.#state) return;
    if (this.#inFlight > 0) {
      // Its answer may be older than the end.
      this.#changed = true;
      return;
    }
    this.#state = undefined;
    this.#registrator?.lapse();
    this.options.onFailed?.({ reason, retryInSeconds });
    this.#registerIn(retryInSeconds);
    if (retryInSeconds > 0) this.#failure = new TransportError(`not registered: ${reason}`);
  }

  /** The core has shortened the registration to `seconds` from now (3GPP TS 24.229 §5.1.1.5A): registers in time. */
  shortenedByCore(seconds: number): void {
    if (this.#closing || !this.#state || this.#inFlight > 0) return;
    const left = (this.#expiresAt - performance.now()) / 1000;
    if (seconds < left) this.#registerIn(seconds / 2);
  }

  /** The flow and its binding are lost. JsSIP registers again on the next one. */
  flowLost(): void {
    this.#state = undefined;
    this.#failure = undefined;
    this.#refused = false;
    this.#withoutOutbound = false;
    clearTimeout(this.#retry);
  }

  /** De-registers (6.1-11) after pending requests. Resolves even if the registrar does not answer. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#waiting.reject(new TransportError('the agent has de-registered'));
    this.#changed = false;
    clearTimeout(this.#retry);
    const deadline = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_DEADLINE).unref?.());
    await Promise.race([this.#answered(), deadline]);
    if (!this.#registrator?.isRegistered()) return;
    this.#registrator.unregister();
    await Promise.race([this.#answered(), deadline]);
    this.#state = undefined;
  }

  /** Sends a REGISTER that JsSIP's registrator composed. */
  async sendRegister(register: JsSipRegister): Promise<RegisterAnswer> {
    this.#inFlight++;
    this.#failure = undefined;
    this.#refused = false;
    clearTimeout(this.#retry);
    try {
      let response = await this.#send(register);
      // RFC 5626 §6: First Hop Lacks Outbound Support.
      if (response.status === 439 && !this.#withoutOutbound) {
        this.#withoutOutbound = true;
        response = await this.#send(register);
      }
      return this.#read(response, register);
    } catch (error) {
      this.#noResponse(error);
      throw error;
    }
  }

  #send(register: JsSipRegister): Promise<SipResponse> {
    const usesOutbound = !this.#withoutOutbound && this.dependencies.usesFlow();
    return this.dependencies.send({
      register,
      contact: this.#contact(register.expires, usesOutbound),
      headers: [['Supported', usesOutbound ? 'path, gruu, outbound' : 'path, gruu'], ...this.options.headers],
      nextCSeq: () => ++this.#cseq,
    });
  }

  /** JsSIP has processed the response; until now it would have ignored `register()`. */
  onSettled(): void {
    if (--this.#inFlight > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
    const changed = this.#changed;
    this.#changed = false;
    // Without a connection there is no Contact. JsSIP registers the current features after the next connect.
    if (changed && this.dependencies.connected()) this.#register();
  }

  #register(): void {
    this.#registrator?.register();
  }

  #answered(): Promise<void> {
    return this.#inFlight > 0 ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve();
  }

  /** @param usesOutbound registers the flow: there is one at a time, so a later one replaces it (RFC 5626 §4.2). */
  #contact(expires: number, usesOutbound: boolean): string {
    const parameters = [
      // RFC 5627 §4.2: the instance id, quoted, in angle brackets.
      `+sip.instance="<${this.options.instanceId}>"`,
      ...(usesOutbound ? ['reg-id=1'] : []),
      ...this.options.features(),
      `expires=${expires}`,
    ];
    return `<${this.dependencies.contactUri()}>;${parameters.join(';')}`;
  }

  #read(response: SipResponse, register: JsSipRegister): RegisterAnswer {
    const { status, reason } = response;
    if (status < 300) {
      if (register.expires > 0) return this.#granted(response, register);
      this.#state = undefined;
      return { status, reason };
    }
    const minExpires = status === 423 ? this.#longer(response, register) : undefined;
    if (minExpires !== undefined) return { status, reason, minExpires };
    this.#failed({ status, reason }, parseDeltaSeconds(response.headers.get('Retry-After')));
    return { status, reason };
  }

  /** RFC 3261 §10.2.8: the duration that JsSIP requests at once. Undefined if that would not help. */
  #longer(response: SipResponse, register: JsSipRegister): number | undefined {
    const minExpires = parseDeltaSeconds(response.headers.get('Min-Expires')) ?? 0;
    const helps = minExpires > register.expires && minExpires <= MAX_EXPIRES;
    return helps && this.#briefAnswers++ < MAX_BRIEF_ANSWERS ? minExpires : undefined;
  }

  #granted(response: SipResponse, register: JsSipRegister): RegisterAnswer {
    const { status, reason, headers } = response;
    const contact = this.#ourContact(response);
    const granted =
      parseDeltaSeconds(contact?.parameters.get('expires') ?? headers.get('Expires')) ?? register.expires;
    // A registrar that lists no Contact at all has registered ours.
    const isListed = contact !== undefined || headers.getAll('Contact').length === 0;
    if (!isListed || granted === 0) {
      this.#failed({ status, reason: 'the registrar did not list our Contact' });
      return { status, reason };
    }
    this.#backoff.reset();
    this.#briefAnswers = 0;
    const expires = Math.min(granted, MAX_EXPIRES);
    this.#expiresAt = performance.now() + expires * 1000;
    const publicGruu = contact?.parameters.get('pub-gruu');
    this.#publicGruu = publicGruu;
    const temporaryGruu = contact?.parameters.get('temp-gruu');
    const associatedUris = associatedUrisOf(headers);
    this.#serviceRoute = serviceRouteOf(headers);
    this.#state = {
      expires,
      publicGruu: publicGruu || undefined,
      temporaryGruu: temporaryGruu || undefined,
      associatedUris: associatedUris.length > 0 ? associatedUris : undefined,
    };
    this.#outbound = headers.getAll('Require').some((tag) => /^outbound$/i.test(tag));
    const keepAlive = keepAliveOf(headers);
    if (keepAlive !== undefined) this.dependencies.keepAliveWithin(keepAlive);
    if (!this.#closing) this.options.onRegistered?.(this.#state);
    this.#failure = undefined;
    this.#refused = false;
    this.#waiting.resolve();
    return { status, reason, expires };
  }

  /** RFC 3261 §10.2.4 compares URIs; an older connection of ours can still have a binding. */
  #ourContact(response: SipResponse): NameAddr | undefined {
    const contacts = response.headers.getAll('Contact').flatMap((value) => parseNameAddr(value) ?? []);
    const instance = `<${this.options.instanceId}>`.toLowerCase();
    const sent = SipUri.parse(this.dependencies.contactUri());
    const isSent = (uri: string) => sent && SipUri.parse(uri)?.equals(sent);
    return (
      contacts.find(({ uri }) => isSent(uri)) ??
      contacts.find(({ parameters }) => parameters.get('+sip.instance')?.toLowerCase() === instance) ??
      contacts.find(({ uri }) => SipUri.parse(uri)?.user === this.dependencies.contactUser()) ??
      // A registrar behind a gateway that rewrites addresses and omits the instance.
      (contacts.length === 1 ? contacts[0] : undefined)
    );
  }

  #noResponse(error: unknown): void {
    this.#state = undefined;
    if (this.#closing) return;
    const reason = reasonOf(error);
    if (error instanceof TimeoutError) {
      // Over UDP only silence shows that a server is gone: JsSIP selects the next one.
      this.options.onFailed?.({ reason });
      this.dependencies.serverFailed(error);
    } else if (error instanceof TransportError && !this.dependencies.connected()) {
      this.options.onFailed?.({ reason });
    } else {
      this.#failed({ reason });
    }
  }

  #failed(failure: RegistrationFailure, retryAfter?: number): void {
    this.#state = undefined;
    this.#briefAnswers = 0;
    if (this.#closing) return;
    const retryInSeconds = this.#backoff.next(retryAfter);
    const { status = '', reason } = failure;
    this.#refused = isRefusal(failure);
    if (this.#refused) {
      this.#waiting.resolve();
    } else {
      this.#failure = new TransportError(`not registered: ${`${status} ${reason}`.trim()}`);
      this.#waiting.reject(this.#failure);
    }
    this.#registerIn(retryInSeconds);
    this.options.onFailed?.({ ...failure, retryInSeconds });
  }

  #registerIn(seconds: number): void {
    clearTimeout(this.#retry);
    if (seconds === 0) this.update();
    else this.#retry = setTimeout(() => this.update(), seconds * 1000);
  }
}

/** Whether the registrar does not accept the user. Server errors and 408 are temporary. */
function isRefusal({ status = 0 }: RegistrationFailure): boolean {
  return (status >= 400 && status < 500 && status !== 408) || status >= 600;
}

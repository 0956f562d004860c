/**
 * The registration of one user agent (RFC 3261 10.2, RFC 5627): JsSIP's registrator decides when to REGISTER
 * and for how long; this composes the request, answers challenges, reads the response, queues changes that
 * come while a REGISTER is on its way, and retries after failures.
 */

import { TimeoutError, TransportError } from '../errors.js';
import type { JsSipRegister } from './jssip-user-agent.js';
import type { SipResponse } from './message.js';
import { type NameAddr, parseNameAddr } from './name-addr.js';
import { SipUri } from './uri.js';

export interface RegistrationState {
  /** Seconds granted by the registrar. */
  expires: number;
  publicGruu?: string;
  temporaryGruu?: string;
}

export interface RegistrationFailure {
  /** Absent when no response came. */
  status?: number;
  reason: string;
  /** Absent when JsSIP's connection recovery decides when to try again. */
  retryInSeconds?: number;
}

export interface RegistrationOptions {
  /** `urn:uuid:…`, the same over restarts (RFC 5627 4.1). */
  instanceId: string;
  /** Seconds to ask for. */
  expires: number;
  /** Headers beside what RFC 3261 asks for, e.g. `Require: pref`. */
  headers: readonly (readonly [name: string, value: string])[];
  /** Contact parameters for features, as they stand now: `+g.oma.pusheventapp="mms.ua"`. */
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
}

/** Base and bound of the wait after a refused REGISTER, seconds; between half and all of it, at random (RFC 5626 4.5). */
const RETRY_SECONDS = { base: 5, most: 600 };
/** A de-registration that is not answered may not hold up a shutdown, milliseconds. */
const CLOSE_DEADLINE = 4000;

export class Registration {
  #state: RegistrationState | undefined;
  #cseq = 0;
  #inFlight = false;
  #changed = false;
  #closing = false;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #idle: (() => void)[] = [];
  #registrator: Registrator | undefined;

  constructor(
    private readonly options: RegistrationOptions,
    private readonly door: {
      /** URI at which the flow in use can be reached. */
      contactUri(): string;
      contactUser(): string;
      connected(): boolean;
      send(request: RegisterRequest): Promise<SipResponse>;
      /** The server in use does not answer. */
      serverFailed(error: Error): void;
    },
  ) {}

  /** What the registrar granted last; undefined while not registered. */
  get state(): RegistrationState | undefined {
    return this.#state;
  }

  attach(registrator: Registrator): void {
    this.#registrator = registrator;
  }

  /** The features changed: REGISTER now, or as soon as the one on its way is answered. */
  update(): void {
    if (this.#closing) return;
    if (this.#inFlight) this.#changed = true;
    else if (this.door.connected()) this.#register();
  }

  /** The flow is lost, and the binding with it; JsSIP registers anew when it has another. */
  flowLost(): void {
    this.#state = undefined;
    clearTimeout(this.#retry);
  }

  /** De-registers (6.1-11), after what is on its way. Resolves also when nobody answers. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#changed = false;
    clearTimeout(this.#retry);
    const deadline = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_DEADLINE).unref?.());
    await Promise.race([this.#settled(), deadline]);
    if (!this.#registrator?.isRegistered()) return;
    this.#registrator.unregister();
    await Promise.race([this.#settled(), deadline]);
    this.#state = undefined;
  }

  /** Sends what JsSIP's registrator composed. */
  async carry(register: JsSipRegister): Promise<SipResponse> {
    this.#inFlight = true;
    clearTimeout(this.#retry);
    try {
      const response = await this.door.send({
        register,
        contact: this.#contact(register.expires),
        headers: this.options.headers,
        nextCSeq: () => ++this.#cseq,
      });
      this.#read(response, register);
      return response;
    } catch (error) {
      this.#noResponse(error);
      throw error;
    } finally {
      this.#inFlight = false;
    }
  }

  /** JsSIP has taken note of the response: it would have ignored a `register()` until now. */
  onSettled(): void {
    if (this.#inFlight) return;
    for (const resolve of this.#idle.splice(0)) resolve();
    if (this.#changed) this.#register();
  }

  #register(): void {
    this.#changed = false;
    this.#registrator?.register();
  }

  #settled(): Promise<void> {
    return this.#inFlight ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve();
  }

  #contact(expires: number): string {
    const parameters = [
      // RFC 5627 4.2: the instance id, quoted, in angle brackets.
      `+sip.instance="<${this.options.instanceId}>"`,
      ...this.options.features(),
      `expires=${expires}`,
    ];
    return `<${this.door.contactUri()}>;${parameters.join(';')}`;
  }

  #read(response: SipResponse, register: JsSipRegister): void {
    const { status, reason } = response;
    if (status < 300) {
      if (register.expires === 0) this.#state = undefined;
      else this.#granted(response, register);
      return;
    }
    // 423 with Min-Expires: JsSIP asks again at once for as long as it says.
    if (status === 423 && response.headers.has('Min-Expires')) return;
    this.#failed({ status, reason }, Number.parseInt(response.headers.get('Retry-After') ?? '', 10));
  }

  #granted(response: SipResponse, register: JsSipRegister): void {
    const contact = this.#ourContact(response);
    if (!contact) {
      this.#failed({ status: response.status, reason: 'the registrar did not list our Contact' });
      return;
    }
    this.#failures = 0;
    const expires = contact.parameters.get('expires') ?? response.headers.get('Expires') ?? register.expires;
    const publicGruu = contact.parameters.get('pub-gruu');
    const temporaryGruu = contact.parameters.get('temp-gruu');
    this.#state = {
      expires: Number(expires),
      ...(publicGruu ? { publicGruu } : {}),
      ...(temporaryGruu ? { temporaryGruu } : {}),
    };
    if (!this.#closing) this.options.onRegistered?.(this.#state);
  }

  #ourContact(response: SipResponse): NameAddr | undefined {
    const contacts = response.headers.getAll('Contact').flatMap((value) => parseNameAddr(value) ?? []);
    const instance = `<${this.options.instanceId}>`.toLowerCase();
    return (
      contacts.find(({ parameters }) => parameters.get('+sip.instance')?.toLowerCase() === instance) ??
      contacts.find(({ uri }) => SipUri.parse(uri)?.user === this.door.contactUser())
    );
  }

  #noResponse(error: unknown): void {
    this.#state = undefined;
    if (this.#closing) return;
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof TimeoutError) {
      // Over UDP only silence tells that a server is gone: let JsSIP turn to the next.
      this.options.onFailed?.({ reason });
      this.door.serverFailed(error);
    } else if (error instanceof TransportError && !this.door.connected()) {
      this.options.onFailed?.({ reason });
    } else {
      this.#failed({ reason });
    }
  }

  #failed(failure: RegistrationFailure, retryAfter = Number.NaN): void {
    this.#state = undefined;
    if (this.#closing) return;
    const wait = Math.min(RETRY_SECONDS.base * 2 ** this.#failures++, RETRY_SECONDS.most);
    const retryInSeconds = Number.isFinite(retryAfter)
      ? Math.max(1, retryAfter)
      : Math.ceil(wait * (0.5 + Math.random() / 2));
    this.#retry = setTimeout(() => this.update(), retryInSeconds * 1000);
    this.options.onFailed?.({ ...failure, retryInSeconds });
  }
}

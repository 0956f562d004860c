/** Whose registrations are watched: users that the core registers with us (third-party REGISTER, TS B.1.1), and others. */

import { MalformedError } from '../errors.js';
import type { SipRequest } from '../sip/message/message.js';
import type { ServerTransaction } from '../sip/transactions/server-machine.js';
import { parseNameAddr } from '../sip/values/name-addr.js';
import { parseDeltaSeconds } from '../sip/values/parameters.js';
import { SipUri } from '../sip/values/uri.js';
import { buildResponse } from '../sip/wire/writer.js';
import { decodeJson, encodeJson, type Records } from '../store/records.js';
import { type Clock, systemClock } from '../time/clock.js';
import { RegistrationWatch, type RegistrationWatchOptions } from './registration-watch.js';
import { publicIdentity } from './terminals/terminal.js';

export interface PresenceOptions extends RegistrationWatchOptions {
  /** Ours, for the Contact of an answer. */
  contact(): string;
  /** The sender's own URI: registrars of its domain are believed. */
  identity: string;
  /** Keeps over restarts whom the core has registered. */
  records?: Records;
  clock?: Pick<Clock, 'now' | 'after'>;
}

interface Watched {
  readonly registrations: RegistrationWatch;
  /** Whether the core has the user registered or not. */
  readonly always: boolean;
  /** Forgets the user when its time is over. */
  stop(): void;
}

const KEY = 'push/registered/';
/** Where a third-party REGISTER names none, as a registrar would (RFC 3261 10.3). */
const REGISTERED_FOR = 3600;
/** Longest that is counted on, seconds: timers end at 24 days. */
const LONGEST = 2_000_000;
/** A refresh may be a little late, milliseconds. */
const GRACE = 60_000;

export class Presence {
  readonly #options: PresenceOptions;
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  readonly #domain: string;
  readonly #watched = new Map<string, Watched>();

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#domain = SipUri.parse(options.identity)?.host.toLowerCase() ?? '';
  }

  /** Goes on with those whom the core had registered when the process ended. @throws StoreError */
  async load(): Promise<void> {
    const now = this.#clock.now();
    for await (const [user, bytes] of this.#options.records?.entries(KEY) ?? []) {
      const until = timeOf(bytes);
      if (until > now) this.watch(user, until);
      else this.#forget(user);
    }
  }

  /**
   * Subscribes to the registrations of a user, anew where that was refused before.
   * @param until milliseconds since 1970; for good when absent, or when it was so before.
   */
  watch(user: string, until?: number): void {
    const identity = publicIdentity(user);
    const watched = this.#watched.get(identity);
    watched?.stop();
    const always = until === undefined || watched?.always === true;
    const stop = always
      ? () => {}
      : this.#clock.after(Math.max(0, until + GRACE - this.#clock.now()), () => this.#leave(identity));
    try {
      const before = watched?.registrations;
      const registrations = before && !before.ended ? before : new RegistrationWatch(identity, this.#options);
      this.#watched.set(identity, { registrations, always, stop });
    } catch (error) {
      stop();
      this.#options.onError?.(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Answers a REGISTER of the core about one of its users. */
  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    const user = request.headers.to?.uri;
    if (user === undefined) {
      transaction.respond(buildResponse(request, 400));
    } else if (!this.#isOurs(request)) {
      transaction.respond(buildResponse(request, 403));
    } else {
      const expires = Math.min(expiresOf(request), LONGEST);
      this.#registered(publicIdentity(user), expires);
      const headers: [string, string][] = [
        ['Contact', `<${this.#options.contact()}>`],
        ['Expires', String(expires)],
      ];
      transaction.respond(buildResponse(request, 200, { headers }));
    }
  }

  /** Subscriptions are ended by the agent. */
  stop(): void {
    for (const { stop } of this.#watched.values()) stop();
    this.#watched.clear();
  }

  #registered(user: string, expires: number): void {
    if (expires === 0) {
      this.#leave(user);
      return;
    }
    const until = this.#clock.now() + expires * 1000;
    this.watch(user, until);
    if (this.#watched.has(user)) this.#write({ type: 'put', key: KEY + user, value: encodeJson(until) });
  }

  #leave(user: string): void {
    this.#options.directory.leftBut(user);
    const watched = this.#watched.get(user);
    watched?.stop();
    watched?.registrations.left();
    if (watched && !watched.always) {
      this.#watched.delete(user);
      void watched.registrations.close();
    }
    this.#forget(user);
  }

  #isOurs(request: SipRequest): boolean {
    const from = request.headers.from?.uri ?? '';
    const host = SipUri.parse(from)?.host.toLowerCase() ?? '';
    return host === this.#domain || host.endsWith(`.${this.#domain}`);
  }

  #forget(user: string): void {
    this.#write({ type: 'del', key: KEY + user });
  }

  #write(operation: Parameters<Records['write']>[0][number]): void {
    const { records, onError } = this.#options;
    records?.write([operation], 'written').catch((error: Error) => onError?.(error));
  }
}

/** Milliseconds since 1970; 0 of what cannot be read: the core says it again. */
function timeOf(bytes: Uint8Array): number {
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
  return parseDeltaSeconds(contact) ?? parseDeltaSeconds(headers.get('Expires')) ?? REGISTERED_FOR;
}

/**
 * Whose terminals are here: users that the core registers with us (third-party REGISTER, TS B.1.1), and what their
 * registrars say of them (reg event package, RFC 3680; TS B.1.2, B.1.3).
 */

import { type Clock, systemClock } from '../app/clock.js';
import { canonicalEventAppId, PUSH_FEATURE_TAG, parseEventAppIds } from '../app/event-app-id.js';
import { decodeJson, encodeJson } from '../app/layout.js';
import type { Records } from '../app/records.js';
import { readReginfo } from '../content/reginfo/read-reginfo.js';
import {
  contactInstanceId,
  contactParameter,
  REGINFO_TYPE,
  type ReginfoContact,
} from '../content/reginfo/reginfo.js';
import { RegistrationTable } from '../content/reginfo/registration-table.js';
import type { SipUserAgent } from '../sip/agent.js';
import { parseDeltaSeconds } from '../sip/delta-seconds.js';
import type { SipRequest } from '../sip/message.js';
import { parseNameAddr } from '../sip/name-addr.js';
import type { Subscription } from '../sip/subscription.js';
import type { ServerTransaction } from '../sip/transactions/server.js';
import { SipUri } from '../sip/uri.js';
import { buildResponse } from '../sip/writer.js';
import type { TerminalDirectory } from './terminals/directory.js';
import type { RollCall } from './terminals/roll-call.js';
import { isNameless, isSelfNamed, publicIdentity, type TerminalFacts } from './terminals/terminal.js';

type Subscribed = Pick<Subscription, 'refresh' | 'close'>;

export interface PresenceOptions {
  subscribe(...subscription: Parameters<SipUserAgent['subscribe']>): Subscribed;
  /** Ours, for the Contact of an answer. */
  contact(): string;
  directory: TerminalDirectory;
  /** Finds out who is here where a registrar does not name its contacts. */
  rollCall: Pick<RollCall, 'begin'>;
  /** The sender's own URI: registrars of its domain are believed. */
  identity: string;
  /** For P-Asserted-Identity of a SUBSCRIBE, where the sender may assert one itself. */
  assertedIdentity?: string;
  /** Keeps over restarts whom the core has registered. */
  records?: Records;
  clock?: Pick<Clock, 'now' | 'after'>;
  onError?(error: Error): void;
}

interface Watched {
  readonly subscription: Subscribed;
  /** Forgets the user when its time is over. */
  stop(): void;
}

const KEY = 'push/registered/';
/** Seconds that a subscription is asked for; RFC 3680 4.4 has about an hour for it. */
const EXPIRES = 3600;
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
      const until = decodeJson(bytes);
      if (typeof until === 'number' && until > now) this.watch(user, until);
      else this.#forget(user);
    }
  }

  /**
   * Subscribes to the registrations of a user.
   * @param until milliseconds since 1970; for good when absent.
   */
  watch(user: string, until?: number): void {
    const identity = publicIdentity(user);
    const watched = this.#watched.get(identity);
    watched?.stop();
    const stop =
      until === undefined
        ? () => {}
        : this.#clock.after(Math.max(0, until + GRACE - this.#clock.now()), () => this.#leave(identity));
    try {
      const subscription = watched?.subscription ?? this.#subscribe(identity);
      this.#watched.set(identity, { subscription, stop });
    } catch (error) {
      stop();
      this.#options.onError?.(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Answers a REGISTER of the core about one of its users. */
  receive(transaction: ServerTransaction): void {
    const { request } = transaction;
    const user = parseNameAddr(request.headers.get('To') ?? '')?.uri;
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
    this.#write({ type: 'put', key: KEY + user, value: encodeJson(until) });
  }

  #leave(user: string): void {
    const watched = this.#watched.get(user);
    watched?.stop();
    this.#watched.delete(user);
    void watched?.subscription.close();
    this.#options.directory.leftBut(user);
    this.#forget(user);
  }

  #subscribe(user: string): Subscribed {
    const { assertedIdentity, onError } = this.#options;
    const table = new RegistrationTable();
    const subscription = this.#options.subscribe(
      {
        ...{ uri: user, event: 'reg', accept: [REGINFO_TYPE], expires: EXPIRES },
        ...(assertedIdentity === undefined
          ? {}
          : { headers: [['P-Asserted-Identity', `<${assertedIdentity}>`]] }),
      },
      {
        onNotify: (body, _, { state }) => {
          if (body.length > 0) this.#notified(user, table, body, subscription);
          else if (state === 'active' && table.isNew) this.#nobody(user);
        },
        onState: (status) => {
          if (status.state === 'active') return;
          table.restart();
          if (status.state === 'ended') onError?.(new Error(`no registrations of ${user}: ${status.reason}`));
        },
      },
    );
    return subscription;
  }

  #notified(user: string, table: RegistrationTable, body: Uint8Array, subscription: Subscribed): void {
    const { directory } = this.#options;
    const document = readReginfo(body);
    const { isNew } = table;
    const { order, here, gone } = table.apply(document);
    // RFC 3680 5.2: something is missing.
    if (order === 'gap') subscription.refresh();
    const left = gone.map(({ aor, contact }) => ({ aor, facts: factsOf(contact) }));
    for (const { aor, facts } of left) directory.left(aor, facts);
    for (const { aor, contact } of here) directory.saw(aor, factsOf(contact));
    if (document.state === 'full' && order === 'next') this.#onlyThese(user, table);
    // One that named itself may have been it.
    if (isNew || left.some(({ facts }) => isNameless(facts))) this.#options.rollCall.begin(user);
  }

  /** Those that the registrar does not name are away; one that named itself may be who it has no name for. */
  #onlyThese(user: string, table: RegistrationTable): void {
    const { directory } = this.#options;
    const facts = table.contacts.map(({ contact }) => factsOf(contact));
    const stayed = facts.map((each) => directory.known(user, each)).filter((each) => each !== undefined);
    const perhaps = facts.some(isNameless) ? directory.of(user).filter(isSelfNamed) : [];
    directory.leftBut(user, [...stayed, ...perhaps]);
  }

  /** A registrar that has nothing to say of a user, as Kamailio after a start: those who can be asked are. */
  #nobody(user: string): void {
    const { directory, rollCall } = this.#options;
    directory.leftBut(user, directory.of(user).filter(isSelfNamed));
    rollCall.begin(user);
  }

  #isOurs(request: SipRequest): boolean {
    const from = parseNameAddr(request.headers.get('From') ?? '')?.uri ?? '';
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

function factsOf(contact: ReginfoContact): TerminalFacts {
  const instanceId = contactInstanceId(contact);
  const apps = contactParameter(contact, PUSH_FEATURE_TAG);
  const methods = contactParameter(contact, 'methods');
  const { publicGruu, temporaryGruu, uri } = contact;
  return {
    contact: uri,
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(publicGruu === undefined ? {} : { gruu: publicGruu }),
    ...(temporaryGruu === undefined ? {} : { temporaryGruu: temporaryGruu.uri }),
    ...(apps === undefined ? {} : { apps: parseEventAppIds(apps).map(canonicalEventAppId) }),
    ...(methods === undefined
      ? {}
      : { methods: methods.split(',').map((method) => method.trim().toUpperCase()) }),
  };
}

function expiresOf({ headers }: SipRequest): number {
  const contact = parseNameAddr(headers.get('Contact') ?? '')?.parameters.get('expires');
  return parseDeltaSeconds(contact) ?? parseDeltaSeconds(headers.get('Expires')) ?? REGISTERED_FOR;
}

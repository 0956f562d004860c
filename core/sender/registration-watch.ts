/** What the registrar says of one user's terminals (reg event package, RFC 3680; TS B.1.2, B.1.3), to the directory. */

import { canonicalEventAppId, PUSH_FEATURE_TAG, parseEventAppIds } from '../app/contract/event-app-id.js';
import {
  contactInstanceId,
  contactParameter,
  REGINFO_TYPE,
  type ReginfoContact,
} from '../content/reginfo/reginfo.js';
import { readReginfo } from '../content/reginfo/reginfo-reader.js';
import { type RegisteredContact, RegistrationTable } from '../content/reginfo/registration-table.js';
import type { Subscription } from '../sip/subscription/subscription.js';
import type { SipUserAgent } from '../sip/user-agent.js';
import type { TerminalDirectory } from './terminals/directory.js';
import type { RollCall } from './terminals/roll-call.js';
import { isNameless, isSelfNamed, publicIdentity, type TerminalFacts } from './terminals/terminal.js';

export interface RegistrationWatchOptions {
  subscribe(
    ...subscription: Parameters<SipUserAgent['subscribe']>
  ): Pick<Subscription, 'refresh' | 'close' | 'ended'>;
  directory: TerminalDirectory;
  /** Finds out who is here where a registrar does not name its contacts. */
  rollCall: Pick<RollCall, 'begin'>;
  /** For P-Asserted-Identity of a SUBSCRIBE, where the sender may assert one itself. */
  assertedIdentity?: string;
  onError?(error: Error): void;
}

/** Seconds that a subscription is asked for; RFC 3680 4.4 has about an hour for it. */
const EXPIRES = 3600;

export class RegistrationWatch {
  readonly #table = new RegistrationTable();
  readonly #subscription: ReturnType<RegistrationWatchOptions['subscribe']>;
  /** The full state was asked for, and has not come. */
  #asked = false;

  /**
   * @param user a public identity.
   * @throws LimitError when there are too many subscriptions, TransportError when the agent was stopped.
   */
  constructor(
    private readonly user: string,
    private readonly options: RegistrationWatchOptions,
  ) {
    const { assertedIdentity, subscribe, onError } = options;
    this.#subscription = subscribe(
      {
        ...{ uri: user, event: 'reg', accept: [REGINFO_TYPE], expires: EXPIRES },
        headers:
          assertedIdentity === undefined ? undefined : [['P-Asserted-Identity', `<${assertedIdentity}>`]],
      },
      {
        onNotify: (body, _, { state }) => {
          if (body.length > 0) this.#notified(body);
          else if (state === 'active' && this.#table.isNew) this.#nobody();
        },
        onState: (status) => {
          if (status.state === 'active') return;
          this.#table.restart();
          this.#asked = false;
          if (status.state === 'ended') onError?.(new Error(`no registrations of ${user}: ${status.reason}`));
        },
      },
    );
  }

  /** It was refused for good. */
  get ended(): boolean {
    return this.#subscription.ended;
  }

  async close(): Promise<void> {
    await this.#subscription.close();
  }

  /** The user is registered no more: of an implicit registration set no identity stays (3GPP TS 24.229 5.4.1.4). */
  left(): void {
    for (const { aor, contact } of this.#table.contacts) this.options.directory.left(aor, factsOf(contact));
  }

  /** @throws MalformedError */
  #notified(body: Uint8Array): void {
    const { directory, rollCall } = this.options;
    const document = readReginfo(body);
    const { isNew } = this.#table;
    const { order, registered, removed } = this.#table.apply(document);
    // RFC 3680 5.2: something is missing. A notifier that answers by what is in no order either is not asked for ever.
    if (order === 'gap' && !this.#asked) this.#subscription.refresh();
    this.#asked = order === 'gap' || (this.#asked && document.state === 'partial');
    const left = removed.map(({ aor, contact }) => ({ aor, facts: factsOf(contact) }));
    for (const { aor, facts } of left) directory.left(aor, facts);
    for (const { aor, contact } of registered) directory.saw(aor, factsOf(contact));
    if (document.state === 'full' && order === 'next') {
      this.#onlyThese(document.registrations.map(({ aor }) => publicIdentity(aor)));
    }
    // One that named itself may have been it.
    if (isNew || left.some(({ facts }) => isNameless(facts))) rollCall.begin(this.user);
  }

  /** Those whom a full document does not name are away, of the user and of whoever is registered with him. */
  #onlyThese(identities: readonly string[]): void {
    const { contacts } = this.#table;
    this.#stayed(this.user, contacts);
    for (const identity of new Set(identities)) {
      if (identity === this.user) continue;
      this.#stayed(
        identity,
        contacts.filter(({ aor }) => publicIdentity(aor) === identity),
      );
    }
  }

  /** One that named itself may be who the registrar has no name for. */
  #stayed(identity: string, contacts: readonly RegisteredContact[]): void {
    const { directory } = this.options;
    const facts = contacts.map(({ contact }) => factsOf(contact));
    const stayed = facts.map((each) => directory.known(identity, each)).filter((each) => each !== undefined);
    const perhaps = facts.some(isNameless) ? directory.of(identity).filter(isSelfNamed) : [];
    directory.leftBut(identity, [...stayed, ...perhaps]);
  }

  /** A registrar that has nothing to say of a user, as Kamailio after a start: those who can be asked are. */
  #nobody(): void {
    const { directory, rollCall } = this.options;
    directory.leftBut(this.user, directory.of(this.user).filter(isSelfNamed));
    rollCall.begin(this.user);
  }
}

function factsOf(contact: ReginfoContact): TerminalFacts {
  const instanceId = contactInstanceId(contact);
  const apps = contactParameter(contact, PUSH_FEATURE_TAG);
  const methods = (contactParameter(contact, 'methods') ?? '').split(',').map((method) => method.trim());
  const { publicGruu, temporaryGruu, uri } = contact;
  return {
    contact: uri,
    instanceId,
    gruu: publicGruu,
    temporaryGruu: temporaryGruu === undefined ? undefined : temporaryGruu.uri,
    apps: apps === undefined ? undefined : parseEventAppIds(apps).map(canonicalEventAppId),
    ...(methods[0] === '' ? {} : { methods: methods.map((method) => method.toUpperCase()) }),
  };
}

/** A subscription to the registrations of one user (reg event package, RFC 3680; TS B.1.2, B.1.3) for the directory. */

import { canonicalEventAppId, PUSH_FEATURE_TAG, parseEventAppIds } from '../../app/contract/event-app-id.js';
import {
  contactInstanceId,
  contactParameter,
  REGINFO_TYPE,
  type ReginfoContact,
} from '../../content/reginfo.js';
import { readReginfo } from '../../content/reginfo-reader.js';
import { type RegisteredContact, RegistrationTable } from '../../content/registration-table.js';
import type { Subscription } from '../../sip/subscription/subscription.js';
import type { SipUserAgent } from '../../sip/user-agent.js';
import type { TerminalDirectory } from './directory.js';
import type { OptionsProbe } from './options-probe.js';
import { isAnonymous, isSelfIdentified, publicIdentity, type TerminalFacts } from './terminal.js';

export interface RegistrationSubscriptionOptions {
  subscribe(
    ...subscription: Parameters<SipUserAgent['subscribe']>
  ): Pick<Subscription, 'refresh' | 'resume' | 'close' | 'ended' | 'established'>;
  directory: TerminalDirectory;
  /** Finds registered terminals if the registrar does not identify its contacts. */
  probe: Pick<OptionsProbe, 'start'>;
  /** For P-Asserted-Identity of a SUBSCRIBE, if the sender may assert its identity. */
  assertedIdentity?: string;
  onError?(error: Error): void;
}

/** Requested duration of a subscription in seconds; RFC 3680 §4.4 suggests about an hour. */
const EXPIRES = 3600;

export class RegistrationSubscription {
  readonly #table = new RegistrationTable();
  readonly #subscription: ReturnType<RegistrationSubscriptionOptions['subscribe']>;
  readonly #user: string;
  /** The full state was requested and has not arrived. */
  #refreshing = false;

  /**
   * @param uri a public identity.
   * @throws LimitError when there are too many subscriptions, TransportError when the agent was stopped.
   */
  constructor(
    readonly uri: string,
    private readonly options: RegistrationSubscriptionOptions,
  ) {
    this.#user = publicIdentity(uri);
    const { assertedIdentity, subscribe, onError } = options;
    this.#subscription = subscribe(
      {
        ...{ uri, event: 'reg', accept: [REGINFO_TYPE], expires: EXPIRES },
        headers:
          assertedIdentity === undefined ? undefined : [['P-Asserted-Identity', `<${assertedIdentity}>`]],
      },
      {
        onNotify: (body, _, { state }) => {
          if (body.length > 0) this.#onNotify(body);
          else if (state === 'active' && this.#table.isNew) this.#onEmptyState();
        },
        onState: (status) => {
          if (status.state === 'active') return;
          this.#table.restart();
          this.#refreshing = false;
          if (status.state === 'ended')
            onError?.(new Error(`the subscription to the registrations of ${uri} ended: ${status.reason}`));
        },
      },
    );
  }

  /** Whether the notifier ended the subscription for good. */
  get ended(): boolean {
    return this.#subscription.ended;
  }

  /** Whether a NOTIFY has arrived. */
  get established(): boolean {
    return this.#subscription.established;
  }

  /** Requests the full state now: by a refresh, or by the SUBSCRIBE that waits after a failure. */
  requestState(): void {
    if (this.established) this.#subscription.refresh();
    else this.#subscription.resume();
  }

  async close(): Promise<void> {
    await this.#subscription.close();
  }

  /** The user de-registered, and with it all identities of the implicit registration set (3GPP TS 24.229 §5.4.1.4). */
  deregister(): void {
    for (const { aor, contact } of this.#table.contacts)
      this.options.directory.setUnregistered(aor, factsOf(contact));
  }

  /** @throws MalformedError */
  #onNotify(body: Uint8Array): void {
    const { directory, probe } = this.options;
    const document = readReginfo(body);
    const { isNew } = this.#table;
    const { order, registered, removed } = this.#table.apply(document);
    // A document is missing (RFC 3680 §5.2). One refresh at a time: a notifier may answer it with another gap.
    if (order === 'gap' && !this.#refreshing) this.#subscription.refresh();
    this.#refreshing = order === 'gap' || (this.#refreshing && document.state === 'partial');
    const left = removed.map(({ aor, contact }) => ({ aor, facts: factsOf(contact) }));
    for (const { aor, facts } of left) directory.setUnregistered(aor, facts);
    for (const { aor, contact } of registered) directory.setRegistered(aor, factsOf(contact));
    if (document.state === 'full' && order === 'next') {
      this.#onFullState(document.registrations.map(({ aor }) => publicIdentity(aor)));
    }
    // The removed anonymous contact may be that of a terminal that identified itself.
    if (isNew || left.some(({ facts }) => isAnonymous(facts))) probe.start(this.#user);
  }

  /** Terminals that a full document does not list are not registered: those of the user and of the listed identities. */
  #onFullState(identities: readonly string[]): void {
    const { contacts } = this.#table;
    this.#keepOnly(this.#user, contacts);
    for (const identity of new Set(identities)) {
      if (identity === this.#user) continue;
      this.#keepOnly(
        identity,
        contacts.filter(({ aor }) => publicIdentity(aor) === identity),
      );
    }
  }

  /** An anonymous contact may be that of any terminal that identified itself, so these stay registered. */
  #keepOnly(identity: string, contacts: readonly RegisteredContact[]): void {
    const { directory } = this.options;
    const facts = contacts.map(({ contact }) => factsOf(contact));
    const listed = facts.map((each) => directory.match(identity, each)).filter((each) => each !== undefined);
    const possible = facts.some(isAnonymous) ? directory.of(identity).filter(isSelfIdentified) : [];
    directory.setUnregisteredExcept(identity, [...listed, ...possible]);
  }

  /** A registrar without any state of the user, e.g. Kamailio after a restart: probes the terminals with a GRUU. */
  #onEmptyState(): void {
    const { directory, probe } = this.options;
    directory.setUnregisteredExcept(this.#user, directory.of(this.#user).filter(isSelfIdentified));
    probe.start(this.#user);
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
    methods: methods[0] === '' ? undefined : methods.map((method) => method.toUpperCase()),
  };
}

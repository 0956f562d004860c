/**
 * The Push Sender Agent: pushes content to the terminals of users through a SIP/IP core, and maintains their directory.
 */

import { GuardedFetch, type GuardedFetchOptions } from '../content/fetch/guarded-fetch.js';
import { TransportError } from '../errors.js';
import { MsrpConnector } from '../msrp/index.js';
import type { Sockets, TlsOptions } from '../platform/platform.js';
import type { AccountCredentials } from '../sip/authentication/authorization.js';
import type { SipResponse } from '../sip/message/message.js';
import type { RegistrationFailure, RegistrationState } from '../sip/registration/registration.js';
import type { ServerTransaction } from '../sip/transactions/server-machine.js';
import type { WireObserver } from '../sip/transport/flow.js';
import { SipUserAgent } from '../sip/user-agent.js';
import { TrustList } from '../sip/values/asserted-identity.js';
import { SipUri } from '../sip/values/uri.js';
import type { Records } from '../store/records.js';
import { reasonOf } from '../text.js';
import { type AttemptOptions, type AttemptsOptions, PreparedPush } from './attempts.js';
import { CapabilityServer } from './capability.js';
import { Congestion } from './congestion.js';
import { Delivery, type DeliveryOptions } from './delivery.js';
import { interpret } from './outcome.js';
import { Presence } from './presence.js';
import { Profiles, profileFacts } from './profiles.js';
import { Publisher, type PublishOptions } from './publisher.js';
import type { PushRequest, Receipt } from './push-request.js';
import { MediaListener, type MediaOptions } from './session/media-listener.js';
import { SessionSender } from './session/session.js';
import { TerminalDirectory } from './terminals/directory.js';
import { RollCall } from './terminals/roll-call.js';
import type { ProfileFacts } from './terminals/terminal.js';

/** The options of a Push Sender Agent. */
export interface PushSenderOptions {
  /** URI of the sender, `sip:psa@domain.test`. */
  identity: string;
  /** Servers of the SIP/IP core in order. */
  servers: readonly string[];
  /** Password or UICC for the challenges of the core. */
  credentials?: AccountCredentials;
  /** Value of P-Access-Network-Info (RFC 7315 §4.4), for a trusted core. */
  accessNetworkInfo?: string;
  /** TLS material for SIP and MSRP. */
  tls?: TlsOptions;
  /** Sockets for SIP and MSRP; those of the machine by default. */
  sockets?: Sockets;
  /** `urn:uuid:…` to register with. An application server without one does not register (P-2). */
  instanceId?: string;
  /** Address of an application server for requests, `sip:127.0.0.1:5080;transport=udp`. */
  listen?: string;
  /** Whether to send P-Asserted-Identity (8.1.2-04). Use it only inside the core's trust domain. */
  assertIdentity: boolean;
  /** Where receivers connect in session mode; by default the machine's address towards the core and a free port. */
  media?: MediaOptions;
  /** The server for content by reference. Without it, references to other servers only. */
  publish?: PublishOptions;
  /** Identities whose terminals can describe themselves (5.2-01); by default all of the sender's domain. */
  trust?: readonly string[];
  /** event-app-ids that this sender pushes for (5.2-05); by default all that a terminal has. */
  apps?: readonly string[];
  /** Users whose registrations the sender subscribes to (B.1.3). */
  watch?: readonly string[];
  /** Limits for fetching User Agent Profiles; https from public addresses by default. */
  fetch?: GuardedFetchOptions;
  /** Pushes in progress at a time; 100 by default. */
  outstanding?: number;
  /** Keeps the directory of terminals over restarts; in memory by default. */
  records?: Records;
  /** Product token of User-Agent. */
  product: string;
  /** Called after each registration and refresh. */
  onRegistered?: (state: RegistrationState) => void;
  /** Called after a failed registration. The agent retries. */
  onRegistrationFailed?: (failure: RegistrationFailure) => void;
  /** Called when the agent is connected to one of `servers`. */
  onConnected?: (server: string) => void;
  /** Called when a connection was lost or could not be opened. The agent retries. */
  onDisconnected?: (server: string, error: Error) => void;
  /**
   * Called for a problem that does not fail a push: a profile, a subscription or a record of a terminal, or a transfer
   * that is offered again.
   */
  onProblem?: (error: Error) => void;
  /** Called for each SIP message and MSRP frame. It must not throw. */
  onWire?: WireObserver;
}

/** Options of one call of `send`. */
export interface SendOptions extends DeliveryOptions, AttemptOptions {}

/** Seconds a registering sender asks for. */
const REGISTRATION_SECONDS = 3600;

/** Pushes content to the terminals of users, and maintains their directory. */
export class PushSenderAgent {
  /** The terminals of users, and what each accepts. */
  readonly directory: TerminalDirectory;
  readonly #options: PushSenderOptions;
  readonly #agent: SipUserAgent;
  readonly #listener: MediaListener;
  readonly #connector: MsrpConnector;
  readonly #attempts: AttemptsOptions;
  readonly #capability: CapabilityServer;
  readonly #presence: Presence;
  readonly #profiles: Profiles<ProfileFacts>;
  readonly #congestion: Congestion;
  readonly #stopped = new AbortController();
  #publisher: Promise<Publisher> | undefined;

  /** @throws MalformedError for an invalid entry of `trust`, ConfigurationError for an invalid origin of `fetch`. */
  constructor(options: PushSenderOptions) {
    this.#options = options;
    const { identity, assertIdentity, records, publish, outstanding } = options;
    const asserted = assertIdentity ? { assertedIdentity: identity } : {};
    const kept = records ? { records } : {};
    const onProblem = (error: Error) => options.onProblem?.(error);
    const agent = this.#newAgent();
    const contact = () => agent.contact;
    this.#agent = agent;
    this.#listener = new MediaListener(
      options.media ?? {},
      (signal) => agent.localHost(signal),
      options.sockets,
    );
    this.#connector = new MsrpConnector({
      tls: options.tls,
      sockets: options.sockets,
    });
    const { signal: stopped } = this.#stopped;
    this.#attempts = {
      agent,
      ...{ identity, assertIdentity },
      sessions: new SessionSender({
        ...{ agent, listener: this.#listener, connector: this.#connector, stopped, onProblem },
        ...asserted,
      }),
      publisher: publish === undefined ? undefined : () => this.#openPublisher(publish),
    };
    this.#congestion = new Congestion(outstanding === undefined ? {} : { outstanding });
    this.directory = new TerminalDirectory({ ...kept, onError: onProblem });
    this.#profiles = new Profiles({
      fetcher: new GuardedFetch(options.fetch),
      parse: profileFacts,
      onError: (url, error) => onProblem(new TransportError(`no profile at ${url}: ${reasonOf(error)}`)),
    });
    this.#capability = new CapabilityServer({
      ...{ contact, directory: this.directory, profiles: this.#profiles, ...asserted },
      trust: new TrustList(options.trust ?? [`sip:*@${SipUri.parse(identity)?.host}`]),
      methods: () => agent.methods,
      apps: options.apps,
    });
    this.#presence = new Presence({
      subscribe: (...subscription) => agent.subscribe(...subscription),
      ...{ contact, directory: this.directory, identity, onError: onProblem, ...asserted, ...kept },
      rollCall: new RollCall({
        ...{ directory: this.directory, onError: onProblem },
        ask: (gruu) => this.#ask(gruu),
      }),
    });
  }

  /** Reads the stored terminals, and starts to connect. @throws StoreError */
  async start(): Promise<void> {
    await this.directory.load();
    await this.#agent.start();
    await this.#presence.load();
    for (const user of this.#options.watch ?? []) this.#presence.watch(user);
  }

  /** Stops the agent. Published content is no longer served: wait for `settled` first. */
  async stop(): Promise<void> {
    this.#stopped.abort(new TransportError('the sender was stopped'));
    this.#congestion.close();
    this.#presence.stop();
    this.#profiles.close();
    const publisher = await this.#publisher?.catch(() => undefined);
    await publisher?.close();
    // Sessions end by BYE, whose answers come by the agent.
    await this.#agent.stop();
    await this.#listener.close();
    await this.#connector.close();
  }

  /** Published contents that terminals have not fetched yet. */
  async unfetched(): Promise<number> {
    return (await this.#publisher)?.unsettled ?? 0;
  }

  /** Resolves when the published contents have been fetched or have expired, or when `signal` is aborted. */
  async settled(signal?: AbortSignal): Promise<void> {
    await (await this.#publisher)?.settled(signal);
  }

  /**
   * Sends a push to all terminals of a user that have the application, or to selected ones. Content by reference is
   * served until its lifetime ends or the agent stops.
   * @returns a receipt for each terminal and file, or for the user's identity if no GRUU is known.
   * @throws LimitError if the content does not fit the requested mode; ConfigurationError if `to` or `app` is invalid,
   * no port is free, or content by reference needs `publish`; the reason of the signal.
   */
  async send(push: PushRequest, options: SendOptions = {}): Promise<Receipt[]> {
    const prepared = await PreparedPush.of(push, this.#attempts);
    const room = { directory: this.directory, congestion: this.#congestion };
    const delivery = new Delivery(
      room,
      push,
      ({ uri, terminal }) => prepared.send(uri, terminal, options),
      options,
    );
    return await delivery.run();
  }

  #newAgent(): SipUserAgent {
    const { identity, servers, product, instanceId } = this.#options;
    const { credentials, accessNetworkInfo, tls, sockets, listen, onWire, onConnected, onDisconnected } =
      this.#options;
    const { onRegistered, onRegistrationFailed } = this.#options;
    return new SipUserAgent({
      ...{ identity, servers, product },
      credentials,
      ...(accessNetworkInfo ? { accessNetworkInfo } : {}),
      tls,
      sockets,
      ...(listen ? { listen } : {}),
      onWire,
      onConnected,
      onDisconnected,
      methods: ['OPTIONS', 'REGISTER'],
      accept: () => [],
      onRequest: (transaction) => this.#receive(transaction),
      ...(instanceId
        ? {
            registration: {
              instanceId,
              expires: REGISTRATION_SECONDS,
              headers: [],
              features: () => [],
              onRegistered,
              onFailed: onRegistrationFailed,
            },
          }
        : {}),
    });
  }

  /** In its turn, as pushes are, and when they may: there may be many to ask. */
  async #ask(gruu: string): Promise<SipResponse> {
    const { signal } = this.#stopped;
    const { identity, assertIdentity } = this.#options;
    const headers: [string, string][] = [
      ['Accept', 'application/sdp'],
      ...(assertIdentity ? [['P-Asserted-Identity', `<${identity}>`] as [string, string]] : []),
    ];
    const congestion = this.#congestion;
    return await congestion.inTurn('retry', signal, async () => {
      const quiet = congestion.quietFor(gruu);
      if (quiet !== undefined) throw new TransportError(`nobody is asked for another ${quiet} s`);
      const response = await this.#agent.request({ method: 'OPTIONS', uri: gruu, headers }, { signal });
      congestion.heard(gruu, interpret(response));
      return response;
    });
  }

  #receive(transaction: ServerTransaction): void {
    const { method } = transaction.request;
    (method === 'REGISTER' ? this.#presence : this.#capability).receive(transaction);
  }

  /** The first content that is published opens the server. */
  #openPublisher(publish: PublishOptions): Promise<Publisher> {
    this.#publisher ??= Publisher.open(publish).catch((error: unknown) => {
      this.#publisher = undefined;
      throw error;
    });
    return this.#publisher;
  }
}

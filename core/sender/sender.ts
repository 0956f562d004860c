/** The Push Sender Agent: pushes content to terminals through a SIP/IP core, and keeps a directory of the terminals. */

import { GuardedFetch, type GuardedFetchOptions } from '../content/fetch/guarded-fetch.js';
import { TransportError, UntrustedError } from '../errors.js';
import { MsrpConnector } from '../msrp/index.js';
import type { ListenLimits } from '../platform/bounds.js';
import type { Sockets, TlsOptions } from '../platform/sockets.js';
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
import { CongestionControl } from './congestion-control.js';
import type { SenderContents } from './outbox/contents.js';
import { interpret } from './outcome.js';
import { OutgoingPush, type OutgoingPushOptions } from './outgoing-push.js';
import { Publications, type RemovedPublication } from './publications.js';
import { Publisher, type PublishOptions } from './publisher.js';
import type { PushRequest, Receipt } from './push-request.js';
import { PushTransmitter, type TransmitOptions, type TransmitterOptions } from './push-transmitter.js';
import { MediaListener, type MediaOptions } from './session/media-listener.js';
import { SessionSender } from './session/session-sender.js';
import { CapabilityServer } from './terminals/capability.js';
import { TerminalDirectory } from './terminals/directory.js';
import { OptionsProbe } from './terminals/options-probe.js';
import { ProfileCache, profileFacts } from './terminals/profiles.js';
import { RegistrationMonitor } from './terminals/registration-monitor.js';
import type { ProfileFacts } from './terminals/terminal.js';

/** Identity, SIP/IP core, limits and callbacks of a sender. */
export interface PushSenderOptions {
  /** The sender's own URI, e.g. `sip:psa@domain.test`. */
  identity: string;
  /** Servers of the SIP/IP core, in order of preference. */
  servers: readonly string[];
  /** Password or UICC for the challenges of the core. */
  credentials?: AccountCredentials;
  /** Value of P-Access-Network-Info (RFC 7315 §4.4), which reveals the location to the core. */
  accessNetworkInfo?: string;
  /** TLS material for SIP and MSRP. */
  tls?: TlsOptions;
  /** Sockets for SIP and MSRP; those of the platform if absent. */
  sockets?: Sockets;
  /** Instance id (`urn:uuid:…`) to register with; an application server, which does not register (P-2), has none. */
  instanceId?: string;
  /** Where an application server receives requests, e.g. `sip:127.0.0.1:5080;transport=udp`. */
  listen?: string;
  /**
   * Peers whose requests are accepted at `listen`, beside the addresses that `servers` resolve to: `192.0.2.7`,
   * `2001:db8::/32`, or the name in a TLS client certificate, `core.domain.test`.
   */
  peers?: readonly string[];
  /** Bounds of the connections at `listen`, and of the bytes held for them. */
  limits?: Partial<ListenLimits>;
  /** Whether to send P-Asserted-Identity (8.1.2-04). Only allowed inside the trust domain of the core. */
  assertIdentity: boolean;
  /** Where receivers connect to in session mode; any port at the address towards the core if absent. */
  media?: MediaOptions;
  /** Where content by reference is served. If absent, `indirect` is limited to content at a URL of the application. */
  publish?: PublishOptions;
  /** Identities whose OPTIONS are accepted (5.2-01); those of the sender's own domain if absent. */
  trust?: readonly string[];
  /** event-app-ids that this sender pushes to (5.2-05); all if absent. */
  apps?: readonly string[];
  /** Users whose registrations are monitored (B.1.3), in addition to those of third-party REGISTER requests. */
  watch?: readonly string[];
  /** Limits for fetching User Agent Profiles; https from public addresses if absent. */
  fetch?: GuardedFetchOptions;
  /** Concurrent requests, 100 if absent. */
  outstanding?: number;
  /** Keeps the directory of terminals over restarts; in memory if absent. With `contents`, also the published content. */
  records?: Records;
  /** Where published content is kept, with its owner's other contents; in a temporary folder if absent. */
  contents?: SenderContents;
  /** Product token of User-Agent. */
  product: string;
  /** Called after each successful REGISTER. */
  onRegistered?: (state: RegistrationState) => void;
  /** The agent retries. */
  onRegistrationFailed?: (failure: RegistrationFailure) => void;
  /** The agent has connected to this server. */
  onConnected?: (server: string) => void;
  /** A connection was lost or could not be established; the agent retries. */
  onDisconnected?: (server: string, error: Error) => void;
  /** Reports failures that the sender handles: of profiles, subscriptions and records, and interrupted sessions. */
  onProblem?: (error: Error) => void;
  /** Published content was removed before its expiration, because of the limits of `publish`, and was not retrieved. */
  onUnpublished?: (removed: RemovedPublication) => void;
  /** Called for each SIP message and MSRP frame. It must not throw. */
  onWire?: WireObserver;
}

/** Options of one call of `send`. */
export interface SendOptions extends OutgoingPushOptions, TransmitOptions {}

/** Requested expiry of the sender's registration, in seconds. */
const REGISTRATION_SECONDS = 3600;

/** Pushes content to the terminals of users, and keeps a directory of the terminals. */
export class PushSenderAgent {
  /** The known terminals and their capabilities. */
  readonly directory: TerminalDirectory;
  readonly #options: PushSenderOptions;
  readonly #agent: SipUserAgent;
  readonly #listener: MediaListener;
  readonly #connector: MsrpConnector;
  readonly #transmitterOptions: TransmitterOptions;
  readonly #capability: CapabilityServer;
  readonly #registrations: RegistrationMonitor;
  readonly #profiles: ProfileCache<ProfileFacts>;
  readonly #congestion: CongestionControl;
  readonly #stopping = new AbortController();
  #publisher: Promise<Publisher> | undefined;

  /** @throws MalformedError for an invalid identity in `trust`, ConfigurationError for an invalid origin in `fetch`. */
  constructor(options: PushSenderOptions) {
    this.#options = options;
    const { identity, assertIdentity, records, publish, outstanding } = options;
    const assertedIdentity = assertIdentity ? identity : undefined;
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
    const { signal: stopped } = this.#stopping;
    this.#transmitterOptions = {
      agent,
      identity,
      assertIdentity,
      sessions: new SessionSender({
        agent,
        listener: this.#listener,
        connector: this.#connector,
        stopped,
        assertedIdentity,
        onProblem,
      }),
      publisher: publish === undefined ? undefined : () => this.#openPublisher(publish),
    };
    this.#congestion = new CongestionControl({ outstanding, nextHop: () => agent.nextHop });
    this.directory = new TerminalDirectory({ records, onError: onProblem });
    this.#profiles = new ProfileCache({
      fetcher: new GuardedFetch(options.fetch),
      parse: profileFacts,
      onError: (url, error) =>
        onProblem(new TransportError(`cannot fetch the profile ${url}: ${reasonOf(error)}`)),
    });
    this.#capability = new CapabilityServer({
      contact,
      directory: this.directory,
      profiles: this.#profiles,
      assertedIdentity,
      trust: new TrustList(options.trust ?? [`sip:*@${SipUri.parse(identity)?.host}`]),
      methods: () => agent.methods,
      apps: options.apps,
    });
    this.#registrations = new RegistrationMonitor({
      subscribe: (...subscription) => agent.subscribe(...subscription),
      contact,
      directory: this.directory,
      identity,
      peersOnly: options.listen !== undefined,
      assertedIdentity,
      records,
      onError: onProblem,
      probe: new OptionsProbe({
        directory: this.directory,
        sendOptions: (gruu) => this.#sendOptions(gruu),
        onError: onProblem,
      }),
    });
  }

  /**
   * Reads the directory, continues to serve published content, and starts to connect.
   * @throws StoreError; TransportError when the address of `publish` is not available.
   */
  async start(): Promise<void> {
    const { contents, records, publish } = this.#options;
    await this.directory.load();
    if (publish && contents && records && (await Publications.inStore(records))) {
      await this.#openPublisher(publish);
    }
    await this.#agent.start();
    await this.#registrations.load();
    for (const user of this.#options.watch ?? []) this.#registrations.monitor(user);
  }

  /**
   * Stops the agent and the server of published content. Call `settled` before to let terminals retrieve it, unless the
   * next process continues to serve it (`records` and `contents`).
   */
  async stop(): Promise<void> {
    this.#stopping.abort(new TransportError('the sender is stopping'));
    this.#congestion.close();
    this.#registrations.stop();
    this.#profiles.close();
    const publisher = await this.#publisher?.catch(() => undefined);
    await publisher?.close();
    // The agent sends the BYE of each session and receives the responses.
    await this.#agent.stop();
    await this.#listener.close();
    await this.#connector.close();
  }

  /** The number of published contents that were not retrieved yet. */
  async unfetched(): Promise<number> {
    return (await this.#publisher)?.unsettled ?? 0;
  }

  /** Resolves when all published content was retrieved or has expired, or when `signal` is aborted. */
  async settled(signal?: AbortSignal): Promise<void> {
    await (await this.#publisher)?.settled(signal);
  }

  /**
   * Sends a push to all terminals of a user that have the application, or to selected ones. Published content stays
   * available until its lifetime ends.
   * @returns a receipt for each terminal and file; if no GRUU is known, for each request that the core forked.
   * @throws LimitError when the content fits neither the requested mode nor any other; ConfigurationError when `to` or
   * `app` is invalid, no port is free, or the mode needs `publish`; the signal's reason.
   */
  async send(push: PushRequest, options: SendOptions = {}): Promise<Receipt[]> {
    const transmitter = await PushTransmitter.create(push, this.#transmitterOptions);
    const outgoing = new OutgoingPush(
      { directory: this.directory, congestion: this.#congestion },
      push,
      ({ uri, terminal }) => transmitter.send(uri, terminal, options),
      options,
    );
    return await outgoing.run();
  }

  #newAgent(): SipUserAgent {
    const { identity, servers, product, instanceId } = this.#options;
    const { credentials, accessNetworkInfo, tls, sockets, listen, peers, limits } = this.#options;
    const { onWire, onConnected, onDisconnected, onRegistered, onRegistrationFailed } = this.#options;
    return new SipUserAgent({
      identity,
      servers,
      product,
      credentials,
      accessNetworkInfo,
      tls,
      sockets,
      listen,
      peers,
      limits,
      onForeignRequest: ({ method, from, reason }) =>
        this.#options.onProblem?.(new UntrustedError(`refused ${method} of ${from}: ${reason}`)),
      onWire,
      onConnected,
      onDisconnected,
      methods: ['OPTIONS', 'REGISTER'],
      accept: () => [],
      onRequest: (transaction) => this.#receive(transaction),
      registration: instanceId
        ? {
            instanceId,
            expires: REGISTRATION_SECONDS,
            headers: [],
            features: () => [],
            onRegistered,
            onFailed: onRegistrationFailed,
          }
        : undefined,
    });
  }

  /** Uses the slots and Retry-After of pushes, because there can be many terminals. */
  async #sendOptions(gruu: string): Promise<SipResponse> {
    const { signal } = this.#stopping;
    const { identity, assertIdentity } = this.#options;
    const headers: [string, string][] = [
      ['Accept', 'application/sdp'],
      ...(assertIdentity ? [['P-Asserted-Identity', `<${identity}>`] as [string, string]] : []),
    ];
    const congestion = this.#congestion;
    return await congestion.run('retry', signal, async () => {
      const retryAfter = congestion.retryAfter(gruu);
      if (retryAfter !== undefined)
        throw new TransportError(`Retry-After: no request for another ${retryAfter} s`);
      const response = await this.#agent.request({ method: 'OPTIONS', uri: gruu, headers }, { signal });
      congestion.observe(gruu, interpret(response));
      return response;
    });
  }

  #receive(transaction: ServerTransaction): void {
    const { method } = transaction.request;
    (method === 'REGISTER' ? this.#registrations : this.#capability).receive(transaction);
  }

  /** Opens the server when the first content is published. */
  #openPublisher(publish: PublishOptions): Promise<Publisher> {
    const { contents, records, onUnpublished, onProblem } = this.#options;
    this.#publisher ??= Publisher.open(publish, {
      contents,
      records: contents && records,
      onRemoved: onUnpublished,
      onError: onProblem,
    }).catch((error: unknown) => {
      this.#publisher = undefined;
      throw error;
    });
    return this.#publisher;
  }
}

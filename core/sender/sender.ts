/** The Push Sender Agent: pushes content to the terminals of users, and knows which there are, through a SIP/IP core. */

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

/** A sender: who it is, where its core is, and what it tells. */
export interface PushSenderOptions {
  /** The sender's own URI, `sip:psa@domain.test`. */
  identity: string;
  /** Servers of the SIP/IP core in order. */
  servers: readonly string[];
  credentials?: AccountCredentials;
  /** Value of P-Access-Network-Info (RFC 7315 4.4), for a core that is trusted with where we are. */
  accessNetworkInfo?: string;
  tls?: TlsOptions;
  /** For SIP and MSRP; the machine's own when absent. */
  sockets?: Sockets;
  /** `urn:uuid:…` to register with; absent: an application server that does not register (P-2). */
  instanceId?: string;
  /** Where requests reach an application server, `sip:127.0.0.1:5080;transport=udp`. */
  listen?: string;
  /** Whether to send P-Asserted-Identity (8.1.2-04); right only inside the core's trust domain. */
  assertIdentity: boolean;
  /** Where receivers come for files in session mode; absent: at this machine's address towards the core, any port. */
  media?: MediaOptions;
  /** Where content is served that is referred to; absent: only what fits a MESSAGE, or is elsewhere, is pushed. */
  publish?: PublishOptions;
  /** Whose terminals may say what they have (5.2-01); everybody's of the sender's own domain when absent. */
  trust?: readonly string[];
  /** event-app-ids that this sender pushes for (5.2-05); whatever a terminal has when absent. */
  apps?: readonly string[];
  /** Users whose registrations are watched from the start (B.1.3), beside those that the core registers with us. */
  watch?: readonly string[];
  /** What User Agent Profiles of terminals are fetched with; https from public addresses when absent. */
  fetch?: GuardedFetchOptions;
  /** Pushes under way at a time, 100 when absent. */
  outstanding?: number;
  /** Keeps over restarts which terminals there are; absent: they are forgotten. */
  records?: Records;
  product: string;
  /** Also each time it registers again. */
  onRegistered?: (state: RegistrationState) => void;
  /** The agent goes on trying. */
  onRegistrationFailed?: (failure: RegistrationFailure) => void;
  /** It is connected to this one of `servers`. */
  onConnected?: (server: string) => void;
  /** A connection was lost, or an attempt to make one failed; the agent goes on trying. */
  onDisconnected?: (server: string, error: Error) => void;
  /**
   * What could not be learnt of terminals, or kept: a profile, a subscription, a record; why files of a session are
   * offered again.
   */
  onProblem?: (error: Error) => void;
  onWire?: WireObserver;
}

/** What goes with one push that is not said of it. */
export interface SendOptions extends DeliveryOptions, AttemptOptions {}

/** Seconds a registering sender asks for. */
const REGISTRATION_SECONDS = 3600;

/** Pushes content to the terminals of users, and knows which there are. */
export class PushSenderAgent {
  /** Which terminals there are, and what each takes. */
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

  /** @throws MalformedError for an identity to trust that is none, ConfigurationError for an origin that is none. */
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

  /** Reads which terminals there were, and begins to connect. @throws StoreError */
  async start(): Promise<void> {
    await this.directory.load();
    await this.#agent.start();
    await this.#presence.load();
    for (const user of this.#options.watch ?? []) this.#presence.watch(user);
  }

  /** What is published is so no longer: `settled` waits for those who have still to fetch it. */
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

  /** Contents that are kept for terminals which have not fetched them yet. */
  async unfetched(): Promise<number> {
    return (await this.#publisher)?.unsettled ?? 0;
  }

  /** Resolves when each of those has been fetched, or its time is over; or when `signal` is aborted. */
  async settled(signal?: AbortSignal): Promise<void> {
    await (await this.#publisher)?.settled(signal);
  }

  /**
   * One push: to all terminals of a user that have the application, or to some. Content that is referred to is kept
   * from then on where it was delivered, until its lifetime is over or the agent stops.
   * @returns a receipt for each terminal, and each file; or for whatever the core found, where no GRUU is known.
   * @throws LimitError when the content does not fit the mode that was asked for, or any of `auto`;
   * ConfigurationError when `to` is no URI or `app` no event-app-id, no port is free, or content is to be published
   * and nobody said where; the signal's reason.
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

/** The Push Receiver Agent: a SIP user agent that passes pushes to the applications of a runtime. */

import type { PushRuntime } from '../app/runtime.js';
import type { ListenLimits } from '../platform/bounds.js';
import type { Sockets, TlsOptions } from '../platform/sockets.js';
import type { AccountCredentials } from '../sip/authentication/authorization.js';
import type { RegistrationOptions, RegistrationState } from '../sip/registration/registration.js';
import type { ServerTransaction } from '../sip/transactions/server-machine.js';
import type { WireObserver } from '../sip/transport/flow.js';
import { SipUserAgent } from '../sip/user-agent.js';
import { TrustList } from '../sip/values/asserted-identity.js';
import { atMost } from '../time/deadline.js';
import {
  pushFeatures,
  registrationHeaders,
  type SenderCapabilities,
  userAgentProduct,
} from './capabilities.js';
import type { ProfileOptions } from './device-profile.js';
import type { ReceiverEvent } from './events.js';
import type { Negotiate, Negotiations } from './negotiation.js';
import type { OwnRegistration, WatchRegistration } from './own-registration.js';
import { acceptedInMessages, PagerReceiver } from './pager.js';
import { MediaConnector, type OpenMediaRelay } from './session/media-connector.js';
import { SessionReceiver } from './session/session.js';

/** The options of a Push Receiver Agent. */
export interface PushReceiverOptions {
  /** The user's public identity, `sip:bob@domain.test`. */
  identity: string;
  /** Servers of the SIP/IP core in order, `sip:127.0.0.1:5060;transport=tcp`. */
  servers: readonly string[];
  /** Password or UICC for the challenges of the core. */
  credentials?: AccountCredentials;
  /** Value of P-Access-Network-Info (RFC 7315 §4.4), for a trusted core. */
  accessNetworkInfo?: string;
  /** TLS material for SIP and MSRP. */
  tls?: TlsOptions;
  /** Sockets for SIP and MSRP; those of the machine by default. */
  sockets?: Sockets;
  /**
   * Address of a receiver on an application server, `sip:127.0.0.1:5090;transport=udp`. The core sends it the requests
   * of its users (ISC, appendix E). It does not register.
   */
  listen?: string;
  /**
   * Peers whose requests are accepted at `listen`, beside the addresses that `servers` resolve to: `192.0.2.7`,
   * `2001:db8::/32`, or the name in a TLS client certificate, `core.domain.test`.
   */
  peers?: readonly string[];
  /** Bounds of the connections at `listen`, and of the bytes held for them. */
  limits?: Partial<ListenLimits>;
  /** `urn:uuid:…`, unchanged after a restart. */
  instanceId: string;
  /** Seconds of a registration. */
  expires: number;
  /** Trusted senders, `sip:psa@domain.test` or `sip:*@domain.test`. */
  trust: readonly string[];
  /** Product token of User-Agent. */
  product: string;
  /** Capability negotiation with Push Sender Agents (TS 5.1), from `negotiateWith`; none by default. */
  negotiate?: Negotiate;
  /** Vendor and model of the device, for User-Agent. */
  profile?: Pick<ProfileOptions, 'vendor' | 'model'>;
  /**
   * `watchRegistration` for a device of IMS: it subscribes to the events of its own registration, and registers again if
   * the core ends it.
   */
  registrationEvents?: WatchRegistration;
  /** MSRP relay (RFC 4976) for session mode, from `throughRelay`. */
  relay?: OpenMediaRelay;
  /** Session mode: sessions at a time; 100 by default. */
  sessions?: number;
  /** Receives the pushes. */
  runtime: PushRuntime;
  /** Called for each event. It must not throw. Without it, no event is made. */
  onEvent?(event: ReceiverEvent): void;
  /** Called for each SIP message and MSRP frame. It must not throw. */
  onWire?: WireObserver;
}

/** Simultaneous sessions: each has sockets and files. */
const DEFAULT_SESSIONS = 100;

/** Milliseconds without a byte after which the sender of a session counts as lost: two of its 30 s timers. */
const SESSION_IDLE = 60_000;

/** How long `stop` waits for unanswered pushes, in milliseconds: a stopping process has about 10 s in all. */
const ANSWER_GRACE = 2000;

/** A SIP user agent that passes pushes to the applications of a runtime. */
export class PushReceiverAgent {
  readonly #pager: PagerReceiver;
  readonly #sessions: SessionReceiver;
  readonly #options: PushReceiverOptions;
  readonly #agent: SipUserAgent;
  readonly #negotiations: Negotiations | undefined;
  readonly #ownRegistration: OwnRegistration | undefined;
  #unsubscribe: (() => void) | undefined;

  /** Starts nothing: call `start`. */
  constructor(options: PushReceiverOptions) {
    this.#options = options;
    const { runtime, onEvent } = options;
    const trust = new TrustList(options.trust);
    this.#pager = new PagerReceiver({ runtime, trust, onEvent });
    this.#sessions = new SessionReceiver({
      runtime,
      trust,
      connector: new MediaConnector({
        tls: options.tls,
        sockets: options.sockets,
        relay: options.relay,
      }),
      limits: { sessions: options.sessions ?? DEFAULT_SESSIONS, idle: SESSION_IDLE },
      accept: (transaction, answer) => this.#agent.accept(transaction, answer),
      onEvent,
    });
    this.#agent = new SipUserAgent({
      identity: options.identity,
      servers: options.servers,
      credentials: options.credentials,
      tls: options.tls,
      sockets: options.sockets,
      onWire: options.onWire,
      accessNetworkInfo: options.accessNetworkInfo,
      product: userAgentProduct(options.product, options.profile),
      methods: ['MESSAGE', 'INVITE'],
      accept: () => acceptedInMessages(runtime),
      onRequest: (transaction) => this.#receive(transaction),
      peers: options.peers,
      limits: options.limits,
      onRefused: (refused) => onEvent?.({ event: 'refused', ...refused }),
      onForeignRequest: (refused) => onEvent?.({ event: 'refused', ...refused }),
      onConnected: (server) => onEvent?.({ event: 'connected', server }),
      onDisconnected: (server, error) => onEvent?.({ event: 'disconnected', server, reason: error.message }),
      ...(options.listen ? { listen: options.listen } : { registration: this.#registration() }),
    });
    const { identity } = options;
    this.#negotiations = options.negotiate?.({ identity, agent: this.#agent, runtime, onEvent });
    this.#ownRegistration = options.registrationEvents?.(this.#agent);
  }

  /** The GRUUs and the expiry that the registrar granted; undefined while not registered. */
  get registration(): RegistrationState | undefined {
    return this.#agent.registration?.state;
  }

  /** What Push Sender Agents support, by their URIs (5.1-13, 5.1-14). */
  get senders(): ReadonlyMap<string, SenderCapabilities> {
    return this.#negotiations?.capabilities ?? new Map();
  }

  /** Starts to connect and register. The result is an event. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#options.runtime.onChange(() => this.#agent.registration?.update());
    await this.#agent.start();
  }

  /** De-registers, answers the requests in progress, and closes the connection. It does not stop the runtime. */
  async stop(): Promise<void> {
    this.#unsubscribe?.();
    await this.#negotiations?.stop();
    await this.#agent.registration?.close();
    this.#ownRegistration?.stop();
    // Without an answer, a sender pushes the same content again, as another push.
    await Promise.all([atMost(ANSWER_GRACE, this.#pager.idle()), this.#sessions.stop()]);
    await this.#agent.stop();
  }

  #registration(): RegistrationOptions {
    const { instanceId, expires, runtime, onEvent } = this.#options;
    return {
      instanceId,
      expires,
      headers: registrationHeaders,
      features: () => pushFeatures(runtime.eventAppIds, runtime.iaris),
      onRegistered: (state) => {
        onEvent?.(this.#registered(state));
        this.#ownRegistration?.begin();
        this.#negotiations?.begin();
      },
      onFailed: (failure) => onEvent?.({ event: 'registration-failed', ...failure }),
    };
  }

  #receive(transaction: ServerTransaction): void {
    const mode = transaction.request.method === 'INVITE' ? this.#sessions : this.#pager;
    void mode.receive(transaction);
  }

  #registered({ associatedUris: _, ...state }: RegistrationState): ReceiverEvent {
    const { identity, runtime } = this.#options;
    return { event: 'registered', identity, apps: [...runtime.eventAppIds], ...state };
  }
}

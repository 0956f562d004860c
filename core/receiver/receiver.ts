/** The Push Receiver Agent: a SIP user agent whose pushes go to the applications of a runtime. */

import type { PushRuntime } from '../app/runtime.js';
import type { Sockets, TlsOptions } from '../platform/platform.js';
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
import { acceptedInMessages, PagerReceiver } from './pager.js';
import { MediaConnector, type OpenMediaRelay } from './session/media-connector.js';
import { SessionReceiver } from './session/session.js';

/** A device: who it is, where its core is, whom it trusts. */
export interface PushReceiverOptions {
  /** The user's public identity, `sip:bob@domain.test`. */
  identity: string;
  /** Servers of the SIP/IP core in order, `sip:127.0.0.1:5060;transport=tcp`. */
  servers: readonly string[];
  credentials?: AccountCredentials;
  /** Value of P-Access-Network-Info (RFC 7315 4.4), for a core that is trusted with where we are. */
  accessNetworkInfo?: string;
  tls?: TlsOptions;
  /** For SIP and MSRP; the machine's own when absent. */
  sockets?: Sockets;
  /**
   * Where requests reach a receiver on an application server, `sip:127.0.0.1:5090;transport=udp`: the core sends it
   * those of its users (ISC, appendix E), and it registers nobody.
   */
  listen?: string;
  /** `urn:uuid:…`, the same over restarts. */
  instanceId: string;
  /** Seconds to register for. */
  expires: number;
  /** Identities whose pushes are taken; nobody's when empty. */
  trust: readonly string[];
  /** Product token for User-Agent. */
  product: string;
  /** Negotiates with Push Sender Agents (TS 5.1), made by `negotiateWith`; absent: with none. */
  negotiate?: Negotiate;
  /** The device, for User-Agent. */
  profile?: Pick<ProfileOptions, 'vendor' | 'model'>;
  /** An MSRP relay (RFC 4976) that files come through, made by `throughRelay`. */
  relay?: OpenMediaRelay;
  /** Session mode: sessions at a time, 100 when absent. */
  sessions?: number;
  runtime: PushRuntime;
  /** Called while a request is being answered: it must not throw. Absent: no event is made. */
  onEvent?(event: ReceiverEvent): void;
  onWire?: WireObserver;
}

/** Each has sockets and files. */
const DEFAULT_SESSIONS = 100;

/** Milliseconds without a byte after which the sender of a session is taken for gone: two of its 30 s timers. */
const SESSION_IDLE = 60_000;

/** How long a stop waits for pushes under way, milliseconds: what is asked to end has some 10 s in all. */
const ANSWER_GRACE = 2000;

/** A SIP user agent whose pushes go to the applications of a runtime. */
export class PushReceiverAgent {
  readonly #pager: PagerReceiver;
  readonly #sessions: SessionReceiver;
  readonly #options: PushReceiverOptions;
  readonly #agent: SipUserAgent;
  readonly #negotiations: Negotiations | undefined;
  #unsubscribe: (() => void) | undefined;

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
      ...(options.accessNetworkInfo ? { accessNetworkInfo: options.accessNetworkInfo } : {}),
      product: userAgentProduct(options.product, options.profile),
      methods: ['MESSAGE', 'INVITE'],
      accept: () => acceptedInMessages(runtime),
      onRequest: (transaction) => this.#receive(transaction),
      onRefused: (refused) => onEvent?.({ event: 'refused', ...refused }),
      onConnected: (server) => onEvent?.({ event: 'connected', server }),
      onDisconnected: (server, error) => onEvent?.({ event: 'disconnected', server, reason: error.message }),
      ...(options.listen ? { listen: options.listen } : { registration: this.#registration() }),
    });
    const { identity } = options;
    this.#negotiations = options.negotiate?.({ identity, agent: this.#agent, runtime, onEvent });
  }

  /** The GRUUs and the time the registrar granted; undefined while not registered. */
  get registration(): RegistrationState | undefined {
    return this.#agent.registration?.state;
  }

  /** What Push Sender Agents said that they support, by their URIs (5.1-13, 5.1-14). */
  get senders(): ReadonlyMap<string, SenderCapabilities> {
    return this.#negotiations?.capabilities ?? new Map();
  }

  /** Starts to connect and register; what comes of it is told by events. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#options.runtime.onChange(() => this.#agent.registration?.update());
    await this.#agent.start();
  }

  /** De-registers, answers what is under way, and closes the connection. The runtime is its owner's to stop. */
  async stop(): Promise<void> {
    this.#unsubscribe?.();
    await this.#negotiations?.stop();
    await this.#agent.registration?.close();
    // A sender that gets no answer pushes the same content again, as another push.
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

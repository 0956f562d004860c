/** Our answers to a REGISTER as the objects that JsSIP's registrator reads. */

import Registrator, { type ClientTransaction, type UserAgent } from 'jssip/lib/Registrator.js';
import Transport from 'jssip/lib/Transport.js';
import URI from 'jssip/lib/URI.js';
import { TransportError } from '../../errors.js';
import type { ClientFlow } from '../transport/connect.js';
import type { SipFlow } from '../transport/flow.js';
import { ServerSocket, type ServerSocketEvents } from './jssip-socket.js';

/**
 * How a REGISTER ended, as far as JsSIP has to know: it makes timers of what it reads, and reads other people's
 * Contacts with a grammar that some of them break.
 */
export interface RegisterAnswer {
  status: number;
  reason: string;
  /** Of a 2xx: whole seconds for which our Contact is registered; absent where it is not. */
  expires?: number;
  /** Of a 423: whole seconds to ask for at once. */
  minExpires?: number;
}

/** What JsSIP 3.13.8's Registrator.js and RequestSender.js ask of an IncomingResponse. */
export class RegisterResponse {
  readonly status_code: number;
  readonly headers: { Contact?: { parsed: unknown[] }[] };
  readonly #values = new Map<string, string>();

  /**
   * @param cseq of the REGISTER that JsSIP composed: answering challenges has counted on since, and JsSIP
   *   drops responses to another number.
   * @param contactUser user part of our Contact, by which JsSIP finds its own binding.
   */
  constructor(
    { status, expires, minExpires }: RegisterAnswer,
    readonly cseq: number,
    contactUser: string,
  ) {
    this.status_code = status;
    this.headers = expires === undefined ? {} : { Contact: [{ parsed: [contactOf(contactUser, expires)] }] };
    if (expires !== undefined) this.#values.set('contact', contactUser);
    if (minExpires !== undefined) this.#values.set('min-expires', String(minExpires));
  }

  hasHeader(name: string): boolean {
    return this.getHeader(name) !== undefined;
  }

  getHeader(name: string): string | undefined {
    return this.#values.get(name.toLowerCase());
  }
}

/** As JsSIP's NameAddrHeader. */
function contactOf(user: string, expires: number) {
  return {
    uri: { user },
    getParam: (name: string) => (name === 'expires' ? String(expires) : undefined),
    hasParam: (name: string) => name === 'expires',
  };
}

/**
 * JsSIP behind the door: its transport picks a server and recovers lost connections with backoff, its registrator
 * schedules registrations. What it does not do well (bytes, transactions, digest, Via and Contact) happens in this
 * room; every REGISTER it composes leaves by `carry`. The rest of JsSIP, which is a client for calls in a browser, is
 * not asked for: its UA would bring all of it along.
 */

/** A REGISTER that JsSIP wants sent. */
export interface JsSipRegister {
  callId: string;
  cseq: number;
  fromTag: string;
  /** Seconds asked for; 0 de-registers. */
  expires: number;
}

export interface JsSipUserAgentOptions extends ServerSocketEvents {
  /** In order of preference. */
  servers: readonly string[];
  connect(server: string, signal: AbortSignal): Promise<ClientFlow>;
  /** Seconds. */
  expires: number;
  /** Whether to REGISTER whenever a connection is made. */
  register: boolean;
  instanceId: string;
  /** User part of our Contact: JsSIP finds its own binding by it. */
  contactUser: string;
  /** Sends a REGISTER; resolves with its answer, rejects with TimeoutError or TransportError. */
  carry(register: JsSipRegister): Promise<RegisterAnswer>;
  /** JsSIP has taken note of how a REGISTER ended; once for each that was carried. */
  onSettled(): void;
}

/** Seconds between attempts to reconnect, least and most; JsSIP doubles its random wait in between. */
const RECOVERY_SECONDS = { least: 1, most: 30 };

/** A host that no request goes to: those that leave are composed anew. */
const NOWHERE = 'invalid.invalid';
/** JsSIP's own are 1 and 2: this agent is ready as long as it is there. */
const STATUS = { ready: 1, closed: 2 };

export class JsSipUserAgent {
  readonly #options: JsSipUserAgentOptions;
  readonly #sockets: readonly ServerSocket[];
  readonly #transport: Transport;
  readonly #registrator: Registrator;
  /** Whether to REGISTER as soon as there is a connection. */
  #registers: boolean;

  constructor(options: JsSipUserAgentOptions) {
    this.#options = options;
    this.#registers = options.register;
    this.#sockets = options.servers.map((server) => new ServerSocket(server, options.connect, options));
    // Sockets of a higher weight are taken first: the configured order.
    this.#transport = new Transport(
      this.#sockets.map((socket, index) => ({ socket, weight: this.#sockets.length - index })),
      { min_interval: RECOVERY_SECONDS.least, max_interval: RECOVERY_SECONDS.most },
    );
    this.#registrator = new Registrator(this.#userAgent());
    this.#transport.onconnecting = () => {};
    this.#transport.onconnect = () => {
      if (this.#registers) this.#registrator.register();
    };
    this.#transport.ondisconnect = () => this.#registrator.onTransportClosed();
  }

  /** Connects, and goes on trying until `stop`. */
  start(): void {
    this.#transport.connect();
  }

  stop(): void {
    this.#transport.disconnect();
  }

  /** Ignored while a REGISTER is on its way. */
  register(): void {
    this.#registers = true;
    this.#registrator.register();
  }

  unregister(): void {
    this.#registers = false;
    this.#registrator.unregister();
  }

  isRegistered(): boolean {
    return this.#registrator.registered;
  }

  /** A flow was lost, or its server does not answer: JsSIP recovers. */
  flowFailed(flow: SipFlow, error: Error): void {
    this.#sockets.find((socket) => socket.isFlow(flow))?.fail(error);
  }

  /** What the registrator takes for a UA. */
  #userAgent(): UserAgent {
    const { contactUser, expires, instanceId } = this.#options;
    // JsSIP wants an identity; the REGISTER that leaves has ours, which may be none that its grammar knows.
    const uri = new URI('sip', contactUser, NOWHERE);
    const configuration = {
      registrar_server: new URI('sip', null, NOWHERE),
      uri,
      register_expires: expires,
      instance_id: instanceId.replace(/^urn:uuid:/i, ''),
      via_host: NOWHERE,
      password: null,
      ha1: null,
    };
    return {
      C: { STATUS_USER_CLOSED: STATUS.closed },
      status: STATUS.ready,
      configuration,
      _configuration: configuration,
      transport: this.#transport,
      contact: { uri: { user: contactUser }, toString: () => `<${uri}>` },
      listeners: () => [],
      newTransaction: (transaction) => this.#carry(transaction),
      // What became of it is read where the answer comes, in `carry`.
      registered: () => {},
      unregistered: () => {},
      registrationFailed: () => {},
    };
  }

  /**
   * JsSIP says so from the constructor of each client transaction, just before it sends it. Its own state machines
   * have no retransmission, ten million branches, and take a received 408 for a time-out: the request travels on
   * ours instead. JsSIP keeps no record of it, so nothing needs destroying.
   */
  #carry(transaction: ClientTransaction): void {
    transaction.send = () => {
      void this.#send(transaction);
    };
  }

  async #send({ request, eventHandlers }: ClientTransaction): Promise<void> {
    try {
      const answer = await this.#options.carry({
        callId: request.call_id,
        cseq: request.cseq,
        fromTag: String(request.from.getParam('tag')),
        expires: Number(request.getHeader('expires') ?? 0),
      });
      const { contactUser } = this.#options;
      eventHandlers.onReceiveResponse(new RegisterResponse(answer, request.cseq, contactUser));
    } catch (error) {
      if (error instanceof TransportError) eventHandlers.onTransportError();
      else eventHandlers.onRequestTimeout();
    }
    this.#options.onSettled();
  }
}

/** JsSIP's server selection and schedule of registrations, and the answers to REGISTER that it reads. */

import Registrator, { type ClientTransaction, type UserAgent } from 'jssip/lib/Registrator.js';
import Transport from 'jssip/lib/Transport.js';
import URI from 'jssip/lib/URI.js';
import { TransportError } from '../../errors.js';
import type { ClientFlow } from '../transport/connect.js';
import type { SipFlow } from '../transport/flow.js';
import { ServerSocket, type ServerSocketEvents } from './jssip-socket.js';

/**
 * The result of a REGISTER for JsSIP, reduced to valid values: JsSIP sets timers from them, and its grammar rejects some
 * Contacts.
 */
export interface RegisterAnswer {
  status: number;
  reason: string;
  /** Of a 2xx: whole seconds for which our Contact is registered; absent if it is not. */
  expires?: number;
  /** Of a 423: whole seconds to request at once. */
  minExpires?: number;
}

/** The properties of an IncomingResponse that Registrator.js and RequestSender.js of JsSIP 3.13.8 use. */
export class RegisterResponse {
  readonly status_code: number;
  readonly headers: { Contact?: { parsed: unknown[] }[] };
  readonly #values = new Map<string, string>();

  /**
   * @param cseq of the REGISTER that JsSIP composed: answers to challenges have increased it since, and JsSIP ignores
   *   responses to another number.
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

/** A REGISTER that JsSIP composed. */
export interface JsSipRegister {
  callId: string;
  cseq: number;
  fromTag: string;
  /** Requested seconds; 0 de-registers. */
  expires: number;
}

export interface JsSipUserAgentOptions extends ServerSocketEvents {
  /** In order of preference. */
  servers: readonly string[];
  connect(server: string, signal: AbortSignal): Promise<ClientFlow>;
  /** Seconds. */
  expires: number;
  /** Whether to REGISTER after each connect. */
  register: boolean;
  instanceId: string;
  /** User part of our Contact, by which JsSIP finds its own binding. */
  contactUser: string;
  /** Sends a REGISTER. Resolves with its answer; rejects with TimeoutError or TransportError. */
  sendRegister(register: JsSipRegister): Promise<RegisterAnswer>;
  /** JsSIP has processed the result of a REGISTER; called once for each `sendRegister`. */
  onSettled(): void;
}

/** Shortest and longest seconds between attempts to reconnect; JsSIP doubles its random wait. */
const RECOVERY_SECONDS = { least: 1, most: 30 };

/** A host that is never sent: requests are composed again. */
const INVALID_HOST = 'invalid.invalid';
/** JsSIP's own values are 1 and 2; this agent is ready until it is closed. */
const STATUS = { ready: 1, closed: 2 };

/**
 * Hides JsSIP: its Transport selects a server and recovers lost connections with backoff, its Registrator schedules
 * registrations. Bytes, transactions, digest, Via and Contact are handled by this package; every REGISTER that JsSIP
 * composes is sent by `sendRegister`. Its UA, a client for calls in a browser, is not loaded.
 */
export class JsSipUserAgent {
  readonly #options: JsSipUserAgentOptions;
  readonly #sockets: readonly ServerSocket[];
  readonly #transport: Transport;
  readonly #registrator: Registrator;
  /** Whether to REGISTER after the next connect. */
  #registers: boolean;

  constructor(options: JsSipUserAgentOptions) {
    this.#options = options;
    this.#registers = options.register;
    this.#sockets = options.servers.map((server) => new ServerSocket(server, options.connect, options));
    // JsSIP prefers sockets of a higher weight: this is the configured order.
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

  /** Connects, and retries until `stop`. */
  start(): void {
    this.#transport.connect();
  }

  stop(): void {
    this.#transport.disconnect();
  }

  /** Ignored while a REGISTER is pending. */
  register(): void {
    this.#registers = true;
    this.#registrator.register();
  }

  unregister(): void {
    this.#registers = false;
    this.#registrator.unregister();
  }

  /** The registration has ended at the registrar: JsSIP does not refresh it. No REGISTER may be pending. */
  lapse(): void {
    this.#registrator.onTransportClosed();
  }

  isRegistered(): boolean {
    return this.#registrator.registered;
  }

  /** A flow was lost, or its server does not answer: JsSIP recovers. */
  flowFailed(flow: SipFlow, error: Error): void {
    this.#sockets.find((socket) => socket.isFlow(flow))?.fail(error);
  }

  /** The server of the flow is overloaded: JsSIP selects another one, and the flow stays open. */
  leave(flow: SipFlow, error: Error): void {
    this.#sockets.find((socket) => socket.isFlow(flow))?.leave(error);
  }

  /** The object that the registrator uses as its UA. */
  #userAgent(): UserAgent {
    const { contactUser, expires, instanceId } = this.#options;
    // JsSIP needs an identity. The REGISTER that is sent has ours, which JsSIP's grammar may reject.
    const uri = new URI('sip', contactUser, INVALID_HOST);
    const configuration = {
      registrar_server: new URI('sip', null, INVALID_HOST),
      uri,
      register_expires: expires,
      instance_id: instanceId.replace(/^urn:uuid:/i, ''),
      via_host: INVALID_HOST,
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
      newTransaction: (transaction) => this.#sendRegister(transaction),
      // `sendRegister` reads the result.
      registered: () => {},
      unregistered: () => {},
      registrationFailed: () => {},
    };
  }

  /**
   * JsSIP calls this in the constructor of each client transaction, before it sends the request. Its state machines have
   * no retransmission, only ten million branches, and treat a received 408 as a timeout, so our transactions send it.
   * JsSIP does not record the transaction, so nothing needs to be destroyed.
   */
  #sendRegister(transaction: ClientTransaction): void {
    transaction.send = () => {
      void this.#send(transaction);
    };
  }

  async #send({ request, eventHandlers }: ClientTransaction): Promise<void> {
    try {
      const answer = await this.#options.sendRegister({
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

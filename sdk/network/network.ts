/** The embedded SIP/IP core: listeners, transactions, registrar and proxy put together. */

import { ConfigurationError } from '../../core/errors.js';
import type { TlsOptions } from '../../core/platform/platform.js';
import type { SipFlow } from '../../core/sip/flow.js';
import type { FlowHandlers } from '../../core/sip/incoming.js';
import { listen, type SipListener } from '../../core/sip/listener.js';
import type { SipMessage } from '../../core/sip/message.js';
import { refuseMalformed } from '../../core/sip/stateless-answer.js';
import { TransactionLayer } from '../../core/sip/transactions/layer.js';
import type { ServerTransaction } from '../../core/sip/transactions/server.js';
import { parseEndpoint } from '../../core/sip/transport-uri.js';
import { isHost, SipUri } from '../../core/sip/uri.js';
import { buildResponse } from '../../core/sip/writer.js';
import { Accounts, type Users } from './accounts.js';
import { isLoopback, type PeerAddress, parsePeer } from './addresses.js';
import { Callers } from './caller.js';
import { messageEvent, type NetworkEvent, type RegistrationInfo, registrationInfo } from './events.js';
import { FlowTable, flowKey } from './flow-table.js';
import { TemporaryGruus } from './gruu.js';
import { LocationStore } from './location.js';
import { Outbound } from './outbound.js';
import { Registrar } from './registrar.js';
import { Router, serviceKey } from './router.js';
import { StatefulProxy } from './stateful-proxy.js';

export const NETWORK_NOTICE =
  'This is an embedded SIP/IP core for demos, development and tests; it is no core for an operator.';

const DEFAULT_LISTEN = ['sip:127.0.0.1:0;transport=udp', 'sip:127.0.0.1:0;transport=tcp'];
const DEFAULT_DOMAIN = 'domain.test';
const METHODS =
  'REGISTER, OPTIONS, MESSAGE, INVITE, ACK, CANCEL, BYE, SUBSCRIBE, NOTIFY, PUBLISH, REFER, INFO, UPDATE, PRACK';

export interface NetworkOptions {
  /** `sip:127.0.0.1:5060;transport=udp`, or tcp, tls, ws, wss; port 0 for any. UDP and TCP on loopback when absent. */
  listen?: readonly string[];
  /** `domain.test` when absent. */
  domain?: string;
  /**
   * Who may register, by user name. Absent: everybody, without a password, as any name of the domain; that is allowed
   * only where every listener is on loopback.
   */
  users?: Users;
  /**
   * Addresses whose own P-Asserted-Identity is believed: `192.0.2.1` or, for one port, `192.0.2.1:5080`. On a machine
   * where devices run too, name the port.
   */
  trustedPeers?: readonly string[];
  /**
   * Application servers by public service identity: `{ 'sip:psa@domain.test': 'sip:127.0.0.1:5080;transport=udp' }`.
   * Requests to the identity go to that address, and what comes from it is believed like a trusted peer.
   */
  applicationServers?: Readonly<Record<string, string>>;
  /** `cert` and `key` for tls and wss listeners; `ca` for connections to others. */
  tls?: TlsOptions;
  /** Costs nothing when absent. */
  onEvent?(event: NetworkEvent): void;
}

export interface Network {
  /** Of the listeners, in the order asked for, with the ports taken. */
  readonly uris: readonly string[];
  readonly domain: string;
  /** For people who start it. */
  readonly notice: string;
  registrations(): RegistrationInfo[];
  close(): Promise<void>;
}

/** @throws ConfigurationError, TransportError when a port cannot be taken. */
export async function startNetwork(options: NetworkOptions = {}): Promise<Network> {
  const core = new NetworkCore(options);
  try {
    await core.listen(options.listen ?? DEFAULT_LISTEN);
  } catch (error) {
    await core.close();
    throw error;
  }
  return core;
}

class NetworkCore implements Network {
  readonly notice = NETWORK_NOTICE;
  readonly domain: string;
  readonly #flows = new FlowTable();
  readonly #listeners: SipListener[] = [];
  readonly #location: LocationStore;
  readonly #layer: TransactionLayer;
  readonly #registrar: Registrar;
  readonly #router: Router;
  readonly #proxy: StatefulProxy;
  readonly #outbound: Outbound;
  readonly #handlers: FlowHandlers;

  constructor(private readonly options: NetworkOptions) {
    const domain = (options.domain ?? DEFAULT_DOMAIN).toLowerCase();
    if (!isHost(domain)) throw new ConfigurationError(`domain: ${JSON.stringify(domain)} is no host name`);
    this.domain = domain;
    const flows = this.#flows;
    const services = readServices(options.applicationServers ?? {});
    const peers = [...(options.trustedPeers ?? []).map(parsePeer), ...[...services.values()].map(addressOf)];
    const accounts = new Accounts(domain, options.users, (uri) => flows.isOurs(uri));
    const location = new LocationStore(this.#locationEvents());
    const callers = new Callers(domain, accounts, location, peers);
    const temporaryGruus = new TemporaryGruus();
    this.#location = location;
    this.#handlers = this.#flowHandlers();
    this.#outbound = new Outbound(flows, this.#handlers, options.tls);
    this.#registrar = new Registrar(accounts, callers, location, temporaryGruus);
    const outbound = this.#outbound;
    this.#router = new Router({
      domain,
      accounts,
      location,
      temporaryGruus,
      flows,
      outbound,
      peers,
      services,
    });
    this.#layer = new TransactionLayer({
      onRequest: (transaction) => this.#receive(transaction),
      onAck: (ack, flow) => this.#proxy.forwardAck(ack, flow),
    });
    this.#proxy = new StatefulProxy({
      realm: domain,
      layer: this.#layer,
      router: this.#router,
      callers,
      flows,
      answer: (transaction) => answerOptions(transaction),
    });
  }

  get uris(): readonly string[] {
    return this.#flows.uris;
  }

  registrations(): RegistrationInfo[] {
    return Array.from(this.#location.all(), registrationInfo);
  }

  async listen(uris: readonly string[]): Promise<void> {
    const { users, tls } = this.options;
    for (const uri of uris) {
      const { host } = parseEndpoint(uri);
      if (users === undefined && !isLoopback(host)) {
        throw new ConfigurationError(
          `listen: ${uri} can be reached from other machines, so users with passwords are required; without users only loopback addresses may be listened on`,
        );
      }
    }
    for (const uri of uris) {
      const listener = await listen(uri, { ...this.#handlers, ...(tls ? { tls } : {}) });
      this.#listeners.push(listener);
      this.#flows.addListener(listener);
    }
  }

  async close(): Promise<void> {
    this.#proxy.close();
    this.#layer.close();
    this.#location.close();
    await this.#outbound.close();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  #receive(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    const uri = SipUri.parse(request.uri);
    if (request.method === 'REGISTER' && uri && this.#router.isOurs(uri)) {
      transaction.respond(this.#registrar.answer(request, flow));
    } else {
      this.#proxy.receive(transaction);
    }
  }

  #flowHandlers(): FlowHandlers {
    const { onEvent } = this.options;
    const handlers: FlowHandlers = {
      onMessage: (message: SipMessage, flow) => {
        this.#flows.note(flow);
        this.#layer.receive(message, flow);
      },
      onMalformed: refuseMalformed,
      onFlowClosed: (flow) => this.#flowClosed(flow),
    };
    if (!onEvent) return handlers;
    return {
      ...handlers,
      onWire: (direction, bytes, flow) => {
        const users = [...this.#location.onFlow(flowKey(flow))].map(({ username }) => username);
        onEvent(messageEvent(direction, bytes, flow, users));
      },
    };
  }

  #flowClosed(flow: SipFlow): void {
    this.#flows.forget(flow);
    this.#layer.flowClosed(flow);
    this.#location.flowClosed(flowKey(flow));
  }

  #locationEvents() {
    const { onEvent } = this.options;
    if (!onEvent) return {};
    return {
      onRegistered: (binding: Parameters<typeof registrationInfo>[0]) =>
        onEvent({ event: 'registered', time: Date.now(), ...registrationInfo(binding) }),
      onEnded: (
        { addressOfRecord, contact }: Parameters<typeof registrationInfo>[0],
        reason: 'removed' | 'expired' | 'connection closed',
      ) =>
        onEvent({
          event: 'deregistered',
          time: Date.now(),
          identity: addressOfRecord,
          contact: contact.toString(),
          reason,
        }),
    };
  }
}

/** The network itself is asked what it can (RFC 3261 11); of its own it takes nothing else. */
function answerOptions(transaction: ServerTransaction): void {
  const { request } = transaction;
  const known = request.method === 'OPTIONS';
  const headers: [string, string][] = [
    ['Allow', METHODS],
    ['Supported', 'path, gruu, outbound'],
    ['Server', 'sip-push network (for development)'],
  ];
  transaction.respond(buildResponse(request, known ? 200 : 404, known ? { headers } : {}));
}

function readServices(servers: Readonly<Record<string, string>>): Map<string, SipUri> {
  const services = new Map<string, SipUri>();
  for (const [identity, at] of Object.entries(servers)) {
    const named = SipUri.parse(identity);
    if (!named) throw new ConfigurationError(`applicationServers: ${JSON.stringify(identity)} is no SIP URI`);
    // Says what is wrong with it.
    parseEndpoint(at);
    const uri = SipUri.parse(at);
    if (uri) services.set(serviceKey(named), uri);
  }
  return services;
}

function addressOf(uri: SipUri): PeerAddress {
  const { host, port, transport } = parseEndpoint(uri.toString());
  return { host, port, transport };
}

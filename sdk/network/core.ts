/** Transactions, registrar, proxy and events of the network, independent of the sockets of its flows. */

import { ConfigurationError } from '../../core/errors.js';
import { buildResponse } from '../../core/sip/message/writer.js';
import { TransactionLayer } from '../../core/sip/transactions/layer.js';
import type { ServerTransaction } from '../../core/sip/transactions/server-machine.js';
import { refuseMalformed } from '../../core/sip/transactions/stateless-answer.js';
import type { FlowHandlers, SipFlow } from '../../core/sip/transport/flow.js';
import type { SipListener } from '../../core/sip/transport/listener.js';
import { isHost, SipUri } from '../../core/sip/values/uri.js';
import { parsePeer } from './addresses.js';
import { messageEvent, type RegistrationInfo, registrationInfo } from './events/network-events.js';
import { ThirdPartyRegistrations } from './events/third-party.js';
import { Watchers } from './events/watchers.js';
import { FlowTable, flowKey } from './flow-table.js';
import { addressOf, digestOf, type NetworkOptions, readServices, readThirdParties } from './options.js';
import { Outbound } from './outbound.js';
import { Router } from './proxy/router.js';
import { StatefulProxy } from './proxy/stateful-proxy.js';
import { Accounts } from './registrar/accounts.js';
import { Callers } from './registrar/caller.js';
import { TemporaryGruus } from './registrar/gruu.js';
import { type LocationChange, type LocationEvents, LocationStore } from './registrar/location.js';
import { Registrar } from './registrar/registrar.js';

const DEFAULT_DOMAIN = 'domain.test';
const METHODS =
  'REGISTER, OPTIONS, MESSAGE, INVITE, ACK, CANCEL, BYE, SUBSCRIBE, NOTIFY, PUBLISH, REFER, INFO, UPDATE, PRACK';

export class NetworkCore {
  readonly domain: string;
  readonly #flows = new FlowTable();
  readonly #location: LocationStore;
  readonly #layer: TransactionLayer;
  readonly #registrar: Registrar;
  readonly #router: Router;
  readonly #proxy: StatefulProxy;
  readonly #outbound: Outbound;
  readonly #watchers: Watchers;
  readonly #thirdParties: ThirdPartyRegistrations;
  /** Handlers for every flow of the network. */
  readonly handlers: FlowHandlers;

  constructor(private readonly options: NetworkOptions) {
    const domain = (options.domain ?? DEFAULT_DOMAIN).toLowerCase();
    if (!isHost(domain))
      throw new ConfigurationError(`invalid domain ${JSON.stringify(domain)}: expected a host name`);
    this.domain = domain;
    const flows = this.#flows;
    const services = readServices(options.applicationServers ?? {});
    const thirdParties = readThirdParties(options.thirdPartyRegistration ?? [], services);
    const peers = [...(options.trustedPeers ?? []).map(parsePeer), ...[...services.values()].map(addressOf)];
    const accounts = new Accounts(domain, options.users, (uri) => flows.isOurs(uri));
    const location = new LocationStore(this.#locationEvents());
    const callers = new Callers(domain, accounts, location, peers, digestOf(options));
    const temporaryGruus = new TemporaryGruus();
    this.#location = location;
    this.handlers = this.#flowHandlers();
    this.#outbound = new Outbound(flows, this.handlers, options.tls, options.sockets);
    this.#registrar = new Registrar(accounts, callers, location, temporaryGruus, flows);
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
    const shared = { location, flows, layer: this.#layer };
    this.#watchers = new Watchers({
      ...shared,
      accounts,
      callers,
      temporaryGruus,
      router: this.#router,
      allowed: options.watchers ?? [],
    });
    this.#thirdParties = new ThirdPartyRegistrations({ ...shared, domain, servers: thirdParties, outbound });
  }

  registrations(): RegistrationInfo[] {
    return Array.from(this.#location.all(), registrationInfo);
  }

  addListener(listener: SipListener): void {
    this.#flows.addListener(listener);
  }

  async close(): Promise<void> {
    this.#watchers.close();
    this.#thirdParties.close();
    this.#proxy.close();
    this.#layer.close();
    this.#location.close();
    await this.#outbound.close();
  }

  #receive(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    const uri = SipUri.parse(request.uri);
    if (request.method === 'REGISTER' && uri && this.#router.isOurs(uri)) {
      transaction.respond(this.#registrar.answer(request, flow));
    } else if (this.#watchers.takes(request)) {
      this.#watchers.receive(transaction);
    } else {
      this.#proxy.receive(transaction);
    }
  }

  #flowHandlers(): FlowHandlers {
    const { onEvent, onWire } = this.options;
    const handlers: FlowHandlers = {
      onMessage: (message, flow) => {
        this.#flows.note(flow);
        this.#layer.receive(message, flow);
      },
      onMalformed: refuseMalformed,
      onFlowClosed: (flow) => this.#flowClosed(flow),
    };
    if (!onEvent) return { ...handlers, onWire };
    return {
      ...handlers,
      onWire: (direction, bytes, flow) => {
        onWire?.(direction, bytes, flow);
        const users = new Set(Array.from(this.#location.onFlow(flowKey(flow)), ({ username }) => username));
        onEvent(messageEvent(direction, bytes, flow, [...users]));
      },
    };
  }

  #flowClosed(flow: SipFlow): void {
    this.#flows.forget(flow);
    this.#layer.flowClosed(flow);
    this.#location.flowClosed(flowKey(flow));
  }

  #locationEvents(): LocationEvents {
    const { onEvent } = this.options;
    const onChanged = (change: LocationChange) => {
      this.#watchers.changed(change);
      this.#thirdParties.changed(change);
    };
    if (!onEvent) return { onChanged };
    return {
      onChanged,
      onRegistered: (binding) =>
        onEvent({ event: 'registered', time: Date.now(), ...registrationInfo(binding) }),
      onEnded: ({ addressOfRecord, contact }, reason) =>
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

/** Answers OPTIONS with the capabilities of the network (RFC 3261 §11); other requests to the network itself get a 404. */
function answerOptions(transaction: ServerTransaction): void {
  const { request } = transaction;
  const known = request.method === 'OPTIONS';
  const headers: [string, string][] = [
    ['Allow', METHODS],
    ['Allow-Events', 'reg'],
    ['Supported', 'path, gruu, outbound'],
    ['Server', 'sip-push network (for development)'],
  ];
  transaction.respond(buildResponse(request, known ? 200 : 404, { headers: known ? headers : undefined }));
}

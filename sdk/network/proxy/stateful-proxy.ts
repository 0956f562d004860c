/** The stateful proxy (RFC 3261 §16). */

import { TransportError } from '../../../core/errors.js';
import { parseAuthParameters } from '../../../core/sip/authentication/digest.js';
import type { SipHeaders, SipRequest, SipResponse } from '../../../core/sip/message/message.js';
import { buildResponse, writeMessage } from '../../../core/sip/message/writer.js';
import type { ClientHandlers, ClientTransaction } from '../../../core/sip/transactions/client-machine.js';
import { withVia } from '../../../core/sip/transactions/client-transactions.js';
import type { TransactionLayer } from '../../../core/sip/transactions/layer.js';
import type { ServerTransaction } from '../../../core/sip/transactions/server-machine.js';
import type { SipFlow } from '../../../core/sip/transport/flow.js';
import { parseUri } from '../../../core/sip/values/uri.js';
import type { FlowTable } from '../flow-table.js';
import type { Caller, Callers } from '../registrar/caller.js';
import { assertIdentity, keepPrivacy } from '../registrar/identity.js';
import { Fork } from './fork.js';
import { LoopGuard } from './loop-guard.js';
import { applyStrictRoute, copyOf } from './route-headers.js';
import type { Router } from './router.js';
import type { Target } from './target-set.js';

/** Requests in progress; each keeps its body until it is answered. */
const MAX_FORKS = 10_000;
const MAX_FORWARDS = 70;
/** RFC 5393 §5.3.3: copies of one request that can be in progress, at all proxies together. */
const MAX_BREADTH = 60;

/** Methods that begin dialogs, whose later requests must pass this proxy. */
const DIALOG_METHODS = new Set(['INVITE', 'SUBSCRIBE']);
/** Supported option tags of Proxy-Require. */
const EXTENSIONS = new Set(['pref', 'gruu', 'path', 'outbound']);

type Header = readonly [name: string, value: string];
type Refusal = readonly [status: number, headers?: readonly Header[]];

export interface StatefulProxyOptions {
  realm: string;
  layer: TransactionLayer;
  router: Router;
  callers: Callers;
  flows: FlowTable;
  /** Answers a request to the network itself. */
  answer(transaction: ServerTransaction): void;
}

export class StatefulProxy {
  readonly #loops = new LoopGuard();
  readonly #forks = new Set<Fork>();
  #closed = false;

  constructor(private readonly options: StatefulProxyOptions) {}

  receive(transaction: ServerTransaction): void {
    const refusal = this.#accept(transaction);
    if (!refusal) return;
    const [status, headers = []] = refusal;
    transaction.respond(buildResponse(transaction.request, status, { headers }));
  }

  /** RFC 3261 §16.11: an ACK for a 2xx is forwarded without a transaction. A failure has no response. */
  forwardAck(ack: SipRequest, flow: SipFlow): void {
    const caller: Caller = { kind: 'unauthenticated' };
    const routed = copyOf(ack);
    this.#dropOurCredentials(routed.headers);
    const route = this.#check(ack) ? undefined : this.options.router.route(routed, flow, caller);
    const target = typeof route === 'object' && 'groups' in route ? route.groups[0]?.[0] : undefined;
    if (!target) return;
    Promise.resolve()
      .then(() => target.flow())
      .then((next) => {
        const request = this.#prepare(routed, target, next, 1);
        next.send(writeMessage(withVia(request, next).request));
      })
      .catch(() => {});
  }

  close(): void {
    this.#closed = true;
    for (const fork of [...this.#forks]) fork.end();
  }

  /** Sends the request to its targets, or returns the refusal. */
  #accept(transaction: ServerTransaction): Refusal | undefined {
    const { request, flow } = transaction;
    const refusal = this.#check(request);
    if (refusal) return refusal;
    const caller = this.options.callers.ofRequest(request, flow);
    if (caller.kind === 'challenge') {
      return [407, caller.values.map((value): Header => ['Proxy-Authenticate', value])];
    }
    const routed = copyOf(request);
    const route = this.options.router.route(routed, flow, caller);
    if (route !== 'network' && 'status' in route) return [route.status];
    if (this.#forks.size >= MAX_FORKS) return [500, [['Retry-After', '10']]];
    if (route === 'network') this.options.answer(transaction);
    else this.#fork(transaction, routed, route.groups, caller);
    return undefined;
  }

  /** RFC 3261 §16.3. */
  #check(request: SipRequest): Refusal | undefined {
    const { headers, uri } = request;
    const scheme = parseUri(uri);
    if (!scheme) return [400];
    if ('text' in scheme && scheme.scheme !== 'tel') return [416];
    if (Number(headers.get('Max-Forwards') ?? MAX_FORWARDS) <= 0) return [483];
    if (Number(headers.get('Max-Breadth') ?? MAX_BREADTH) <= 0) return [440];
    if (this.#loops.isLoop(request)) return [482];
    const unknown = headers.getAll('Proxy-Require').filter((tag) => !EXTENSIONS.has(tag.toLowerCase()));
    return unknown.length > 0 ? [420, [['Unsupported', unknown.join(', ')]]] : undefined;
  }

  #fork(
    transaction: ServerTransaction,
    routed: SipRequest,
    groups: readonly (readonly Target[])[],
    caller: Caller,
  ): void {
    const { request, flow } = transaction;
    assertIdentity(routed.headers, caller, this.options.callers);
    this.#dropOurCredentials(routed.headers);
    const dialog = DIALOG_METHODS.has(request.method);
    const fork: Fork = new Fork(transaction, groups, {
      prepare: (target, next, breadth) =>
        this.#prepare(routed, target, next, breadth, dialog ? flow : undefined),
      send: (prepared, next, handlers) => this.#send(request, prepared, next, handlers),
      finish: (response, target, from) => this.#finish(response, target, from, flow),
      onEnded: () => this.#forks.delete(fork),
    });
    this.#forks.add(fork);
    fork.start();
  }

  /** RFC 3261 §16.6 steps 1 to 6, and 9. */
  #prepare(
    routed: SipRequest,
    target: Target,
    next: SipFlow,
    breadth: number,
    dialogWith?: SipFlow,
  ): SipRequest {
    const request = copyOf(routed);
    const { headers } = request;
    request.uri = target.uri;
    headers.set('Max-Forwards', String(Number(headers.get('Max-Forwards') ?? MAX_FORWARDS + 1) - 1));
    const allowed = Number(headers.get('Max-Breadth') ?? MAX_BREADTH);
    headers.set('Max-Breadth', String(Math.floor(allowed / breadth)));
    if (target.called !== undefined) headers.set('P-Called-Party-ID', `<${target.called}>`);
    for (const route of [...target.route].reverse()) headers.prepend('Route', route);
    if (dialogWith) {
      // One value for each side (RFC 5658), with the port and the flow of that side.
      headers.prepend('Record-Route', `<${this.options.flows.recordRoute(dialogWith)}>`);
      headers.prepend('Record-Route', `<${this.options.flows.recordRoute(next)}>`);
    }
    if (!this.options.callers.isTrusted(next)) keepPrivacy(headers);
    applyStrictRoute(request);
    return request;
  }

  #send(
    original: SipRequest,
    request: SipRequest,
    flow: SipFlow,
    handlers: ClientHandlers,
  ): ClientTransaction {
    if (this.#closed) throw new TransportError('the network is closed');
    const transaction = this.options.layer.send(request, flow, {
      onResponse: (response) => {
        if (response.status >= 200) this.#loops.delete(transaction.branch);
        handlers.onResponse(response);
      },
      onFailure: (error) => {
        this.#loops.delete(transaction.branch);
        handlers.onFailure(error);
      },
    });
    this.#loops.add(transaction.branch, original);
    return transaction;
  }

  /** RFC 3325 §5: the sender of a response is also a user. */
  #finish(response: SipResponse, target: Target, from: SipFlow, to: SipFlow): void {
    const { callers } = this.options;
    const account = target.account ?? callers.onlyAccountOn(from);
    const trusted: Caller = { kind: 'trusted' };
    const answerer: Caller = account ? { kind: 'user', account } : { kind: 'unauthenticated' };
    assertIdentity(response.headers, callers.isTrusted(from) ? trusted : answerer, callers);
    if (!callers.isTrusted(to)) keepPrivacy(response.headers);
  }

  /** RFC 3261 §22.3: removes credentials for this realm, which no other hop needs. */
  #dropOurCredentials(headers: SipHeaders): void {
    const others = headers
      .getAll('Proxy-Authorization')
      .filter((value) => parseAuthParameters(value)?.[0]?.parameters.get('realm') !== this.options.realm);
    headers.set('Proxy-Authorization', others);
  }
}

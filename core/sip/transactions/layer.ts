/** The transaction layer (RFC 3261 17): between flows and whoever sends and answers requests. */

import { MalformedError } from '../../errors.js';
import {
  isRequest,
  type SipHeaders,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../message/message.js';
import type { SipFlow } from '../transport/flow.js';
import { parseNameAddr } from '../values/name-addr.js';
import { Via } from '../values/via.js';
import { parseCSeq } from '../wire/parser.js';
import { buildResponse } from '../wire/writer.js';
import type { ClientHandlers, ClientTransaction } from './client-machine.js';
import { ClientTransactions } from './client-transactions.js';
import { InviteServer } from './server-invite.js';
import {
  NonInviteServer,
  type ServerMachine,
  type ServerSetup,
  type ServerTransaction,
} from './server-machine.js';
import { answerStatelessly } from './stateless-answer.js';
import { DEFAULT_TIMERS, type SipTimers } from './timers.js';

export interface TransactionLayerOptions {
  /**
   * A request that is no retransmission, no ACK and no CANCEL. Answered 400 when this throws MalformedError, as
   * the parsers of header values do.
   */
  onRequest(transaction: ServerTransaction): void;
  /** The ACK of a 2xx that was not sent `untilAcknowledged`: a proxy forwards it. */
  onAck?(ack: SipRequest, flow: SipFlow): void;
  /** A response that belongs to no client transaction. */
  onStrayResponse?(response: SipResponse, flow: SipFlow): void;
  /** Answers 482 to a request that arrives by a second path (RFC 3261 8.2.2.2): for user agents, not for proxies. */
  detectMerged?: boolean;
  /**
   * Answers 487 to an INVITE that was cancelled, where its owner did not answer it in `onCancel`: for user agents. A
   * proxy waits for what its branches say.
   */
  refuseCancelled?: boolean;
  /** The connection to the same peer that took the place of one that was lost: responses leave by it. */
  replaceFlow?(lost: SipFlow): SipFlow | undefined;
  timers?: Partial<SipTimers>;
}

export class TransactionLayer {
  readonly #clients: ClientTransactions;
  readonly #servers: ServerTransactions;
  #closed = false;

  constructor(private readonly options: TransactionLayerOptions) {
    const timers = { ...DEFAULT_TIMERS, ...options.timers };
    this.#clients = new ClientTransactions(timers);
    this.#servers = new ServerTransactions({
      timers,
      detectMerged: options.detectMerged ?? false,
      refuseCancelled: options.refuseCancelled ?? false,
      replaceFlow: (lost) => options.replaceFlow?.(lost),
      onRequest: (transaction) => options.onRequest(transaction),
      onAck: (ack, flow) => options.onAck?.(ack, flow),
    });
  }

  /** A message from the network, with `received` and `rport` on a request's top Via. */
  receive(message: SipMessage, flow: SipFlow): void {
    if (this.#closed) return;
    if (isRequest(message)) this.#servers.receive(message, flow);
    else if (!this.#clients.receive(message)) this.options.onStrayResponse?.(message, flow);
  }

  /**
   * Sends a copy of `request` with a Via on top whose branch is fresh. An ACK of a 2xx is no transaction: send it
   * with `withVia`.
   * @throws MalformedError for a request that cannot be written.
   */
  send(request: SipRequest, flow: SipFlow, handlers: ClientHandlers): ClientTransaction {
    return this.#clients.send(request, flow, handlers);
  }

  /** Fails the client transactions on this flow with TransportError. */
  flowClosed(flow: SipFlow): void {
    this.#clients.flowClosed(flow);
  }

  /** Fails every client transaction and forgets every server transaction; what arrives later is dropped. */
  close(): void {
    this.#closed = true;
    this.#clients.close();
    this.#servers.close();
  }
}

/** The server transactions that are alive. */

/**
 * Server transactions alive at once. Each holds its last response (some 500 bytes) for up to 32 s over UDP: this
 * is 3000 requests a second, and 100 MB.
 */
export const MAX_SERVER_TRANSACTIONS = 100_000;

/** Seconds a peer is asked to wait when there are too many: about Timer J, when the oldest of them end. */
const OVERLOAD_RETRY_AFTER = 30;

export interface ServerTransactionsOptions {
  timers: SipTimers;
  detectMerged: boolean;
  refuseCancelled: boolean;
  replaceFlow(flow: SipFlow): SipFlow | undefined;
  onRequest(transaction: ServerTransaction): void;
  /** An ACK that no transaction here expects: of a 2xx that a proxy forwarded, or a late one. */
  onAck(ack: SipRequest, flow: SipFlow): void;
}

export class ServerTransactions {
  readonly #machines = new Map<string, ServerMachine>();
  /** Of requests outside dialogs, where copies that come by another path are looked for. */
  readonly #merged = new Set<string>();
  readonly #awaitingAck = new Map<string, ServerMachine>();

  constructor(private readonly options: ServerTransactionsOptions) {}

  receive(request: SipRequest, flow: SipFlow): void {
    const via = Via.parse(request.headers.get('Via') ?? '');
    // The parser lets no such request through; without a Via there is no way back to answer by.
    if (!via) return;
    if (request.method === 'ACK') this.#receiveAck(request, via, flow);
    else this.#receive(request, via, flow);
  }

  close(): void {
    for (const machine of [...this.#machines.values()]) machine.terminate();
  }

  #receive(request: SipRequest, via: Via, flow: SipFlow): void {
    const key = serverKey(request, via);
    const alive = this.#machines.get(key);
    if (alive) {
      alive.receiveAgain();
      return;
    }
    if (this.#machines.size >= MAX_SERVER_TRANSACTIONS) {
      // Not 503: a proxy would turn it into a 500 without Retry-After (RFC 3261 16.7).
      answerStatelessly(request, flow, 500, [['Retry-After', String(OVERLOAD_RETRY_AFTER)]]);
      return;
    }
    if (request.method === 'CANCEL') {
      this.#cancel(this.#start(request, flow, key), request, via);
      return;
    }
    const merged = this.options.detectMerged ? mergedKey(request) : undefined;
    if (merged !== undefined && this.#merged.has(merged)) {
      this.#start(request, flow, key).user?.respond(buildResponse(request, 482));
    } else {
      this.#deliver(this.#start(request, flow, key, merged));
    }
  }

  #deliver(machine: ServerMachine): void {
    const { user } = machine;
    if (!user) return;
    try {
      this.options.onRequest(user);
    } catch (error) {
      // Headers are parsed when somebody asks for them: what is malformed in one shows only there.
      if (!(error instanceof MalformedError)) throw error;
      user.respond(buildResponse(user.request, 400));
    }
  }

  /** RFC 3261 9.2. */
  #cancel(machine: ServerMachine, cancel: SipRequest, via: Via): void {
    const invite = this.#machines.get(serverKey(cancel, via, 'INVITE'));
    if (!invite) {
      machine.user?.respond(buildResponse(cancel, 481));
      return;
    }
    const toTag = invite.localTag;
    machine.user?.respond(buildResponse(cancel, 200, toTag === undefined ? {} : { toTag }));
    invite.receiveCancel();
    const { user } = invite;
    if (this.options.refuseCancelled && user && !user.answered)
      user.respond(buildResponse(user.request, 487));
  }

  #receiveAck(ack: SipRequest, via: Via, flow: SipFlow): void {
    const machine =
      this.#machines.get(serverKey(ack, via, 'INVITE')) ??
      this.#awaitingAck.get(acknowledgementKey(ack.headers));
    if (!machine?.receiveAck(ack)) this.options.onAck(ack, flow);
  }

  #start(request: SipRequest, flow: SipFlow, key: string, merged?: string): ServerMachine {
    const Machine = request.method === 'INVITE' ? InviteServer : NonInviteServer;
    const { timers, replaceFlow } = this.options;
    const setup = { timers, replaceFlow, ...this.#bookkeeping(key, merged) };
    const machine: ServerMachine = new Machine({ request, flow, ...setup });
    this.#machines.set(key, machine);
    if (merged !== undefined) this.#merged.add(merged);
    machine.start();
    return machine;
  }

  /** Apart from `#start`: what is made here lives as long as the transaction, and must not hold its request. */
  #bookkeeping(key: string, merged: string | undefined): Pick<ServerSetup, 'onTerminated' | 'expectAck'> {
    let ackKey: string | undefined;
    return {
      onTerminated: () => {
        this.#machines.delete(key);
        if (merged !== undefined) this.#merged.delete(merged);
        if (ackKey !== undefined) this.#awaitingAck.delete(ackKey);
      },
      expectAck: (response, machine) => {
        ackKey = acknowledgementKey(response.headers);
        this.#awaitingAck.set(ackKey, machine);
      },
    };
  }
}

/** An ACK and a CANCEL have the key of their INVITE when `method` says so. */
export function serverKey(request: SipRequest, via: Via, method = request.method): string {
  const { branch } = via;
  if (branch?.startsWith(MAGIC_COOKIE)) return `${branch} ${via.sentBy.toLowerCase()} ${method}`;
  // A client of RFC 2543: all that a retransmission, an ACK and a CANCEL share with the request. The To tag is
  // not among it, since an ACK has that of the response.
  const { headers, uri } = request;
  return `${headers.get('Call-ID')} ${cseqNumber(headers)} ${fromTag(headers)} ${uri} ${via} ${method}`;
}

/** RFC 3261 8.2.2.2: the same request that came by two paths. Undefined inside a dialog. */
export function mergedKey({ headers, method }: SipRequest): string | undefined {
  if (tag(headers, 'To') !== undefined) return undefined;
  return `${headers.get('Call-ID')} ${cseqNumber(headers)} ${fromTag(headers)} ${method}`;
}

/** What a 2xx to INVITE and its ACK share: the dialog and the number. The ACK has a branch of its own. */
export function acknowledgementKey(headers: SipHeaders): string {
  return `${headers.get('Call-ID')} ${cseqNumber(headers)} ${fromTag(headers)} ${tag(headers, 'To')}`;
}

export function tag(headers: SipHeaders, name: 'From' | 'To'): string | undefined {
  return parseNameAddr(headers.get(name) ?? '')?.tag;
}

function fromTag(headers: SipHeaders): string | undefined {
  return tag(headers, 'From');
}

function cseqNumber(headers: SipHeaders): number | undefined {
  return parseCSeq(headers.get('CSeq') ?? '')?.number;
}

const MAGIC_COOKIE = 'z9hG4bK';

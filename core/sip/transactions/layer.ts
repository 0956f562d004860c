/** The transaction layer (RFC 3261 §17): between flows and the senders and handlers of requests. */

import { platform } from '#platform';
import { MalformedError } from '../../errors.js';
import { peerOf } from '../../platform/bounds.js';
import { isRequest, type SipMessage, type SipRequest, type SipResponse } from '../message/message.js';
import { buildResponse } from '../message/writer.js';
import type { SipFlow } from '../transport/flow.js';
import type { ClientHandlers, ClientTransaction } from './client-machine.js';
import { ClientTransactions } from './client-transactions.js';
import { InviteServer } from './server-invite.js';
import {
  NonInviteServer,
  type ServerMachine,
  type ServerSetup,
  type ServerTransaction,
  sizeOf,
} from './server-machine.js';
import { answerStatelessly } from './stateless-answer.js';
import { type SipTimers, sipTimers, type TimerBase } from './timers.js';

/** Bounds of the memory of server transactions, in bytes. */
export interface ServerTransactionLimits {
  total: number;
  /** Of one address, or a /64 of IPv6. */
  perPeer: number;
}

const MEBIBYTE = 1024 * 1024;

/**
 * A finished transaction keeps its last response, 1.5 KB in all, for up to 32 s over UDP. The limit of a peer allows 600
 * requests a second; beyond it, transactions are kept for a shorter time.
 */
const LIMITS: ServerTransactionLimits = { total: 64 * MEBIBYTE, perPeer: 32 * MEBIBYTE };

/** Part of a limit that is freed at once, so that the oldest transactions are not searched for each request. */
const FREED_AT_ONCE = 16;

/** A longer key is hashed: its parts come from the peer. */
const MAX_KEY_LENGTH = 256;

/** Retry-After, in seconds, when there are too many transactions: about Timer J, when the oldest of them end. */
const OVERLOAD_RETRY_AFTER = 30;

/** Begins each branch of RFC 3261. */
const MAGIC_COOKIE = 'z9hG4bK';

export interface TransactionLayerOptions {
  /**
   * Handles a request that is not a retransmission, an ACK or a CANCEL. The request is answered 400 if this throws
   * MalformedError, as the parsers of header values do.
   */
  onRequest(transaction: ServerTransaction): void;
  /** Handles the ACK of a 2xx that was not sent `untilAcknowledged`: a proxy forwards it. */
  onAck?(ack: SipRequest, flow: SipFlow): void;
  /** Handles a response that matches no client transaction. */
  onStrayResponse?(response: SipResponse, flow: SipFlow): void;
  /** Answers 482 to a request that arrives by a second path (RFC 3261 §8.2.2.2): for user agents, not for proxies. */
  detectMerged?: boolean;
  /**
   * Answers 487 to an INVITE that is cancelled, unless `onCancel` has answered it: for user agents. A proxy waits for the
   * responses of its branches.
   */
  refuseCancelled?: boolean;
  /** The connection to the same peer that replaces a lost one: responses are sent on it. */
  replaceFlow?(lost: SipFlow): SipFlow | undefined;
  timers?: Partial<TimerBase>;
  /** 64 MiB of server transactions, 32 MiB of each peer by default. */
  serverLimits?: ServerTransactionLimits;
}

/** The server transactions of one peer, the oldest first. */
class PeerTransactions {
  /** Their memory, in bytes. */
  size = 0;
  readonly all = new Set<ServerMachine>();
  /** Those that may end early. */
  readonly finished = new Set<ServerMachine>();
}

export class TransactionLayer {
  readonly #timers: SipTimers;
  readonly #clients: ClientTransactions;
  readonly #servers = new Map<string, ServerMachine>();
  /** Memory of the server transactions, in bytes. */
  #size = 0;
  readonly #peers = new Map<string, PeerTransactions>();
  /** Keys of requests outside dialogs, to detect copies that arrive by a second path. */
  readonly #merged = new Set<string>();
  /** INVITE transactions by the key of the ACK to their 2xx. */
  readonly #awaitingAck = new Map<string, ServerMachine>();
  #closed = false;
  readonly #replaceFlow = (lost: SipFlow) => this.options.replaceFlow?.(lost);

  constructor(private readonly options: TransactionLayerOptions) {
    this.#timers = sipTimers(options.timers);
    this.#clients = new ClientTransactions(this.#timers);
  }

  /** Receives a message from the network; a request has `received` and `rport` in its top Via. A handler for flows. */
  readonly receive = (message: SipMessage, flow: SipFlow): void => {
    if (this.#closed) return;
    if (!isRequest(message)) {
      if (!this.#clients.receive(message)) this.options.onStrayResponse?.(message, flow);
    } else if (message.method === 'ACK') {
      this.#receiveAck(message, flow);
    } else {
      this.#receiveRequest(message, flow);
    }
  };

  /**
   * Sends a copy of `request` with a Via on top that has a new branch. The ACK of a 2xx is not a transaction: send it
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

  /** Fails every client transaction and ends every server transaction. Messages that arrive later are dropped. */
  close(): void {
    this.#closed = true;
    this.#clients.close();
    for (const machine of [...this.#servers.values()]) machine.terminate();
  }

  #receiveRequest(request: SipRequest, flow: SipFlow): void {
    const key = serverKey(request);
    const known = this.#servers.get(key);
    if (known) {
      known.receiveRetransmission();
      return;
    }
    if (!this.#makeRoom(peerOfFlow(flow), sizeOf(request))) {
      // Not 503: a proxy turns it into a 500 (RFC 3261 §16.7), some without Retry-After.
      answerStatelessly(request, flow, 500, [['Retry-After', String(OVERLOAD_RETRY_AFTER)]]);
      return;
    }
    if (request.method === 'CANCEL') {
      this.#cancel(this.#start(request, flow, key), request);
      return;
    }
    const merged = this.options.detectMerged ? mergedKey(request) : undefined;
    if (merged !== undefined && this.#merged.has(merged)) {
      this.#start(request, flow, key).user?.respond(buildResponse(request, 482));
    } else {
      this.#deliver(this.#start(request, flow, key, merged));
    }
  }

  /**
   * Ends transactions if a limit is reached: finished ones of the peer, or the oldest of the peer with the most.
   * @returns false if the request of this peer has to be refused.
   */
  #makeRoom(peer: string, size: number): boolean {
    const { total, perPeer } = this.options.serverLimits ?? LIMITS;
    const own = this.#peers.get(peer) ?? new PeerTransactions();
    if (own.size + size > perPeer) {
      this.#end(own, own.size + size - perPeer + perPeer / FREED_AT_ONCE, true);
      if (own.size + size > perPeer) return false;
    }
    if (this.#size + size <= total) return true;
    let largest = own;
    for (const each of this.#peers.values()) if (each.size > largest.size) largest = each;
    // Unanswered requests of other peers have no priority over those of this one.
    this.#end(largest, this.#size + size - total + total / FREED_AT_ONCE, largest === own);
    return this.#size + size <= total;
  }

  /** Ends the oldest transactions of a peer until this number of bytes is free: each step ends one. */
  #end({ finished, all }: PeerTransactions, bytes: number, onlyFinished: boolean): void {
    const enough = this.#size - bytes;
    for (const machines of onlyFinished ? [finished] : [finished, all]) {
      for (const machine of machines) {
        if (this.#size <= enough) return;
        machine.terminate();
      }
    }
  }

  #deliver(machine: ServerMachine): void {
    const { user } = machine;
    if (!user) return;
    try {
      this.options.onRequest(user);
    } catch (error) {
      // Most header values are parsed on demand: a malformed one is found only here.
      if (!(error instanceof MalformedError)) throw error;
      user.respond(buildResponse(user.request, 400));
    }
  }

  /** RFC 3261 §9.2. */
  #cancel(machine: ServerMachine, cancel: SipRequest): void {
    const invite = this.#servers.get(serverKey(cancel, 'INVITE'));
    if (!invite) {
      machine.user?.respond(buildResponse(cancel, 481));
      return;
    }
    machine.user?.respond(buildResponse(cancel, 200, { toTag: invite.localTag }));
    invite.receiveCancel();
    const { user } = invite;
    if (this.options.refuseCancelled && user && !user.answered)
      user.respond(buildResponse(user.request, 487));
  }

  #receiveAck(ack: SipRequest, flow: SipFlow): void {
    const machine =
      this.#servers.get(serverKey(ack, 'INVITE')) ?? this.#awaitingAck.get(acknowledgementKey(ack));
    if (!machine?.receiveAck(ack)) this.options.onAck?.(ack, flow);
  }

  #start(request: SipRequest, flow: SipFlow, key: string, merged?: string): ServerMachine {
    const Machine = request.method === 'INVITE' ? InviteServer : NonInviteServer;
    const peer = peerOfFlow(flow);
    const transactions = this.#peers.get(peer) ?? new PeerTransactions();
    this.#peers.set(peer, transactions);
    const machine: ServerMachine = new Machine({
      ...{ request, flow, timers: this.#timers, replaceFlow: this.#replaceFlow },
      ...this.#callbacks(key, peer, transactions, merged),
    });
    this.#servers.set(key, machine);
    transactions.all.add(machine);
    if (merged !== undefined) this.#merged.add(merged);
    machine.start();
    return machine;
  }

  /** Separate from `#start`: these functions live as long as the transaction and must not keep its request in memory. */
  #callbacks(
    key: string,
    peer: string,
    transactions: PeerTransactions,
    merged: string | undefined,
  ): Pick<ServerSetup, 'onSize' | 'onFinished' | 'onTerminated' | 'expectAck'> {
    let ackKey: string | undefined;
    return {
      onSize: (change) => {
        this.#size += change;
        transactions.size += change;
      },
      onFinished: (machine) => transactions.finished.add(machine),
      onTerminated: (machine) => {
        this.#servers.delete(key);
        transactions.finished.delete(machine);
        transactions.all.delete(machine);
        if (transactions.all.size === 0) this.#peers.delete(peer);
        if (merged !== undefined) this.#merged.delete(merged);
        if (ackKey !== undefined) this.#awaitingAck.delete(ackKey);
      },
      expectAck: (response, machine) => {
        ackKey = acknowledgementKey(response);
        this.#awaitingAck.set(ackKey, machine);
      },
    };
  }
}

/** A call is needed for IPv6 only. */
function peerOfFlow({ remote: { host } }: SipFlow): string {
  return host.includes(':') ? peerOf(host) : host;
}

function boundedKey(key: string): string {
  return key.length <= MAX_KEY_LENGTH ? key : platform.hash('sha-256', key);
}

/** Matches a request to a transaction (RFC 3261 §17.2.3). With `method` INVITE, an ACK or a CANCEL finds its INVITE. */
function serverKey({ headers, method: own, uri }: SipRequest, method = own): string {
  const { via, from, cseq } = headers;
  if (via?.branch?.startsWith(MAGIC_COOKIE)) {
    return boundedKey(`${via.branch} ${via.sentBy.toLowerCase()} ${method}`);
  }
  // A client of RFC 2543: the values that a retransmission, an ACK and a CANCEL share with the request. The To tag is not
  // one of them, because an ACK has the To tag of the response.
  return boundedKey(`${headers.get('Call-ID')} ${cseq?.number} ${from?.tag} ${uri} ${via} ${method}`);
}

/** Identifies the same request by two paths (RFC 3261 §8.2.2.2). Undefined in a dialog. */
function mergedKey({ headers, method }: SipRequest): string | undefined {
  const { from, to, cseq } = headers;
  if (to?.tag !== undefined) return undefined;
  return boundedKey(`${headers.get('Call-ID')} ${cseq?.number} ${from?.tag} ${method}`);
}

/** The dialog and the number that a 2xx to INVITE and its ACK share. The ACK has a branch of its own. */
function acknowledgementKey({ headers }: SipRequest | SipResponse): string {
  const { from, to, cseq } = headers;
  return boundedKey(`${headers.get('Call-ID')} ${cseq?.number} ${from?.tag} ${to?.tag}`);
}

/** The transaction layer (RFC 3261 17): between flows and whoever sends and answers requests. */

import { isRequest, type SipMessage, type SipRequest, type SipResponse } from '../message/message.js';
import type { SipFlow } from '../transport/flow.js';
import type { ClientHandlers, ClientTransaction } from './client-machine.js';
import { ClientTransactions } from './client-transactions.js';
import type { ServerTransaction } from './server-machine.js';
import { ServerTransactions } from './server-transactions.js';
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
  /** Server transactions alive at once. */
  maxServerTransactions?: number;
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
      maxTransactions: options.maxServerTransactions,
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

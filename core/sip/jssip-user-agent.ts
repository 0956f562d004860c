/**
 * JsSIP behind the door: its user agent keeps the configuration, picks a server, recovers lost connections
 * with backoff, and schedules registrations. What it does not do well (bytes, transactions, digest, Via and
 * Contact) happens in this room; every REGISTER it composes leaves by `carry`.
 */

import { UA } from 'jssip';
import type { OutgoingRequest } from 'jssip/lib/SIPMessage.js';
import { TransportError } from '../errors.js';
import type { ClientFlow } from './connect.js';
import type { SipFlow } from './flow.js';
import { type RegisterAnswer, toIncomingResponse } from './jssip-messages.js';
import { ServerSocket, type ServerSocketEvents } from './server-socket.js';

/** What JsSIP's RequestSender hands to `UA.newTransaction` (JsSIP 3.13.8, Transactions.js). */
interface JsSipClientTransaction {
  request: OutgoingRequest & { extraHeaders: string[] };
  send(): void;
  eventHandlers: {
    onReceiveResponse(response: unknown): void;
    onRequestTimeout(): void;
    onTransportError(): void;
  };
}

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

export class JsSipUserAgent extends UA {
  readonly #options: JsSipUserAgentOptions;
  readonly #sockets: readonly ServerSocket[];

  constructor(options: JsSipUserAgentOptions) {
    // Sockets of a higher weight are taken first: the configured order.
    const sockets = options.servers.map((server) => new ServerSocket(server, options.connect, options));
    super({
      sockets: sockets.map((socket, index) => ({ socket, weight: sockets.length - index })),
      // JsSIP wants an identity; the REGISTER that leaves has ours, which may be none that its grammar knows.
      uri: `sip:${options.contactUser}@invalid.invalid`,
      register: options.register,
      register_expires: options.expires,
      instance_id: options.instanceId.replace(/^urn:uuid:/i, ''),
      contact_uri: `sip:${options.contactUser}@invalid.invalid`,
      session_timers: false,
      connection_recovery_min_interval: RECOVERY_SECONDS.least,
      connection_recovery_max_interval: RECOVERY_SECONDS.most,
    });
    this.#options = options;
    this.#sockets = sockets;
  }

  /** A flow was lost, or its server does not answer: JsSIP recovers. */
  flowFailed(flow: SipFlow, error: Error): void {
    this.#sockets.find((socket) => socket.isFlow(flow))?.fail(error);
  }

  /**
   * JsSIP calls this from the constructor of each client transaction, just before it sends it. Its own state
   * machines have no retransmission, ten million branches, and take a received 408 for a time-out: the
   * request travels on ours instead. JsSIP keeps no record of it, so nothing needs destroying.
   */
  newTransaction(transaction: JsSipClientTransaction): void {
    transaction.send = () => {
      void this.#send(transaction);
    };
  }

  async #send({ request, eventHandlers }: JsSipClientTransaction): Promise<void> {
    try {
      const answer = await this.#options.carry({
        callId: request.call_id,
        cseq: request.cseq,
        fromTag: String(request.from.getParam('tag')),
        expires: Number(request.getHeader('expires') ?? 0),
      });
      eventHandlers.onReceiveResponse(toIncomingResponse(answer, request.cseq, this.#options.contactUser));
    } catch (error) {
      if (error instanceof TransportError) eventHandlers.onTransportError();
      else eventHandlers.onRequestTimeout();
    }
    this.#options.onSettled();
  }
}

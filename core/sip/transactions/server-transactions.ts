/** The server transactions that are alive. */

import { MalformedError } from '../../errors.js';
import type { SipRequest } from '../message/message.js';
import type { SipFlow } from '../transport/flow.js';
import { Via } from '../values/via.js';
import { buildResponse } from '../wire/writer.js';
import { acknowledgementKey, mergedKey, serverKey } from './keys.js';
import { InviteServer } from './server-invite.js';
import type { ServerMachine, ServerSetup, ServerTransaction } from './server-machine.js';
import { NonInviteServer } from './server-non-invite.js';
import { answerStatelessly } from './stateless-answer.js';
import type { SipTimers } from './timers.js';

/**
 * Server transactions alive at once. Each holds its last response (some 500 bytes) for up to 32 s over UDP: this
 * is 3000 requests a second, and 100 MB.
 */
const MAX_SERVER_TRANSACTIONS = 100_000;

/** Seconds a peer is asked to wait when there are too many: about Timer J, when the oldest of them end. */
const OVERLOAD_RETRY_AFTER = 30;

export interface ServerTransactionsOptions {
  timers: SipTimers;
  /** Alive at once; 100,000 when absent. */
  maxTransactions: number | undefined;
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
    if (this.#machines.size >= (this.options.maxTransactions ?? MAX_SERVER_TRANSACTIONS)) {
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

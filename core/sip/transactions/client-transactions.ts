/** The client transactions of a layer: starts them, and matches responses to them (RFC 3261 §17.1.3). */

import { platform } from '#platform';
import { TransportError } from '../../errors.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { SipFlow } from '../transport/flow.js';
import { hostPort } from '../transport/transport-uri.js';
import { InviteClient } from './client-invite.js';
import type { ClientHandlers, ClientMachine, ClientTransaction } from './client-machine.js';
import { NonInviteClient } from './client-non-invite.js';
import type { SipTimers } from './timers.js';

/** RFC 3261 §8.1.1.7 requires a branch to be unique across space and time: 128 random bits need no counter. */
const BRANCH_BYTES = 16;

/** The request as sent on `flow`: a copy with our Via on top, which has a new branch. */
export function withVia(request: SipRequest, flow: SipFlow): { request: SipRequest; branch: string } {
  const branch = `z9hG4bK${platform.randomHex(BRANCH_BYTES)}`;
  const { host, port } = flow.local;
  // RFC 3581: over UDP the response must come back through our NAT; on a connection it always does.
  const rport = flow.reliable ? '' : ';rport';
  // RFC 6223 §4.1: the answer to a REGISTER says how often keep-alives are wanted.
  const keep = request.method === 'REGISTER' ? ';keep' : '';
  const via = `SIP/2.0/${flow.transport} ${hostPort(host, port)};branch=${branch}${rport}${keep}`;
  return { request: { ...request, headers: request.headers.clone().prepend('Via', via) }, branch };
}

export class ClientTransactions {
  readonly #machines = new Map<string, ClientMachine>();
  readonly #ofFlow = new Map<SipFlow, Set<ClientMachine>>();

  constructor(private readonly timers: SipTimers) {}

  send(request: SipRequest, flow: SipFlow, handlers: ClientHandlers): ClientTransaction {
    const sent = withVia(request, flow);
    return this.#start(sent.request, sent.branch, flow, handlers);
  }

  /** False if the response matches no transaction. */
  receive(response: SipResponse): boolean {
    const { via, cseq } = response.headers;
    // RFC 3261 §18.1.2 also compares sent-by: our branches are random, so the branch is sufficient.
    if (via?.branch === undefined || !cseq) return false;
    const machine = this.#machines.get(clientKey(via.branch, cseq.method));
    machine?.receive(response);
    return machine !== undefined;
  }

  flowClosed(flow: SipFlow): void {
    const error = new TransportError('the connection was lost before a final response arrived');
    for (const machine of [...(this.#ofFlow.get(flow) ?? [])]) machine.fail(error);
  }

  close(): void {
    const error = new TransportError('the transaction layer was closed before a final response arrived');
    for (const machine of [...this.#machines.values()]) machine.fail(error);
  }

  #start(request: SipRequest, branch: string, flow: SipFlow, handlers: ClientHandlers): ClientMachine {
    const key = clientKey(branch, request.method);
    const Machine = request.method === 'INVITE' ? InviteClient : NonInviteClient;
    const machine: ClientMachine = new Machine({
      request,
      branch,
      flow,
      timers: this.timers,
      handlers,
      onTerminated: () => this.#delete(key, flow, machine),
      // The CANCEL has the branch of its INVITE. Its response is not needed.
      sendCancel: (cancel) => this.#start(cancel, branch, flow, { onResponse() {}, onFailure() {} }),
    });
    this.#machines.set(key, machine);
    const ofFlow = this.#ofFlow.get(flow);
    if (ofFlow) ofFlow.add(machine);
    else this.#ofFlow.set(flow, new Set([machine]));
    machine.start();
    return machine;
  }

  #delete(key: string, flow: SipFlow, machine: ClientMachine): void {
    this.#machines.delete(key);
    const ofFlow = this.#ofFlow.get(flow);
    ofFlow?.delete(machine);
    if (ofFlow?.size === 0) this.#ofFlow.delete(flow);
  }
}

function clientKey(branch: string, method: string): string {
  return `${branch} ${method}`;
}

/** The client transactions that are alive. */

import { platform } from '#platform';
import { TransportError } from '../../errors.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { SipFlow } from '../transport/flow.js';
import { hostPort } from '../transport/transport-uri.js';
import { Via } from '../values/via.js';
import { parseCSeq } from '../wire/parser.js';
import { InviteClient } from './client-invite.js';
import type { ClientHandlers, ClientMachine, ClientTransaction } from './client-machine.js';
import { NonInviteClient } from './client-non-invite.js';
import type { SipTimers } from './timers.js';

/** RFC 3261 8.1.1.7 asks for uniqueness across space and time: 128 random bits need no count of what was used. */
const BRANCH_BYTES = 16;

/** The request as it shall travel on `flow`: a copy with our Via, and a fresh branch in it, on top. */
export function withVia(request: SipRequest, flow: SipFlow): { request: SipRequest; branch: string } {
  const branch = `z9hG4bK${platform.randomHex(BRANCH_BYTES)}`;
  const { host, port } = flow.local;
  // RFC 3581: over UDP the answer has to come back through our NAT; a connection is its own way back.
  const rport = flow.reliable ? '' : ';rport';
  const via = `SIP/2.0/${flow.transport} ${hostPort(host, port)};branch=${branch}${rport}`;
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

  /** False when the response belongs to no transaction here. */
  receive(response: SipResponse): boolean {
    const { headers } = response;
    // RFC 3261 18.1.2 compares sent-by as well: nobody else's branch is ours, so the branch says it all.
    const branch = Via.parse(headers.get('Via') ?? '')?.branch;
    const method = parseCSeq(headers.get('CSeq') ?? '')?.method;
    if (branch === undefined || method === undefined) return false;
    const machine = this.#machines.get(clientKey(branch, method));
    machine?.receive(response);
    return machine !== undefined;
  }

  flowClosed(flow: SipFlow): void {
    const error = new TransportError('the connection was lost before a final response came');
    for (const machine of [...(this.#ofFlow.get(flow) ?? [])]) machine.fail(error);
  }

  close(): void {
    const error = new TransportError('the transaction layer was closed before a final response came');
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
      onTerminated: () => this.#forget(key, flow, machine),
      // The CANCEL has the branch of its INVITE; nobody waits for its answer.
      sendCancel: (cancel) => this.#start(cancel, branch, flow, { onResponse() {}, onFailure() {} }),
    });
    this.#machines.set(key, machine);
    const siblings = this.#ofFlow.get(flow);
    if (siblings) siblings.add(machine);
    else this.#ofFlow.set(flow, new Set([machine]));
    machine.start();
    return machine;
  }

  #forget(key: string, flow: SipFlow, machine: ClientMachine): void {
    this.#machines.delete(key);
    const siblings = this.#ofFlow.get(flow);
    siblings?.delete(machine);
    if (siblings?.size === 0) this.#ofFlow.delete(flow);
  }
}

export function clientKey(branch: string, method: string): string {
  return `${branch} ${method}`;
}

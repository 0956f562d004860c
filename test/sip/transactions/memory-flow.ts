import { TransportError } from '../../../core/errors.js';
import type { Address } from '../../../core/platform/sockets.js';
import {
  isRequest,
  NO_BODY,
  SipHeaders,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../../../core/sip/message/message.js';
import { parseMessage } from '../../../core/sip/message/parser.js';
import { buildResponse } from '../../../core/sip/message/writer.js';
import type { ServerTransaction } from '../../../core/sip/transactions/server-machine.js';
import type { SipFlow } from '../../../core/sip/transport/flow.js';

/** A flow without a network that stores the sent messages, parsed as by its peer. */
export class MemoryFlow implements SipFlow {
  readonly local: Address = { host: '192.0.2.1', port: 5060 };
  closed = false;
  readonly sent: SipMessage[] = [];
  readonly others = new Map<string, MemoryFlow>();

  constructor(
    readonly transport: 'UDP' | 'TCP',
    readonly remote: Address = { host: '192.0.2.2', port: 5060 },
  ) {}

  get reliable(): boolean {
    return this.transport !== 'UDP';
  }

  send(bytes: Uint8Array): void {
    if (this.closed) throw new TransportError('closed');
    this.sent.push(parseMessage(bytes));
  }

  to(address: Address): SipFlow {
    const flow = new MemoryFlow(this.transport, address);
    this.others.set(`${address.host}:${address.port}`, flow);
    return flow;
  }

  /** Start lines of the sent messages: methods and status codes. */
  get lines(): (string | number)[] {
    return this.sent.map((message) => (isRequest(message) ? message.method : message.status));
  }

  last(): SipMessage {
    const message = this.sent.at(-1);
    if (!message) throw new Error('nothing was sent');
    return message;
  }
}

export interface RequestParts {
  via?: string;
  toTag?: string;
  cseq?: number;
  callId?: string;
  uri?: string;
  body?: Uint8Array;
}

export function request(method: string, parts: RequestParts = {}): SipRequest {
  const headers = new SipHeaders()
    .set('Max-Forwards', '70')
    .set('From', '<sip:psa@domain.test>;tag=a1')
    .set('To', `<sip:bob@domain.test>${parts.toTag === undefined ? '' : `;tag=${parts.toTag}`}`)
    .set('Call-ID', parts.callId ?? 'call-1')
    .set('CSeq', `${parts.cseq ?? 1} ${method}`);
  if (parts.via !== undefined) headers.prepend('Via', parts.via);
  return { method, uri: parts.uri ?? 'sip:bob@domain.test', headers, body: parts.body ?? NO_BODY };
}

export function branchVia(branch: string, sentBy = '192.0.2.2:5060', transport = 'UDP'): string {
  return `SIP/2.0/${transport} ${sentBy};branch=z9hG4bK${branch};rport=5060;received=192.0.2.2`;
}

/** A response of a peer to the request that was sent. */
export function answer(sent: SipMessage, status: number, toTag = 'b1'): SipResponse {
  if (!isRequest(sent)) throw new Error('a response cannot be answered');
  return buildResponse(sent, status, { toTag });
}

export function onlyOne<T>(values: readonly T[]): T {
  const [first, ...others] = values;
  if (first === undefined || others.length > 0) throw new Error(`${values.length} instead of one`);
  return first;
}

/** A user of a transaction layer that stores its events. */
export class Recorder {
  readonly transactions: ServerTransaction[] = [];
  readonly acks: SipRequest[] = [];
  readonly strays: SipResponse[] = [];
  readonly onRequest = (transaction: ServerTransaction) => void this.transactions.push(transaction);
  readonly onAck = (ack: SipRequest) => void this.acks.push(ack);
  readonly onStrayResponse = (response: SipResponse) => void this.strays.push(response);
}

/** A user of a client transaction that stores its events. */
export class ClientRecorder {
  readonly responses: SipResponse[] = [];
  readonly failures: Error[] = [];
  readonly onResponse = (response: SipResponse) => void this.responses.push(response);
  readonly onFailure = (error: Error) => void this.failures.push(error);

  get statuses(): number[] {
    return this.responses.map(({ status }) => status);
  }
}

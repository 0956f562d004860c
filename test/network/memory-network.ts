import { TransportError } from '../../core/errors.js';
import { answerChallenge } from '../../core/sip/authentication/digest.js';
import {
  isRequest,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../../core/sip/message/message.js';
import { parseMessage } from '../../core/sip/message/parser.js';
import { buildResponse, writeMessage } from '../../core/sip/message/writer.js';
import type { SipFlow, SipTransport } from '../../core/sip/transport/flow.js';
import { NetworkCore } from '../../sdk/network/core.js';
import type { NetworkOptions } from '../../sdk/network/options.js';

const LOCAL = { host: '127.0.0.1', port: 5060 };
let serial = 0;

/** A network core without sockets: its UDP and TCP port are 127.0.0.1:5060. */
export class MemoryNetwork {
  readonly core: NetworkCore;
  readonly #peers = new Map<string, MemoryPeer>();

  constructor(options: NetworkOptions = {}) {
    this.core = new NetworkCore(options);
    this.#listen('udp');
    this.#listen('tcp');
  }

  peer(port: number, transport: SipTransport = 'TCP', host = '127.0.0.1'): MemoryPeer {
    const peer = new MemoryPeer(this, { transport, host, port });
    this.#peers.set(`${transport} ${host}:${port}`, peer);
    return peer;
  }

  /** A registered device. */
  async device(port: number, options: DeviceOptions = {}): Promise<MemoryPeer> {
    const peer = this.peer(port, options.transport);
    const response = await peer.register(options);
    if (response.status !== 200) throw new Error(`REGISTER was answered ${response.status}`);
    return peer;
  }

  #listen(transport: 'udp' | 'tcp'): void {
    this.core.addListener({
      uri: `sip:${LOCAL.host}:${LOCAL.port};transport=${transport}`,
      flowTo: ({ host, port }) => {
        const peer = this.#peers.get(`UDP ${host}:${port}`) ?? this.peer(port, 'UDP', host);
        return Object.assign(peer.flow, { close() {} });
      },
      close: async () => {},
    });
  }
}

export interface DeviceOptions {
  user?: string;
  /** Parameters of the Contact. */
  parameters?: string;
  contact?: string;
  transport?: SipTransport;
  headers?: readonly string[];
  password?: string;
  callId?: string;
  expires?: number;
}

interface SendOptions {
  from?: string;
  to?: string;
  headers?: readonly string[];
  body?: Uint8Array;
  callId?: string;
  maxForwards?: number;
  password?: { username: string; password: string };
}

export class MemoryPeer {
  readonly flow: SipFlow & { closed: boolean };
  readonly requests: SipRequest[] = [];
  readonly responses: SipResponse[] = [];
  /** The statuses of the responses to a request, in order; no response if there are none. */
  answer: (request: SipRequest) => readonly (number | SipResponse)[] = () => [200];
  readonly #callId = `call-${++serial}`;
  #cseq = 0;
  #waiting: { matches(message: SipMessage): boolean; resolve(message: SipMessage): void }[] = [];

  constructor(
    readonly network: MemoryNetwork,
    readonly at: { transport: SipTransport; host: string; port: number },
  ) {
    const { transport, host, port } = at;
    this.flow = {
      transport,
      reliable: transport !== 'UDP',
      local: LOCAL,
      remote: { host, port },
      closed: false,
      send: (bytes) => {
        if (this.flow.closed) throw new TransportError('closed');
        network.core.handlers.onWire?.('out', bytes, this.flow);
        const message = parseMessage(bytes);
        queueMicrotask(() => this.#receive(message));
      },
    };
  }

  get methods(): string[] {
    return this.requests.map(({ method }) => method);
  }

  register({ user = 'bob', contact, parameters = '', ...options }: DeviceOptions = {}): Promise<SipResponse> {
    const { headers = [], password, callId, expires = 3600 } = options;
    const { host, port, transport } = this.at;
    const uri = contact ?? `<sip:${user}@${host}:${port};transport=${transport.toLowerCase()}>`;
    const identity = `sip:${user}@domain.test`;
    return this.send('REGISTER', 'sip:domain.test', {
      from: identity,
      to: identity,
      callId: callId ?? this.#callId,
      headers: [`Contact: ${uri}${parameters}`, `Expires: ${expires}`, 'Supported: gruu, path', ...headers],
      password: password === undefined ? undefined : { username: user, password },
    });
  }

  /** Sends a request and resolves with its final response. */
  async send(method: string, uri: string, options: SendOptions = {}): Promise<SipResponse> {
    const first = await this.#final(this.request(method, uri, options));
    if (!options.password || (first.status !== 401 && first.status !== 407)) return first;
    const [challenge, answer] =
      first.status === 401
        ? ['WWW-Authenticate', 'Authorization']
        : ['Proxy-Authenticate', 'Proxy-Authorization'];
    const credentials = answerChallenge(first.headers.getAll(challenge), {
      ...options.password,
      method,
      uri,
      body: options.body ?? new Uint8Array(),
      nonces: new Map(),
    });
    return await this.#final(
      this.request(method, uri, {
        ...options,
        headers: [...(options.headers ?? []), `${answer}: ${credentials}`],
      }),
    );
  }

  /** A request of this peer. */
  request(method: string, uri: string, options: SendOptions = {}): SipRequest {
    const { from = 'sip:psa@domain.test', to = uri, headers = [], body = new Uint8Array() } = options;
    const { transport, host, port } = this.at;
    const head = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/${transport} ${host}:${port};rport;branch=z9hG4bKm${++serial}${method === 'REGISTER' ? ';keep' : ''}`,
      `Max-Forwards: ${options.maxForwards ?? 70}`,
      `From: ${from.includes('<') ? from : `<${from}>;tag=t${serial}`}`,
      `To: ${to.includes('<') ? to : `<${to}>`}`,
      `Call-ID: ${options.callId ?? `m${serial}`}`,
      `CSeq: ${++this.#cseq} ${method}`,
      ...headers,
      `Content-Length: ${body.length}`,
      '',
      '',
    ].join('\r\n');
    const message = parseMessage(new Uint8Array([...new TextEncoder().encode(head), ...body]));
    if (!isRequest(message)) throw new Error('expected a request');
    return message;
  }

  /** Passes a message to the network, written and parsed as on the wire. */
  deliver(message: SipMessage): void {
    const bytes = writeMessage(message);
    const { handlers } = this.network.core;
    handlers.onWire?.('in', bytes, this.flow);
    handlers.onMessage(parseMessage(bytes), this.flow);
  }

  /** The next message that matches, or an earlier one. */
  next<T extends SipMessage>(matches: (message: SipMessage) => message is T): Promise<T>;
  next(matches: (message: SipMessage) => boolean): Promise<SipMessage>;
  next(matches: (message: SipMessage) => boolean): Promise<SipMessage> {
    const known = [...this.requests, ...this.responses].find(matches);
    if (known) return Promise.resolve(known);
    return new Promise((resolve) => this.#waiting.push({ matches, resolve }));
  }

  nextRequest(method: string): Promise<SipRequest> {
    return this.next((message): message is SipRequest => isRequest(message) && message.method === method);
  }

  respond(request: SipRequest, status: number, headers: readonly [string, string][] = []): void {
    const routes = request.headers
      .getAll('Record-Route')
      .map((route): [string, string] => ['Record-Route', route]);
    this.deliver(
      buildResponse(request, status, { headers: [...routes, ...headers], toTag: `p${this.at.port}` }),
    );
  }

  close(): void {
    this.flow.closed = true;
    this.network.core.handlers.onFlowClosed?.(this.flow);
  }

  #final(request: SipRequest): Promise<SipResponse> {
    const branch = branchOf(request);
    const final = this.next(
      (message): message is SipResponse =>
        !isRequest(message) && message.status >= 200 && branchOf(message) === branch,
    );
    this.deliver(request);
    return final;
  }

  #receive(message: SipMessage): void {
    if (isRequest(message)) this.requests.push(message);
    else this.responses.push(message);
    const waiting = this.#waiting.filter(({ matches }) => matches(message));
    this.#waiting = this.#waiting.filter((each) => !waiting.includes(each));
    for (const { resolve } of waiting) resolve(message);
    if (!isRequest(message) || message.method === 'ACK') return;
    for (const answer of this.answer(message)) {
      if (typeof answer === 'number') this.respond(message, answer);
      else this.deliver(answer);
    }
  }
}

export function branchOf(message: SipMessage): string | undefined {
  return message.headers.via?.branch;
}

export function identitiesOf(message: SipMessage): string[] {
  return message.headers.getAll('P-Asserted-Identity');
}

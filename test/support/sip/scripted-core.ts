/** A SIP/IP core whose responses the test decides, on a real UDP or TCP socket on loopback. */

import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
// Imported from the module, so that fake timers do not affect it.
import { clearTimeout, setTimeout } from 'node:timers';
import { StreamFramer } from '../../../core/sip/message/framing.js';
import {
  isRequest,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../../../core/sip/message/message.js';
import { parseMessage } from '../../../core/sip/message/parser.js';
import { buildResponse, writeMessage } from '../../../core/sip/message/writer.js';
import { PATIENCE_MS } from '../wait.js';

export interface Received {
  request: SipRequest;
  /** The bytes on the wire. */
  bytes: Uint8Array;
  respond(status: number, headers?: [string, string][], body?: Uint8Array): void;
}

export class ScriptedCore {
  /** Received requests in order, without retransmissions, which a client sends over UDP on a busy machine. */
  readonly requests: Received[] = [];
  /** Retransmitted requests, as on the wire. */
  readonly copies: Uint8Array[] = [];
  readonly responses: SipResponse[] = [];
  /** Keep-alives on connections. */
  pings = 0;
  /** Methods whose requests are answered with 200 immediately. */
  readonly autoAnswered = new Set<string>();
  readonly #read = new Set<unknown>();
  readonly #unanswered = new Set<Received>();
  readonly #seen = new Set<string>();
  #changed: (() => void)[] = [];
  #send: (bytes: Uint8Array) => void = () => {
    throw new Error('no agent has sent a message yet');
  };

  private constructor(
    readonly uri: string,
    readonly port: number,
    private readonly closeSockets: () => Promise<void>,
    /** Closes all connections, and continues to listen; no effect for UDP. */
    readonly hangUp: () => void = () => {},
    private readonly sockets: ReadonlySet<unknown> = new Set(),
  ) {}

  /** Number of open connections; 0 for UDP. */
  get connections(): number {
    return this.sockets.size;
  }

  static async udp(port = 0): Promise<ScriptedCore> {
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    const at = socket.address().port;
    const core = new ScriptedCore(`sip:127.0.0.1:${at};transport=udp`, at, async () => {
      socket.close();
    });
    socket.on('message', (bytes: Buffer, from: RemoteInfo) => {
      core.#send = (out) => socket.send(out, from.port, from.address);
      core.#receive(bytes);
    });
    return core;
  }

  static async tcp(port = 0, host = '127.0.0.1'): Promise<ScriptedCore> {
    const sockets = new Set<Socket>();
    const server = createServer();
    server.listen(port, host);
    await once(server, 'listening');
    const at = (server.address() as AddressInfo).port;
    const hangUp = () => {
      for (const socket of sockets) socket.destroy();
    };
    const close = async () => {
      hangUp();
      await new Promise((resolve) => server.close(resolve));
    };
    const name = host.includes(':') ? `[${host}]` : host;
    const core = new ScriptedCore(`sip:${name}:${at};transport=tcp`, at, close, hangUp, sockets);
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
      core.#send = (out) => socket.write(out);
      const framer = new StreamFramer(
        {},
        {
          onMessage: (bytes) => core.#receive(bytes),
          onKeepAlive: (kind) => {
            if (kind !== 'ping') return;
            core.pings++;
            socket.write('\r\n');
          },
          onError: () => socket.destroy(),
        },
      );
      socket.on('data', (chunk) => framer.push(chunk));
    });
    return core;
  }

  /** The next unread request, optionally of a method. */
  request(method?: string): Promise<Received> {
    return this.#next(() =>
      this.requests.find(
        (received) =>
          (method ?? received.request.method) === received.request.method && !this.#read.has(received),
      ),
    );
  }

  /** The next response to a request with this Call-ID. */
  response(callId: string | undefined, status?: number): Promise<SipResponse> {
    return this.#next(() =>
      this.responses.find(
        (response) =>
          response.headers.get('Call-ID') === callId &&
          (status === undefined || response.status === status) &&
          !this.#read.has(response),
      ),
    );
  }

  send(message: SipMessage | Uint8Array | string): void {
    if (typeof message === 'string') this.#send(Buffer.from(message));
    else this.#send(message instanceof Uint8Array ? message : writeMessage(message));
  }

  /** Sends a request. @returns its final response. */
  async exchange(request: SipRequest): Promise<SipResponse> {
    this.send(request);
    for (;;) {
      const response = await this.response(request.headers.get('Call-ID'));
      if (response.status >= 200) return response;
    }
  }

  /** Requests of this method without a final response, for which an agent waits when it stops. */
  unanswered(method: string): Received[] {
    return [...this.#unanswered].filter(({ request }) => request.method === method);
  }

  close(): Promise<void> {
    return this.closeSockets();
  }

  async #next<T>(find: () => T | undefined): Promise<T> {
    let late = false;
    for (;;) {
      const found = find();
      if (found !== undefined) {
        this.#read.add(found);
        return found;
      }
      if (late) throw new Error('the agent did not send the expected message');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          late = true;
          resolve();
        }, PATIENCE_MS);
        this.#changed.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #receive(bytes: Uint8Array): void {
    if (bytes.length <= 4) return;
    const message = parseMessage(bytes);
    const send = this.#send;
    if (isRequest(message)) {
      const transaction = ['Via', 'CSeq'].map((name) => message.headers.get(name)).join('\n');
      if (this.#seen.has(transaction)) {
        this.copies.push(bytes);
        for (const changed of this.#changed.splice(0)) changed();
        return;
      }
      this.#seen.add(transaction);
      const received: Received = {
        request: message,
        bytes,
        respond: (status, headers = [], body) => {
          if (status >= 200) this.#unanswered.delete(received);
          send(writeMessage(buildResponse(message, status, { headers, body })));
        },
      };
      this.requests.push(received);
      this.#unanswered.add(received);
      if (this.autoAnswered.has(message.method)) received.respond(200);
    } else {
      this.responses.push(message);
    }
    for (const changed of this.#changed.splice(0)) changed();
  }
}

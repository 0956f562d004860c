/** A raw MSRP peer, whose bytes the test writes. */

import { once } from 'node:events';
import net from 'node:net';
import type { ContinuationFlag, MsrpRequest, MsrpResponse } from '../../../core/msrp/frames/frame.js';
import { MsrpParser } from '../../../core/msrp/frames/parser.js';
import { Mailbox } from '../mailbox.js';

/** A frame received by the raw peer. */
export interface Frame {
  request?: MsrpRequest;
  response?: MsrpResponse;
  body: Buffer;
  flag: ContinuationFlag;
}

/** A frame sent by the raw peer. */
export interface SendOptions {
  to: string;
  from: string;
  id?: string;
  method?: string;
  messageId?: string;
  /** Overrides the whole header. */
  range?: string;
  headers?: Record<string, string>;
  /** Body; if absent, there is no Content-Type either. */
  body?: string | Uint8Array;
  flag?: ContinuationFlag;
}

let serial = 0;

export class RawMsrp {
  /** Unread frames. */
  readonly frames = new Mailbox<Frame>('a frame');
  readonly #closed = new Mailbox<true>('the end of the connection');

  constructor(readonly socket: net.Socket) {
    let current: Frame = { body: Buffer.alloc(0), flag: '$' };
    let pieces: Uint8Array[] = [];
    const parser = new MsrpParser({
      onRequest: (request) => {
        current = { request, body: Buffer.alloc(0), flag: '$' };
        pieces = [];
      },
      onResponse: (response) => this.frames.put({ response, body: Buffer.alloc(0), flag: '$' }),
      onBody: (bytes) => void pieces.push(bytes),
      onEnd: (flag) => this.frames.put({ ...current, body: Buffer.concat(pieces), flag }),
    });
    socket.on('data', (bytes) => parser.push(bytes));
    socket.on('error', () => {});
    socket.on('close', () => this.#closed.put(true));
  }

  static async connect(port: number): Promise<RawMsrp> {
    const socket = net.connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    return new RawMsrp(socket);
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** @returns its transaction identifier. */
  send({ to, from, flag = '$', body, ...options }: SendOptions): string {
    const id = options.id ?? `raw${String(++serial).padStart(6, '0')}`;
    const lines = [`MSRP ${id} ${options.method ?? 'SEND'}`, `To-Path: ${to}`, `From-Path: ${from}`];
    if (options.messageId !== undefined) lines.push(`Message-ID: ${options.messageId}`);
    if (options.range !== undefined) lines.push(`Byte-Range: ${options.range}`);
    for (const [name, value] of Object.entries(options.headers ?? {})) lines.push(`${name}: ${value}`);
    if (body !== undefined && !options.headers?.['Content-Type']) lines.push('Content-Type: text/plain');
    const head = Buffer.from(`${lines.join('\r\n')}\r\n${body === undefined ? '' : '\r\n'}`);
    const end = Buffer.from(`${body === undefined ? '' : '\r\n'}-------${id}${flag}\r\n`);
    this.write(Buffer.concat([head, Buffer.from(body ?? ''), end]));
    return id;
  }

  respond({ transactionId, toPath, fromPath }: MsrpRequest, status: number, comment = ''): void {
    this.write(
      `MSRP ${transactionId} ${status} ${comment}\r\nTo-Path: ${fromPath[0]}\r\nFrom-Path: ${toPath[0]}\r\n` +
        `-------${transactionId}$\r\n`,
    );
  }

  /** Sends a REPORT on the message of a SEND. */
  report({ toPath, fromPath, headers }: MsrpRequest, range: string, status = '000 200 OK'): void {
    this.send({
      to: fromPath.join(' '),
      from: toPath.join(' '),
      method: 'REPORT',
      messageId: headers.get('Message-ID') ?? '',
      range,
      headers: { Status: status },
    });
  }

  /** The next frame. */
  async next(): Promise<Frame> {
    return await this.frames.take();
  }

  async nextRequest(): Promise<MsrpRequest & { body: Buffer; flag: ContinuationFlag }> {
    const { request, body, flag } = await this.next();
    if (!request) throw new Error('expected a request, received a response');
    return { ...request, body, flag };
  }

  async nextResponse(): Promise<MsrpResponse> {
    const { response } = await this.next();
    if (!response) throw new Error('expected a response, received a request');
    return response;
  }

  /** Sends a frame. @returns the status of the response. */
  async statusOf(options: SendOptions): Promise<number> {
    const id = this.send(options);
    const { transactionId, status } = await this.nextResponse();
    if (transactionId !== id)
      throw new Error(`expected the response to ${id}, received that to ${transactionId}`);
    return status;
  }

  async untilClosed(): Promise<void> {
    await this.#closed.take();
  }

  close(): void {
    this.socket.destroy();
  }
}

/** A listener for the connection of a raw peer. */
export class RawListener {
  readonly #accepted = new Mailbox<RawMsrp>('a connection');

  private constructor(
    private readonly server: net.Server,
    private readonly host: string,
  ) {
    server.on('connection', (socket) => this.#accepted.put(new RawMsrp(socket)));
  }

  static async open(host = '127.0.0.1'): Promise<RawListener> {
    const server = net.createServer().listen(0, host);
    await once(server, 'listening');
    return new RawListener(server, host);
  }

  get address(): { host: string; port: number } {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return { host: this.host, port: address.port };
  }

  async accept(): Promise<RawMsrp> {
    return await this.#accepted.take();
  }

  close(): void {
    this.server.close();
  }
}

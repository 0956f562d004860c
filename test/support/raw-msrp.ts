/** An MSRP peer that does byte for byte what it is told. */

import { once } from 'node:events';
import net from 'node:net';
import type { ContinuationFlag, MsrpRequest, MsrpResponse } from '../../core/msrp/frames/frame.js';
import { MsrpParser } from '../../core/msrp/frames/parser.js';
import { Mailbox } from './mailbox.js';

/** A frame that the raw peer got. */
export interface Frame {
  request?: MsrpRequest;
  response?: MsrpResponse;
  body: Buffer;
  flag: ContinuationFlag;
}

/** A frame that the raw peer sends. */
export interface SendOptions {
  to: string;
  from: string;
  id?: string;
  method?: string;
  messageId?: string;
  /** Of the whole header. */
  range?: string;
  headers?: Record<string, string>;
  /** Absent: none, and no Content-Type. */
  body?: string | Uint8Array;
  flag?: ContinuationFlag;
}

let serial = 0;

export class RawMsrp {
  /** Those that nobody has asked for yet. */
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

  /** A REPORT on the message that this SEND is of. */
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
    if (!request) throw new Error('a response came where a request was awaited');
    return { ...request, body, flag };
  }

  async nextResponse(): Promise<MsrpResponse> {
    const { response } = await this.next();
    if (!response) throw new Error('a request came where a response was awaited');
    return response;
  }

  /** The status of the response to what is sent here. */
  async statusOf(options: SendOptions): Promise<number> {
    const id = this.send(options);
    const { transactionId, status } = await this.nextResponse();
    if (transactionId !== id) throw new Error(`the answer to ${transactionId} came, not to ${id}`);
    return status;
  }

  async untilClosed(): Promise<void> {
    await this.#closed.take();
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Where a raw peer is connected to. */
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

/** MSRP peers for tests: one that does byte for byte what it is told, and sinks that tell what came. */

import { once } from 'node:events';
import net from 'node:net';
import type { ContinuationFlag, MsrpRequest, MsrpResponse } from '../../core/msrp/frame.js';
import {
  type IncomingHead,
  localMsrpUri,
  type MessageReporter,
  type MessageSink,
  MsrpConnector,
  type MsrpLimits,
  MsrpListener,
  type MsrpSession,
  type SessionOptions,
} from '../../core/msrp/index.js';
import { MsrpParser } from '../../core/msrp/parser.js';
import { Mailbox } from './mailbox.js';

export const LOOPBACK = { host: '127.0.0.1', port: 0 };

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

/** A message that came. */
export class Received implements MessageSink {
  readonly writes: { offset: number; bytes: Uint8Array }[] = [];
  size: number | undefined;
  reporter: MessageReporter | undefined;
  aborted: Error | undefined;
  /** What `write` does beside noting it. */
  onWrite: (offset: number, bytes: Uint8Array) => void | Promise<void> = () => {};

  /** @param onOver called at its end. */
  constructor(
    readonly head: IncomingHead,
    private readonly onOver: () => void = () => {},
  ) {}

  write(offset: number, bytes: Uint8Array): void | Promise<void> {
    this.writes.push({ offset, bytes });
    return this.onWrite(offset, bytes);
  }

  end(size: number, reporter: MessageReporter): void {
    if (this.over) throw new Error('ended twice');
    this.size = size;
    this.reporter = reporter;
    this.onOver();
  }

  abort(error: Error): void {
    if (this.over) throw new Error('ended twice');
    this.aborted = error;
    this.onOver();
  }

  get over(): boolean {
    return this.size !== undefined || this.aborted !== undefined;
  }

  /** All that was written, each byte as it was written last. */
  get content(): Buffer {
    const length = Math.max(0, ...this.writes.map(({ offset, bytes }) => offset + bytes.length));
    const content = Buffer.alloc(length, '_');
    for (const { offset, bytes } of this.writes) content.set(bytes, offset);
    return content;
  }
}

/** Takes messages and keeps them. */
export class Inbox {
  /** In the order of their beginnings. */
  readonly messages: Received[] = [];
  readonly #over = new Mailbox<Received>('the end of a message');
  readonly #begun = new Mailbox<Received>('a message');

  /** @param prepare may set what its writes do, or throw. */
  constructor(private readonly prepare: (message: Received) => void = () => {}) {}

  readonly onMessage = (head: IncomingHead): MessageSink => {
    const message = new Received(head, () => this.#over.put(message));
    this.prepare(message);
    this.messages.push(message);
    this.#begun.put(message);
    return message;
  };

  /** The next that begins. */
  begun(): Promise<Received> {
    return this.#begun.take();
  }

  /** The next that has come to its end. */
  over(): Promise<Received> {
    return this.#over.take();
  }
}

export type Closing = (() => unknown)[];

/** A listener with a session, and a raw peer that is connected to it. */
export async function expecting(
  closing: Closing,
  options: Partial<SessionOptions> = {},
  limits: Partial<MsrpLimits> = {},
) {
  const listener = await MsrpListener.open({ protocol: 'tcp', at: LOOPBACK, limits });
  closing.push(() => listener.close());
  const here = localMsrpUri('tcp', listener.address);
  const there = localMsrpUri('tcp', { host: '127.0.0.1', port: 9 });
  const session = listener.expect({ localUri: here, remotePath: [there], ...options });
  const peer = await RawMsrp.connect(listener.address.port);
  closing.push(() => peer.close());
  return { listener, session, peer, here, there, route: { to: here, from: there } };
}

/** As above, with the session bound. */
export async function bound(...given: Parameters<typeof expecting>) {
  const expected = await expecting(...given);
  const status = await expected.peer.statusOf({ ...expected.route, messageId: 'bind' });
  if (status !== 200) throw new Error(`not bound: ${status}`);
  return expected;
}

/** Two sessions of ours, bound to each other. */
export async function pair(
  closing: Closing,
  options: {
    protocol?: 'tcp' | 'tls' | 'ws' | 'wss';
    passive?: Partial<SessionOptions>;
    active?: Partial<SessionOptions>;
    limits?: Partial<MsrpLimits>;
  } = {},
): Promise<{ passive: MsrpSession; active: MsrpSession; listener: MsrpListener; connector: MsrpConnector }> {
  const { protocol = 'tcp', limits = {} } = options;
  const listener = await MsrpListener.open({ protocol, at: LOOPBACK, limits });
  const connector = new MsrpConnector({ limits });
  closing.push(
    () => connector.close(),
    () => listener.close(),
  );
  const here = localMsrpUri(protocol, listener.address);
  const there = localMsrpUri(protocol, { host: '127.0.0.1', port: 9 });
  const passive = listener.expect({ localUri: here, remotePath: [there], ...options.passive });
  const active = await connector.connect(protocol, listener.address, {
    localUri: there,
    remotePath: [here],
    ...options.active,
  });
  return { passive, active, listener, connector };
}

/** A stream of these pieces. */
export function streamOf(...pieces: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  const left = pieces.map((piece) => Buffer.from(piece));
  return new ReadableStream({
    pull(controller) {
      const next = left.shift();
      if (next) controller.enqueue(next);
      else controller.close();
    },
  });
}

/** For `send`: a message of these pieces. */
export function message(...pieces: (string | Uint8Array)[]) {
  const size = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
  return { contentType: 'text/plain', size, open: () => streamOf(...pieces), successReport: false };
}

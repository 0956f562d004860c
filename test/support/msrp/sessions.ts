/** MSRP sessions for tests, and sinks that record received messages. */

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
} from '../../../core/msrp/index.js';
import { Mailbox } from '../mailbox.js';
import { RawMsrp } from './raw-msrp.js';

export const LOOPBACK = { host: '127.0.0.1', port: 0 };

/** A received message. */
export class Received implements MessageSink {
  readonly writes: { offset: number; bytes: Uint8Array }[] = [];
  size: number | undefined;
  reporter: MessageReporter | undefined;
  aborted: Error | undefined;
  /** Called by `write`. */
  onWrite: (offset: number, bytes: Uint8Array) => void | Promise<void> = () => {};

  /** @param onOver called when the message ends. */
  constructor(
    readonly head: IncomingHead,
    private readonly onOver: () => void = () => {},
  ) {}

  write(offset: number, bytes: Uint8Array): void | Promise<void> {
    this.writes.push({ offset, bytes });
    return this.onWrite(offset, bytes);
  }

  end(size: number, reporter: MessageReporter): void {
    if (this.hasEnded) throw new Error('ended twice');
    this.size = size;
    this.reporter = reporter;
    this.onOver();
  }

  abort(error: Error): void {
    if (this.hasEnded) throw new Error('ended twice');
    this.aborted = error;
    this.onOver();
  }

  get hasEnded(): boolean {
    return this.size !== undefined || this.aborted !== undefined;
  }

  /** The written bytes; later writes overwrite earlier ones. */
  get content(): Buffer {
    const length = Math.max(0, ...this.writes.map(({ offset, bytes }) => offset + bytes.length));
    const content = Buffer.alloc(length, '_');
    for (const { offset, bytes } of this.writes) content.set(bytes, offset);
    return content;
  }
}

/** Accepts and records messages. */
export class Inbox {
  /** Messages in the order in which they started. */
  readonly messages: Received[] = [];
  readonly #ended = new Mailbox<Received>('the end of a message');
  readonly #started = new Mailbox<Received>('a message');

  /** @param prepare called for each message; may set a write handler, or throw. */
  constructor(private readonly prepare: (message: Received) => void = () => {}) {}

  readonly onMessage = (head: IncomingHead): MessageSink => {
    const message = new Received(head, () => this.#ended.put(message));
    this.prepare(message);
    this.messages.push(message);
    this.#started.put(message);
    return message;
  };

  /** The next message that starts. */
  nextStarted(): Promise<Received> {
    return this.#started.take();
  }

  /** The next message that ends. */
  nextEnded(): Promise<Received> {
    return this.#ended.take();
  }
}

export type Closing = (() => unknown)[];

/** A listener with a session, and a raw peer connected to it. */
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

/** Like `expecting`, with the session bound. */
export async function bound(...args: Parameters<typeof expecting>) {
  const expected = await expecting(...args);
  const status = await expected.peer.statusOf({ ...expected.route, messageId: 'bind' });
  if (status !== 200) throw new Error(`not bound: ${status}`);
  return expected;
}

/** Two sessions bound to each other. */
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

/** A stream of the pieces. */
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

/** A message of the pieces, for `send`. */
export function message(...pieces: (string | Uint8Array)[]) {
  const size = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
  return { contentType: 'text/plain', size, open: () => streamOf(...pieces), successReport: false };
}

/** An offered file (RFC 5547), and the media line in which it is sent. */

import type { Content } from '../../content/content.js';
import { CPIM, writeWrappedHead } from '../../content/cpim.js';
import { formatMediaType } from '../../content/media-type.js';
import { TimeoutError, TransportError } from '../../errors.js';
import type { MessageResult, MsrpConnector, MsrpSession, OutgoingMessage } from '../../msrp/index.js';
import { type AcceptedLine, acceptsType, type FileDate, type FileDescription } from '../../sdp/index.js';
import { unlessAborted } from '../../time/abort-signal.js';
import { systemClock } from '../../time/clock.js';
import { within } from '../../time/deadline.js';
import { type Digest, digestOf } from '../digest.js';
import { connectTo, type ExpectedMedia, type MediaListener } from './media-listener.js';

/** One file of a push. */
export interface PushFile {
  /** Content of the file. */
  content: Content;
  /** File name for people, e.g. `holiday.jpg`. */
  name?: string;
  /** Content-Disposition, `render` if absent. */
  disposition?: string;
  /** Content-Description, text for people. */
  description?: string;
  /** Dates of the creation, last change and last access of the file, for people. */
  date?: FileDate;
}

export interface OfferedFile extends Digest {
  readonly file: PushFile;
  /** file-transfer-id, the same in every offer of this transfer (RFC 5547 §6). */
  readonly transferId: string;
}

/** Reads the file once, because the offer contains its digest. */
export async function prepareOffer(file: PushFile, transferId: string): Promise<OfferedFile> {
  return { file, ...(await digestOf(file.content)), transferId };
}

export function describeFile({ file, size, sha1, transferId }: OfferedFile): FileDescription {
  const { content, name, disposition, date } = file;
  return {
    selector: {
      name,
      type: formatMediaType(content.type),
      size,
      sha1,
    },
    transferId,
    disposition,
    date,
  };
}

/** Time for a receiver to connect after its 200, in milliseconds; as long as Timer F. */
const CONNECT_DEADLINE = 32_000;

export interface LineOptions {
  /** Only a success REPORT counts as delivered. */
  report: boolean;
  signal: AbortSignal;
  /** Called with the number of bytes that the receiver has. */
  onProgress(received: number): void;
  /** Connects to a passive receiver. */
  connector: MsrpConnector;
}

/** A media line of an offer, and its MSRP session. */
export class OutgoingLine {
  #closed = false;
  /** The session, if this end made the connection. */
  #active: MsrpSession | undefined;

  private constructor(
    readonly offered: OfferedFile,
    readonly media: ExpectedMedia,
    /** Resolves when the receiver has connected; rejects if the session ends before. */
    private readonly bound: Promise<void>,
  ) {
    // `send` reports the error, if it is called.
    bound.catch(() => {});
  }

  /** @throws TransportError, ConfigurationError when the sender cannot listen; the signal's reason. */
  static async open(
    offered: OfferedFile,
    listener: MediaListener,
    signal?: AbortSignal,
  ): Promise<OutgoingLine> {
    let onBound = () => {};
    let onClosed = (_error?: Error) => {};
    const bound = new Promise<void>((resolve, reject) => {
      onBound = resolve;
      onClosed = (error) => reject(error ?? new TransportError('the receiver closed the connection'));
    });
    const media = await listener.expect({ onBound, onClosed }, signal);
    return new OutgoingLine(offered, media, bound);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Size in bytes of the message that this answer requests, with its container (RFC 4975 §8.6). */
  messageSize(answer: AcceptedLine): number {
    return this.#message(answer).size;
  }

  /**
   * Waits for the connection of the receiver, and sends the requested range.
   * @throws TransportError; TimeoutError; the signal's reason; MalformedError when the size of the content changed; the
   * error of reading the content; an error of the callback.
   */
  async send(answer: AcceptedLine, options: LineOptions): Promise<MessageResult> {
    const { signal, onProgress } = options;
    const session = await this.#connectedSession(answer, options);
    const { start, length } = partOf(this.offered.size, answer);
    onProgress(start);
    let received = start;
    let answered = false;
    const message = this.#message(answer);
    const sending = session.send({
      ...message,
      successReport: true,
      signal,
      onProgress: (sent) => {
        received = start + Math.max(0, sent - (message.size - length));
        answered = sent === message.size;
        onProgress(received);
      },
    });
    try {
      return await sending;
    } catch (error) {
      // Every chunk was answered 200, but the peer sent no REPORT; it may not support REPORT.
      const unreported = error instanceof TimeoutError && answered && !options.report;
      if (!unreported) throw error;
      return { status: 200, comment: '', reported: false, bytes: length };
    }
  }

  close(): void {
    this.#closed = true;
    this.media.session.close();
    this.#active?.close();
  }

  /** The requested range of the file, as one message. */
  #message(answer: AcceptedLine): LineMessage {
    const { file, size } = this.offered;
    const { start, length } = partOf(size, answer);
    const message = {
      contentType: formatMediaType(file.content.type),
      headers: [
        ['Content-Disposition', file.disposition ?? 'render'] as const,
        ...(file.description === undefined ? [] : [['Content-Description', file.description] as const]),
      ],
      size: length,
      open: () => file.content.open({ start, end: start + length - 1 }),
    };
    return wrapped(message, file, answer);
  }

  /** The session, bound to a connection. */
  async #connectedSession(answer: AcceptedLine, { signal, connector }: LineOptions): Promise<MsrpSession> {
    const { media } = this;
    const { path, setup } = answer;
    const direct = media.path.length === 1;
    // Some peers answer a passive offer with passive, against RFC 4145 §4.1. A relay of the receiver is passive as well.
    if (direct && (path.length > 1 || setup === 'passive' || setup === 'actpass')) {
      media.session.close();
      this.#active = await connectTo(answer, media.session.localUri, connector, signal);
      return this.#active;
    }
    media.session.remotePath = path;
    if (direct && setup === undefined) {
      const active = await this.#connectToPath(answer, connector, signal);
      if (active) return active;
    }
    // Our relay connects to other peers itself (RFC 4976 §6.4.2), but not to an active receiver.
    if (direct || (path.length === 1 && setup === 'active')) await this.#receiverConnected(signal);
    return media.session;
  }

  /**
   * An answer without a=setup means passive (RFC 4145 §4): a receiver that only knows RFC 4975 waits at the address in its
   * path. Undefined if it cannot be reached there, since it may connect, as receivers of this enabler do (8.2.3-02).
   */
  async #connectToPath(
    answer: AcceptedLine,
    connector: MsrpConnector,
    signal: AbortSignal,
  ): Promise<MsrpSession | undefined> {
    const { session } = this.media;
    try {
      this.#active = await connectTo(answer, session.localUri, connector, signal);
      session.close();
      return this.#active;
    } catch (error) {
      if (error instanceof TransportError && !signal.aborted) return undefined;
      throw error;
    }
  }

  async #receiverConnected(signal: AbortSignal): Promise<void> {
    const seconds = CONNECT_DEADLINE / 1000;
    const late = new TimeoutError(
      `the receiver accepted the session, but did not connect within ${seconds} s`,
    );
    await within(systemClock, CONNECT_DEADLINE, late, unlessAborted(this.bound, signal));
  }
}

type LineMessage = Pick<OutgoingMessage, 'contentType' | 'headers' | 'open'> & { size: number };

/** In a container, if the receiver does not accept the type of the file outside of one (RFC 4975 §8.6). */
function wrapped(
  message: LineMessage,
  { content }: PushFile,
  { acceptTypes, acceptWrappedTypes }: AcceptedLine,
): LineMessage {
  if (acceptTypes.length === 0 || acceptsType(acceptTypes, content.type.type)) return message;
  if (acceptWrappedTypes.length === 0) return message;
  const head = writeWrappedHead(content.type, message.headers ?? []);
  const { size, open } = message;
  return { contentType: CPIM, size: head.length + size, open: () => joined(head, open()) };
}

function joined(head: Uint8Array, rest: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  return rest.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({ start: (controller) => controller.enqueue(head) }),
  );
}

/**
 * The range of the file that the receiver requests (RFC 5547 §8), which is sent as one message.
 * @returns the offset of the first byte, counted from 0, and the length.
 */
function partOf(size: number, { range }: Pick<AcceptedLine, 'range'>): { start: number; length: number } {
  const { start: first = 1, end = size } = range ?? {};
  const start = Math.min(first - 1, size);
  return { start, length: Math.max(0, Math.min(end, size) - start) };
}

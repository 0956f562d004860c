/** A file as it is offered: what a receiver decides by, and resumes by (RFC 5547). */

import { platform } from '#platform';
import type { Content } from '../../content/content.js';
import { formatMediaType } from '../../content/media-type.js';
import { TimeoutError, TransportError } from '../../errors.js';
import type { MessageResult, MsrpConnector, MsrpSession } from '../../msrp/index.js';
import type { AcceptedLine, FileDate, FileDescription } from '../../sdp/index.js';
import { systemClock } from '../../time/clock.js';
import { unlessAborted, within } from '../../time/deadline.js';
import { type Digest, digestOf } from '../digest.js';
import { connectTo, type ExpectedMedia, type MediaListener } from './media-listener.js';

/** One file of a push. */
export interface PushFile {
  /** Content of the file. */
  content: Content;
  /** Name for people, `holiday.jpg`. */
  name?: string;
  /** Content-Disposition; `render` by default. */
  disposition?: string;
  /** Content-Description, for people. */
  description?: string;
  /** When the file was created, changed or read, for people. */
  date?: FileDate;
}

export interface OfferedFile extends Digest {
  readonly file: PushFile;
  /** Names this transfer, however often it is offered (RFC 5547 6). */
  readonly transferId: string;
}

/** Hexadecimal digits of a digest that no two transfers share. */
const TRANSFER_ID_LENGTH = 32;

/**
 * Reads it once, to its end: its digest goes ahead of it.
 * @param pushId with the file's place makes its transfer id: the same push offered again is resumed.
 */
export async function offeredFile(file: PushFile, pushId: string, place: number): Promise<OfferedFile> {
  const transferId = platform.hash('sha-256', `${pushId}\n${place}`).slice(0, TRANSFER_ID_LENGTH);
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

/** One media line of an offer: a file, and the MSRP session in which its receiver comes for it. */

/** A receiver that has accepted connects at once; as long as a request waits for its answer (Timer F), milliseconds. */
const CONNECT_DEADLINE = 32_000;

export interface LineOptions {
  /** Only a success REPORT counts as delivered. */
  report: boolean;
  signal: AbortSignal;
  /** Told of bytes of the file that the receiver has. */
  onProgress(have: number): void;
  /** For a receiver that waits. */
  connector: MsrpConnector;
}

export class OutgoingLine {
  #closed = false;
  /** Where the receiver wants to be connected to. */
  #active: MsrpSession | undefined;

  private constructor(
    readonly offered: OfferedFile,
    readonly media: ExpectedMedia,
    /** When the receiver has connected; rejects when the session ends before. */
    private readonly bound: Promise<void>,
  ) {
    // Told to `send`, where somebody waits.
    bound.catch(() => {});
  }

  /** @throws TransportError, ConfigurationError when nobody could connect; the signal's reason. */
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

  /**
   * Waits for the receiver, and sends what it has asked for.
   * @throws TransportError, TimeoutError, or the signal's reason; MalformedError when the content is not as long as it
   * was, what reading it failed with, and what the callback throws.
   */
  async send(answer: AcceptedLine, options: LineOptions): Promise<MessageResult> {
    const { signal, onProgress } = options;
    const { file, size } = this.offered;
    const session = await this.#reach(answer, options);
    const { start, length } = partOf(size, answer);
    onProgress(start);
    let have = start;
    let answered = false;
    const sending = session.send({
      contentType: formatMediaType(file.content.type),
      headers: [
        ['Content-Disposition', file.disposition ?? 'render'],
        ...(file.description === undefined ? [] : [['Content-Description', file.description] as const]),
      ],
      size: length,
      open: () => file.content.open({ start, end: start + length - 1 }),
      successReport: true,
      signal,
      onProgress: (sent) => {
        have = start + sent;
        answered = have === start + length;
        onProgress(have);
      },
    });
    try {
      return await sending;
    } catch (error) {
      // Every chunk was answered 200, and no REPORT came: all there is to have from a peer that knows none.
      const silent = error instanceof TimeoutError && answered && !options.report;
      if (!silent) throw error;
      return { status: 200, comment: '', reported: false, bytes: length };
    }
  }

  close(): void {
    this.#closed = true;
    this.media.session.close();
    this.#active?.close();
  }

  /** The session, once it is bound to a connection. */
  async #reach(answer: AcceptedLine, { signal, connector }: LineOptions): Promise<MsrpSession> {
    const { media } = this;
    const { path, setup } = answer;
    const direct = media.path.length === 1;
    // RFC 4145 4.1 has no passive answer to a passive offer; there are such peers. A relay of the receiver's waits, too.
    if (direct && (path.length > 1 || setup === 'passive' || setup === 'actpass')) {
      media.session.close();
      this.#active = await connectTo(answer, media.session.localUri, connector, signal);
      return this.#active;
    }
    media.session.remotePath = path;
    // Our relay finds others by itself (RFC 4976 6.4.2), but not a receiver that can only connect.
    if (direct || (path.length === 1 && setup === 'active')) await this.#connected(signal);
    return media.session;
  }

  async #connected(signal: AbortSignal): Promise<void> {
    const seconds = CONNECT_DEADLINE / 1000;
    const late = new TimeoutError(`the receiver accepted, and did not connect within ${seconds} s`);
    await within(systemClock, CONNECT_DEADLINE, late, unlessAborted(this.bound, signal));
  }
}

/**
 * RFC 5547 8: what the receiver does not have; the message is that part alone.
 * @returns the offset of its first byte, counted from 0, and its bytes.
 */
export function partOf(
  size: number,
  { range }: Pick<AcceptedLine, 'range'>,
): { start: number; length: number } {
  const { start: first = 1, end = size } = range ?? {};
  const start = Math.min(first - 1, size);
  return { start, length: Math.max(0, Math.min(end, size) - start) };
}

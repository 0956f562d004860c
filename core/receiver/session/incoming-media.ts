/** An accepted media line: its MSRP session, and the content that arrives in it. */

import { senderReason } from '../../app/index.js';
import type { IncomingTransfer, PushRuntime, TransferOutcome } from '../../app/runtime.js';
import { CPIM } from '../../content/cpim.js';
import type { HeaderList } from '../../content/http-headers.js';
import { formatMediaType, readMediaType } from '../../content/media-type.js';
import { TRANSFER_ENCODING, transferEncodingOf } from '../../content/multipart/transfer-encoding.js';
import { LimitError, PushRefused } from '../../errors.js';
import {
  type IncomingHead,
  type MessageReporter,
  type MessageSink,
  MsrpRefusedError,
  type MsrpSession,
} from '../../msrp/index.js';
import { reasonOf } from '../../text.js';
import { type AdmittedInvite, acceptingApp, descriptiveHeaders, notAccepted, pushKey } from '../admission.js';
import { brokenOffEvent, type ReceiverEvent, receivingEvent, sessionPushEvent } from '../events.js';
import { msrpStatus } from '../outcome.js';
import { type AcceptedFile, type Destination, discarding } from './decisions.js';
import { EncodedMessage, WrappedMessage } from './wrapped-message.js';

/** Milliseconds between two `receiving` events of one content. */
const PROGRESS_INTERVAL = 1_000;

interface SinkHandlers {
  /** Bytes arrived, or were written. */
  onActivity(): void;
  /** The destination has written more bytes. */
  onProgress?(destination: Destination): void;
  /** All content has arrived; the application decides. */
  onComplete(): void;
  /** `status` is what the sender received. Called once, and not after the peer's `abort`. */
  onEnd(outcome: TransferOutcome, status: number): void;
  /** The content broke off and its application has finished with it; absent if no application received any. */
  onBroken(broken?: { destination: Destination; outcome: TransferOutcome }): void;
}

/** Passes the content of one MSRP message to its destination. */
class ContentSink implements MessageSink {
  #ended = false;
  #whole = false;

  /**
   * @param destination may be pending: bytes wait for it, and the sender with them.
   * @param start the offset of the message in the file: a resumed file does not start at its first byte.
   */
  constructor(
    private readonly destination: Promise<Destination>,
    private readonly start: number,
    private readonly handlers: SinkHandlers,
  ) {
    // `write`, `end` or `abort` handles the rejection.
    destination.catch(() => {});
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const { onActivity, onProgress } = this.handlers;
    onActivity();
    let destination: Destination;
    try {
      destination = await this.destination;
      await destination.write(this.start + offset, bytes);
    } catch (error) {
      const { outcome, status } = refusedBy(error);
      this.#end(outcome, status);
      throw new MsrpRefusedError(status, senderReason(outcome));
    }
    onActivity();
    if (onProgress && !this.#ended) onProgress(destination);
  }

  end(size: number, reporter: MessageReporter): void {
    this.#whole = true;
    this.handlers.onComplete();
    void this.#complete(size, reporter);
  }

  /** The application still decides on content that has arrived completely. */
  abort(why: Error): void {
    if (this.#whole) return;
    const reported = this.#ended;
    this.#ended = true;
    void this.#break(why, reported);
  }

  async #break(why: Error, reported: boolean): Promise<void> {
    const destination = await this.destination.catch(() => undefined);
    const outcome = await destination?.abort(why);
    if (!reported) this.handlers.onBroken(destination && outcome && { destination, outcome });
  }

  async #complete(size: number, reporter: MessageReporter): Promise<void> {
    const outcome = await this.destination
      .then((destination) => destination.complete(this.start + size))
      .catch((error: unknown) => refusedBy(error).outcome);
    const status = outcome.accepted ? 200 : msrpStatus(outcome.kind);
    if (outcome.accepted) reporter.success();
    else reporter.failure(status, senderReason(outcome));
    this.#end(outcome, status);
  }

  #end(outcome: TransferOutcome, status: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.handlers.onEnd(outcome, status);
  }
}

function refusedBy(error: unknown) {
  const kind = error instanceof PushRefused ? error.kind : error instanceof LimitError ? 'size' : 'resources';
  const internal = kind === 'resources' && !(error instanceof PushRefused) ? (true as const) : undefined;
  const outcome = { accepted: false as const, kind, reason: reasonOf(error), internal };
  return { outcome, status: msrpStatus(kind) };
}

export interface MediaOptions {
  runtime: PushRuntime;
  invite: AdmittedInvite;
  /** The index of the line in its offer. */
  index: number;
  /** Absent: each message is a push that the offer does not describe. */
  file?: AcceptedFile;
  onActivity(): void;
  /** An application starts or ends its decision on complete content; no bytes arrive meanwhile. */
  onDeciding(begun: boolean): void;
  onEvent?(event: ReceiverEvent): void;
}

/** The content of a message, in a container or not. */
interface ContentHead {
  messageId: string;
  contentType: string;
  headers: HeaderList;
  /** Size in bytes; absent if the sender does not declare it, or content in a transfer encoding is smaller. */
  size?: number;
  /** The content arrives in a transfer encoding. */
  encoded?: boolean;
}

export class IncomingMedia {
  readonly #sinks = new Set<ContentSink>();
  #msrp: MsrpSession | undefined;
  #closed: Error | undefined;
  /** The message with the file has begun. */
  #begun = false;

  constructor(private readonly options: MediaOptions) {}

  /** Sets the MSRP session of this line. */
  connected(msrp: MsrpSession): void {
    this.#msrp = msrp;
    if (this.#closed) msrp.close();
  }

  /** Breaks off incomplete content. */
  close(why: Error): void {
    if (this.#closed) return;
    this.#closed = why;
    // Before the session, which would abort them with its own reason.
    for (const sink of this.#sinks) sink.abort(why);
    this.#msrp?.close();
    // A file of which no byte arrived in this session: earlier bytes are kept for the next one.
    const { file } = this.options;
    if (this.#begun || !file) return;
    const { incoming, destination } = file;
    void destination.abort(why).then((outcome) => this.#broken(incoming, destination, outcome));
  }

  /** A message begins. @throws MsrpRefusedError */
  message(head: IncomingHead): MessageSink {
    this.options.onActivity();
    const { messageId, contentType = '', size } = head;
    const type = readMediaType(contentType)?.type;
    if (type !== CPIM || this.#accepts(type)) {
      return this.#content({ messageId, contentType, size, headers: [...head.headers.entries()] });
    }
    return new WrappedMessage(({ type: inner, headers, length }) =>
      this.#content({
        messageId,
        contentType: formatMediaType(inner),
        size: size === undefined ? undefined : size - length,
        headers,
      }),
    );
  }

  /** Whether a container is content that an application accepts as it is. */
  #accepts(type: string): boolean {
    const { file, invite } = this.options;
    return file ? file.incoming.type.type === type : acceptingApp(invite.apps, type) !== undefined;
  }

  #content(head: ContentHead): MessageSink {
    const encoded = head.headers.some(([name]) => name.toLowerCase() === TRANSFER_ENCODING.toLowerCase());
    return encoded ? this.#encoded(head) : this.#plain(head);
  }

  #encoded(head: ContentHead): MessageSink {
    const { decoder, headers, problem } = transferEncodingOf(head.headers);
    if (problem !== undefined) throw new MsrpRefusedError(msrpStatus('type'), problem);
    if (!decoder) return this.#plain(head);
    const content = this.#plain({ ...head, headers, size: undefined, encoded: true });
    return new EncodedMessage(decoder, content);
  }

  #plain(head: ContentHead): MessageSink {
    const { file } = this.options;
    return file ? this.#fileMessage(file, head) : this.#message(head);
  }

  #fileMessage(
    { incoming, destination, start }: AcceptedFile,
    { contentType, size, encoded = false }: ContentHead,
  ): MessageSink {
    if (this.#begun) throw new MsrpRefusedError(413, 'a second message: this media line offered one file');
    const { type } = incoming;
    if (readMediaType(contentType)?.type !== type.type) {
      throw new MsrpRefusedError(msrpStatus('type'), `the offer has ${type.type}, not ${contentType}`);
    }
    this.#begun = true;
    // A sender that does not know the file-range of an answer sends the whole file. Senders that know it do not encode.
    const whole = encoded || (size !== undefined && size === incoming.size);
    return this.#sink(incoming, Promise.resolve(destination), whole ? 0 : start);
  }

  #message({ messageId, contentType, headers, size }: ContentHead): MessageSink {
    const { runtime, invite, index, onEvent } = this.options;
    const { apps, from, to, callId, resource } = invite;
    const type = readMediaType(contentType);
    const app = type && runtime.resolve(resource.eventAppIds, type.type, resource.iari);
    if (!type || !app || typeof app === 'string') {
      const reason = notAccepted(apps, contentType || 'content without a type');
      throw new MsrpRefusedError(msrpStatus('type'), reason);
    }
    const incoming: IncomingTransfer = {
      app,
      key: pushKey(invite, callId, type.type, { size, sha1: undefined, index, messageId }),
      from,
      to,
      type,
      headers: descriptiveHeaders(headers),
      size,
      sha256: onEvent !== undefined,
      resumable: false,
    };
    return this.#sink(incoming, this.#destination(incoming), 0);
  }

  async #destination(incoming: IncomingTransfer): Promise<Destination> {
    const { runtime } = this.options;
    const { app, key, from, type, size } = incoming;
    const refusal = await runtime.consider(app, { from, type: type.type, size }, key);
    if (refusal) throw new PushRefused(refusal.kind, senderReason(refusal));
    const answer = await runtime.transfer(incoming);
    if ('known' in answer) return discarding(answer.known);
    if ('refused' in answer) throw new PushRefused(answer.refused.kind, senderReason(answer.refused));
    return answer.transfer;
  }

  #sink(incoming: IncomingTransfer, destination: Promise<Destination>, start: number): MessageSink {
    const { onActivity, onDeciding, onEvent } = this.options;
    let deciding = false;
    let discarded = false;
    destination.then(
      (resolved) => {
        discarded = !('received' in resolved);
      },
      () => {},
    );
    const sink = new ContentSink(destination, start, {
      onActivity,
      onProgress: onEvent && progress(incoming, onEvent),
      onComplete: () => {
        deciding = true;
        onDeciding(true);
      },
      onEnd: (outcome, status) => {
        this.#sinks.delete(sink);
        // Content that was received earlier emits no event.
        if (!discarded) onEvent?.(sessionPushEvent(incoming, outcome, status));
        if (deciding) onDeciding(false);
      },
      onBroken: (broken) => {
        this.#sinks.delete(sink);
        if (broken) this.#broken(incoming, broken.destination, broken.outcome);
      },
    });
    this.#sinks.add(sink);
    return sink;
  }

  /** Content that was received earlier emits no event. */
  #broken(incoming: IncomingTransfer, destination: Destination, outcome: TransferOutcome): void {
    if (outcome.accepted || !('received' in destination)) return;
    this.options.onEvent?.(brokenOffEvent(incoming, destination, outcome));
  }
}

/** Emits `receiving` about once a second, if the content takes longer than that. */
function progress(
  incoming: IncomingTransfer,
  onEvent: (event: ReceiverEvent) => void,
): (destination: Destination) => void {
  let last = performance.now();
  return (destination) => {
    if (!('received' in destination) || performance.now() - last < PROGRESS_INTERVAL) return;
    last = performance.now();
    onEvent(receivingEvent(incoming, destination));
  };
}

/** When to say how much of something has come: about once a second, where it takes longer than that. */

import type { IncomingTransfer, Outcome, PushRuntime, Transfer, TransferOutcome } from '../../app/runtime.js';
import { parseMediaType } from '../../content/media-type.js';
import { LimitError, PushRefused } from '../../errors.js';
import {
  type IncomingHead,
  type MessageReporter,
  type MessageSink,
  MsrpRefused,
  type MsrpSession,
} from '../../msrp/index.js';
import { describingHeaders } from '../content-headers.js';
import { brokenOffEvent, type ReceiverEvent, receivingEvent, sessionPushEvent } from '../events.js';
import { msrpStatus } from '../outcome.js';
import type { AcceptedFile, Addressed } from './decisions.js';

/** Milliseconds. */
const INTERVAL = 1_000;

export class ArrivalNotice {
  #last = performance.now();

  /** Asked whenever more is here: whether to say so. */
  due(): boolean {
    const now = performance.now();
    if (now - this.#last < INTERVAL) return false;
    this.#last = now;
    return true;
  }
}

/** The content of one MSRP message on its way to its application. */

/** A transfer, or what stands for one. */
export type Destination = Transfer | Discarded;
export type Discarded = Pick<Transfer, 'write' | 'complete' | 'abort'>;

export interface SinkHandlers {
  /** Something came, or was decided: the session is alive. */
  onActivity(): void;
  /** More of it is there. */
  onArrived(destination: Destination): void;
  /** All of it has come; its application decides. */
  onComplete(): void;
  /** `status` is what the sender was told. Called once, and not after an `abort` by the peer. */
  onEnd(outcome: TransferOutcome, status: number): void;
  /** It did not come to its end, and its application has done with it; absent: no application had it. */
  onBroken(broken?: { destination: Destination; outcome: TransferOutcome }): void;
}

export class ContentSink implements MessageSink {
  #ended = false;
  #whole = false;

  /**
   * @param destination may be on its way: bytes wait for it, and the sender with them.
   * @param start bytes of the file ahead of the message, which begins in its middle after a break.
   */
  constructor(
    private readonly destination: Promise<Destination>,
    private readonly start: number,
    private readonly handlers: SinkHandlers,
  ) {
    // Told by `write`, `end` or `abort`, whichever comes first.
    destination.catch(() => {});
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    this.handlers.onActivity();
    let destination: Destination;
    try {
      destination = await this.destination;
      await destination.write(this.start + offset, bytes);
    } catch (error) {
      const refused = refusedBy(error);
      this.#end(refused.outcome, refused.status);
      throw new MsrpRefused(refused.status, refused.outcome.reason);
    }
    this.handlers.onActivity();
    if (!this.#ended) this.handlers.onArrived(destination);
  }

  end(size: number, reporter: MessageReporter): void {
    this.#whole = true;
    this.handlers.onComplete();
    void this.#complete(size, reporter);
  }

  /** What is here as a whole is decided on, whether its sender waits for that or not. */
  abort(why: Error): void {
    if (this.#whole) return;
    const told = this.#ended;
    this.#ended = true;
    void this.#break(why, told);
  }

  async #break(why: Error, told: boolean): Promise<void> {
    const destination = await this.destination.catch(() => undefined);
    const outcome = await destination?.abort(why);
    if (!told) this.handlers.onBroken(destination && outcome && { destination, outcome });
  }

  async #complete(size: number, reporter: MessageReporter): Promise<void> {
    const outcome = await this.destination
      .then((destination) => destination.complete(this.start + size))
      .catch((error: unknown) => refusedBy(error).outcome);
    const status = outcome.taken ? 200 : msrpStatus(outcome.kind);
    if (outcome.taken) reporter.success();
    else reporter.failure(status, outcome.reason);
    this.#end(outcome, status);
  }

  #end(outcome: TransferOutcome, status: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.handlers.onEnd(outcome, status);
  }
}

function refusedBy(error: unknown) {
  const reason = error instanceof Error ? error.message : String(error);
  const kind = error instanceof PushRefused ? error.kind : error instanceof LimitError ? 'size' : 'resources';
  return { outcome: { taken: false as const, kind, reason }, status: msrpStatus(kind) };
}

/** For content that needs not come, whose sender sends it all the same. */
export function discarding(outcome: Outcome): Discarded {
  return { write: async () => {}, complete: async () => outcome, abort: async () => outcome };
}

/** One media line that this device takes: its MSRP session, and the content that comes in it. */

export interface MediaOptions {
  runtime: PushRuntime;
  addressed: Addressed;
  /** Of the line in its offer. */
  index: number;
  /** Absent: each message is a push that nobody described ahead. */
  file?: AcceptedFile;
  onActivity(): void;
  /** An application decides, or has decided, on content that is here: nothing comes meanwhile, and nobody is gone. */
  onDeciding(begun: boolean): void;
  onEvent(event: ReceiverEvent): void;
}

export class IncomingMedia {
  readonly #sinks = new Set<ContentSink>();
  #msrp: MsrpSession | undefined;
  #closed: Error | undefined;
  /** The message that carries the file has begun. */
  #begun = false;

  constructor(private readonly options: MediaOptions) {}

  /** The MSRP session of this line is there. */
  connected(msrp: MsrpSession): void {
    this.#msrp = msrp;
    if (this.#closed) msrp.close();
  }

  /** What has not come to its end breaks off. */
  close(why: Error): void {
    if (this.#closed) return;
    this.#closed = why;
    // Ahead of the session, which would give its own reason.
    for (const sink of this.#sinks) sink.abort(why);
    this.#msrp?.close();
    // A file none of which came: what there was of it stays for the next time.
    const { file } = this.options;
    if (this.#begun || !file) return;
    const { incoming, transfer } = file;
    void transfer.abort(why).then((outcome) => this.#broken(incoming, transfer, outcome));
  }

  /** A message begins. @throws MsrpRefused */
  message(head: IncomingHead): MessageSink {
    this.options.onActivity();
    const { file } = this.options;
    return file ? this.#fileMessage(file, head) : this.#message(head);
  }

  #fileMessage({ incoming, transfer, start }: AcceptedFile, { contentType = '' }: IncomingHead): MessageSink {
    if (this.#begun) throw new MsrpRefused(413, 'the file of this media line has come already');
    const { type } = incoming;
    if (parseMediaType(contentType)?.type !== type.type) {
      throw new MsrpRefused(msrpStatus('type'), `${type.type} was offered, not ${contentType}`);
    }
    this.#begun = true;
    return this.#sink(incoming, Promise.resolve(transfer), start);
  }

  #message({ messageId, contentType = '', headers, size }: IncomingHead): MessageSink {
    const { runtime, addressed, index } = this.options;
    const { from, to, callId, resource } = addressed;
    const type = parseMediaType(contentType);
    const app = type && runtime.resolve(resource.eventAppIds, type.type, resource.iari);
    if (!type || !app || typeof app === 'string') {
      throw new MsrpRefused(msrpStatus('type'), `no application takes ${contentType || 'no content type'}`);
    }
    const incoming: IncomingTransfer = {
      app,
      key: `${from}\n${callId}\n${index}\n${messageId}`,
      from,
      to,
      type,
      headers: describingHeaders(headers.entries()),
      size,
      resumable: false,
    };
    return this.#sink(incoming, this.#destination(incoming), 0);
  }

  async #destination(incoming: IncomingTransfer): Promise<Destination> {
    const { runtime } = this.options;
    const { app, from, type, size } = incoming;
    const offer = { from, type: type.type, ...(size === undefined ? {} : { size }) };
    const refusal = await runtime.consider(app, offer);
    if (refusal) throw new PushRefused(refusal.kind, refusal.reason);
    const answer = await runtime.transfer(incoming);
    if ('known' in answer) return discarding(answer.known);
    if ('refused' in answer) throw new PushRefused(answer.refused.kind, answer.refused.reason);
    return answer.transfer;
  }

  #sink(incoming: IncomingTransfer, destination: Promise<Destination>, start: number): MessageSink {
    const { onActivity, onDeciding, onEvent } = this.options;
    let deciding = false;
    const notice = new ArrivalNotice();
    const sink = new ContentSink(destination, start, {
      onActivity,
      onArrived: (transfer) => {
        if ('received' in transfer && notice.due()) onEvent(receivingEvent(incoming, transfer));
      },
      onComplete: () => {
        deciding = true;
        onDeciding(true);
      },
      onEnd: (outcome, status) => {
        this.#sinks.delete(sink);
        onEvent(sessionPushEvent(incoming, outcome, status));
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

  /** What was had before, and need not have come, is not told. */
  #broken(incoming: IncomingTransfer, destination: Destination, outcome: TransferOutcome): void {
    if (outcome.taken || !('received' in destination)) return;
    this.options.onEvent(brokenOffEvent(incoming, destination, outcome));
  }
}

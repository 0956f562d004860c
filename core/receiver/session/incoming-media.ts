/** One media line that this device takes: its MSRP session, and the content that comes in it. */

import type { IncomingTransfer, PushRuntime, TransferOutcome } from '../../app/runtime.js';
import { parseMediaType } from '../../content/media-type.js';
import { PushRefused } from '../../errors.js';
import { type IncomingHead, type MessageSink, MsrpRefused, type MsrpSession } from '../../msrp/index.js';
import { describingHeaders } from '../content-headers.js';
import { brokenOffEvent, type ReceiverEvent, receivingEvent, sessionPushEvent } from '../events.js';
import { msrpStatus } from '../outcome.js';
import { ArrivalNotice, ContentSink, type Destination, discarding } from './content-sink.js';
import type { AcceptedFile, Addressed } from './decisions.js';

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
    if (outcome.accepted || !('received' in destination)) return;
    this.options.onEvent(brokenOffEvent(incoming, destination, outcome));
  }
}

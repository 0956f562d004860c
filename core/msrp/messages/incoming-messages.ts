/** Sorts the SEND requests of a session into messages. */

import type { ReadControl } from '../connections/flow-control.js';
import { type MsrpRequest, parseByteRange } from '../frames/frame.js';
import type { MsrpLimits } from '../frames/limits.js';
import { asRefusal, type BodyHandler, IncomingMessage } from './incoming-message.js';
import type { IncomingHead, MessageReporter, MessageSink } from './message.js';
import { failureReportOf, MsrpRefusedError, wantsSuccessReport } from './status.js';

export interface IncomingMessagesOptions {
  limits: MsrpLimits;
  /** A message begins. @throws MsrpRefusedError */
  onMessage?: ((head: IncomingHead) => MessageSink) | undefined;
  respond(request: MsrpRequest, status: number, comment?: string): void;
  /** Sends REPORTs on the message that `request` began. */
  reporter(request: MsrpRequest, size: number | undefined): MessageReporter;
}

/** Finished messages whose late chunks are answered: as many as a sender has chunks in flight. */
const MAX_FINISHED = 64;

/** RFC 4975 §9 has 32 characters; identifiers stay in memory for a while. */
const MAX_MESSAGE_ID = 256;

const IGNORING: BodyHandler = { onBody() {}, onEnd() {} };

export class IncomingMessages {
  readonly #options: IncomingMessagesOptions;
  readonly #incomplete = new Map<string, IncomingMessage>();
  /** The answers to late chunks of finished messages, the oldest first. */
  readonly #finished = new Map<string, { status: number; comment?: string | undefined }>();

  constructor(options: IncomingMessagesOptions) {
    this.#options = options;
  }

  /** A SEND begins, on a connection with this flow control. */
  receive(request: MsrpRequest, readControl: ReadControl): BodyHandler {
    const { headers } = request;
    const { respond, reporter } = this.#options;
    const messageId = headers.get('Message-ID');
    const known = messageId === undefined ? undefined : this.#incomplete.get(messageId);
    if (!known && !headers.has('Content-Type')) return this.#withoutContent(request);
    const range = parseByteRange(headers.get('Byte-Range') ?? '1-*/*');
    if (messageId === undefined || messageId.length > MAX_MESSAGE_ID || !range) {
      respond(request, 400, range ? 'a missing or too long Message-ID' : 'malformed Byte-Range');
      return IGNORING;
    }
    const over = this.#finished.get(messageId);
    if (over) {
      respond(request, over.status, over.comment);
      return IGNORING;
    }
    try {
      return (known ?? this.#begin(request, messageId, range.total, readControl)).chunk(request, range);
    } catch (error) {
      const { status, message } = asRefusal(error);
      this.#remember(messageId, status, message);
      respond(request, status, message);
      if (isRelayed(request)) reporter(request, range.total).failure(status, message);
      return IGNORING;
    }
  }

  /**
   * Ends every message.
   * @param connected the peer can still be answered.
   */
  abort(error: Error, connected: boolean): void {
    for (const message of [...this.#incomplete.values()]) message.abort(error, connected ? 481 : undefined);
  }

  #begin(
    request: MsrpRequest,
    messageId: string,
    size: number | undefined,
    readControl: ReadControl,
  ): IncomingMessage {
    const { limits, onMessage, respond, reporter } = this.#options;
    if (!onMessage) throw new MsrpRefusedError(403, 'this session accepts no messages');
    if (this.#incomplete.size >= limits.messages) {
      throw new MsrpRefusedError(413, `more than ${limits.messages} simultaneous messages`);
    }
    const message = new IncomingMessage({
      sink: onMessage(headOf(request, messageId, size)),
      readControl,
      parts: limits.parts,
      patience: limits.transactionTimeout,
      relayed: isRelayed(request),
      respond,
      reporter: (whole) => reporter(request, whole),
      onEnd: (status, comment) => {
        this.#incomplete.delete(messageId);
        this.#remember(messageId, status, comment);
      },
    });
    this.#incomplete.set(messageId, message);
    return message;
  }

  #remember(messageId: string, status: number, comment: string | undefined): void {
    this.#finished.set(messageId, { status, comment });
    const [oldest = ''] = this.#finished.keys();
    if (this.#finished.size > MAX_FINISHED) this.#finished.delete(oldest);
  }

  /** RFC 4975 §5.4: a SEND without a body binds the session, and is not a message. */
  #withoutContent(request: MsrpRequest): BodyHandler {
    let empty = true;
    return {
      onBody: () => {
        empty = false;
      },
      onEnd: () => {
        if (empty) this.#options.respond(request, 200);
        else this.#options.respond(request, 400, 'content without Content-Type');
      },
    };
  }
}

function isRelayed({ fromPath }: MsrpRequest): boolean {
  return fromPath.length > 1;
}

function headOf({ headers }: MsrpRequest, messageId: string, size: number | undefined): IncomingHead {
  const contentType = headers.get('Content-Type');
  return {
    messageId,
    headers,
    successReport: wantsSuccessReport(headers),
    failureReport: failureReportOf(headers),
    contentType,
    size,
  };
}

/** Incoming and outgoing messages, as the owner of a session uses them. */

import type { MsrpHeaders } from '../frames/frame.js';

/** Which chunks the peer answers: all, the refused ones, or none (RFC 4975 §7.1.1). */
export type FailureReport = 'yes' | 'partial' | 'no';

/** The headers of a message's first chunk. */
export interface IncomingHead {
  messageId: string;
  contentType?: string;
  headers: MsrpHeaders;
  /** Size of the message, in bytes, if the sender declares it. */
  size?: number;
  successReport: boolean;
  failureReport: FailureReport;
}

/** Receives a message. `end` or `abort` is called once, and nothing after it. */
export interface MessageSink {
  /**
   * The chunk is answered 200 when this resolves, or after some seconds (the sender gives up after 30 s, RFC 4975 §7.1.1).
   * MsrpRefusedError answers it with its status, another error with 400; both end the message. Called again before it
   * resolves, within `unresolvedBytes`.
   * @param offset in the message, from 0, in the order of the sender; parts can repeat and overlap.
   * @param bytes a view, which the sink can keep.
   */
  write(offset: number, bytes: Uint8Array): void | Promise<void>;
  /** All bytes have arrived, and every `write` has resolved. */
  end(size: number, reporter: MessageReporter): void;
  /** The sender aborted it, the connection was lost, the session was closed, or a `write` failed. */
  abort(error: Error): void;
}

/** Sends the REPORT that the sender requested, once, if it requested one. */
export interface MessageReporter {
  success(): void;
  failure(status: number, comment?: string): void;
}

export interface OutgoingMessage {
  contentType: string;
  /** Content-Disposition, Content-Description and the like. */
  headers?: readonly (readonly [name: string, value: string])[];
  /** Size in bytes, if known. */
  size?: number;
  /** Called once, before the first chunk. The stream is read as fast as the peer accepts it. */
  open(): ReadableStream<Uint8Array>;
  successReport: boolean;
  /**
   * `yes` when absent. Without a Success-Report, `partial` is delivered without a refusal within 30 s, and `no` when all
   * bytes are sent.
   */
  failureReport?: FailureReport;
  /** Aborts the message. */
  signal?: AbortSignal;
  /** Acknowledged bytes; sent bytes if no answers are requested. */
  onProgress?(bytes: number): void;
}

export interface MessageResult {
  /** 200, or the status of the response or REPORT that refused the message. */
  status: number;
  comment: string;
  /** A REPORT has this status. False with 200: every chunk is answered, and no Success-Report was requested. */
  reported: boolean;
  /** Acknowledged bytes; sent bytes if no answers are requested. */
  bytes: number;
}

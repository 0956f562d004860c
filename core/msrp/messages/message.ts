/** Messages as a session's owner sees them: those that come, and those that are sent. */

import type { MsrpHeaders } from '../frames/frame.js';

/** RFC 4975 7.1.1: which chunks the peer shall answer: all, those it cannot take, or none. */
export type FailureReport = 'yes' | 'partial' | 'no';

/** What the first chunk of a message says of it. */
export interface IncomingHead {
  messageId: string;
  contentType?: string;
  headers: MsrpHeaders;
  /** The whole message, bytes; absent where the sender does not know it, or does not tell. */
  size?: number;
  successReport: boolean;
  failureReport: FailureReport;
}

/** Where a message goes. Either `end` or `abort` is called, once, and nothing after it. */
export interface MessageSink {
  /**
   * The chunk is answered 200 when this has resolved, or after a while (RFC 4975 7.1.1: the sender gives up after
   * 30 s). Throwing MsrpRefused answers it with that status, anything else with 400; the message is over then.
   * Called again before it has resolved, as long as all that waits is within `unresolvedBytes`.
   * @param offset counted from 0 in the message, in the order of the sender; parts may come again, and overlap.
   * @param bytes a view, which the sink may keep.
   */
  write(offset: number, bytes: Uint8Array): void | Promise<void>;
  /** All bytes have come, and every `write` has resolved. */
  end(size: number, reporter: MessageReporter): void;
  /** The sender gave it up, the connection broke, the session was closed, or a `write` failed. */
  abort(error: Error): void;
}

/** Sends the REPORT that the sender asked for; once, and nothing where it asked for none. */
export interface MessageReporter {
  success(): void;
  failure(status: number, comment?: string): void;
}

export interface OutgoingMessage {
  contentType: string;
  /** Content-Disposition, Content-Description and the like. */
  headers?: readonly (readonly [name: string, value: string])[];
  /** Bytes, where known. */
  size?: number;
  /** Called once, when the first chunk is about to be sent. Read as fast as the peer takes it. */
  open(): ReadableStream<Uint8Array>;
  successReport: boolean;
  /**
   * `yes` when absent. Without a Success-Report, `partial` is done when nobody has complained for the time of a
   * transaction (30 s), `no` when all was sent.
   */
  failureReport?: FailureReport;
  /** Gives the message up. */
  signal?: AbortSignal;
  /** Bytes that were answered 200; bytes that were sent, where no such answers were asked for. */
  onProgress?(bytes: number): void;
}

export interface MessageResult {
  /** 200; otherwise that of the response or REPORT which ended the message. */
  status: number;
  comment: string;
  /** True when a REPORT said so. False with 200: every chunk was answered, and no Success-Report was asked for. */
  reported: boolean;
  /** Acknowledged ones; sent ones, where no answers were asked for. */
  bytes: number;
}

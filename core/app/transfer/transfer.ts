/** The transfer of a file, as an agent uses it. */

import type { MediaType } from '../../content/content.js';
import type { AppHandle } from '../application/application.js';
import type { Outcome } from '../contract/outcome.js';

/** A file that a sender offers. */
export interface IncomingTransfer {
  /** From `PushRuntime.resolve`. */
  app: AppHandle;
  /** Identifies the file; the same when it is offered again. */
  key: string;
  from: string;
  to: string;
  type: MediaType;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  fileName?: string;
  /** Bytes of the whole file, as offered. */
  size?: number;
  /** SHA-1 of the whole file, as offered, in lower-case hexadecimal. */
  sha1?: string;
  /** Whether the outcome has the SHA-256 of the content, which only observers need; true by default. */
  sha256?: boolean;
  /** Whether it is kept when it is interrupted. Requires `size` and `sha1`, which identify the file. */
  resumable: boolean;
}

export type TransferAnswer =
  /** The file was confirmed before and need not be sent. */
  { known: Outcome } | { refused: Outcome & { accepted: false } } | { transfer: Transfer };

/** The outcome of a transfer. Complete content has its size in bytes and, on request, its SHA-256 in lower-case hexadecimal. */
export type TransferOutcome = Outcome & { readonly sha256?: string; readonly size?: number };

/** A file that arrives in pieces. The agent ends every transfer by `complete` or `abort`. */
export interface Transfer {
  /** Push id; the same whenever the file is offered. */
  readonly pushId: string;
  /**
   * Bytes from the first one on that were received before: the sender continues after them. When the file is complete but
   * was not confirmed, only `complete` is left to call.
   */
  readonly have: number;
  /** Bytes from the first one on that have been received so far. */
  readonly received: number;
  /** Size limit in bytes. */
  readonly largest: number;
  /**
   * Writes bytes at an offset from 0, in any order. Resolves when they are in the file; the caller must not change them
   * before. Bytes that were received before are not overwritten.
   * Rejects with LimitError when the bytes exceed the offered size or the limit, with MalformedError when they leave too
   * many gaps, and with PushRefused when the transfer has ended: its kind is the outcome.
   */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /**
   * All bytes were sent. Resolves with the application's answer within 16 s, plus the time to verify the content and to
   * sync it. Never rejects. Content that differs from the offer is `failed`.
   */
  complete(size: number): Promise<TransferOutcome>;
  /**
   * The transfer was interrupted. The received bytes of a resumable transfer are kept, unless its application refused
   * it permanently. Resolves within 4 s, when the application no longer uses the content and the file can be offered
   * again. Never rejects.
   */
  abort(why: Error): Promise<TransferOutcome>;
}

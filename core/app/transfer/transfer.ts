/** Content that comes over time: what an agent says of it, and what it does with it. */

import type { MediaType } from '../../content/content.js';
import type { AppHandle } from '../application/application.js';
import type { Outcome } from '../contract/outcome.js';

/** A file that a sender is about to send. */
export interface IncomingTransfer {
  /** As `PushRuntime.resolve` gave it. */
  app: AppHandle;
  /** What tells this file from every other, and is the same when it is offered again. */
  key: string;
  from: string;
  to: string;
  type: MediaType;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  fileName?: string;
  /** Bytes of the whole file, as offered. */
  size?: number;
  /** Of the whole file, as offered: lower-case hexadecimal. */
  sha1?: string;
  /** Whether its outcome has the SHA-256 of the content, which only observers need; true when absent. */
  sha256?: boolean;
  /** Whether it is kept when it breaks off; only with `size` and `sha1`, which tell that it is the same file. */
  resumable: boolean;
}

export type TransferAnswer =
  /** It was confirmed before: there is nothing to send. */
  { known: Outcome } | { refused: Outcome & { accepted: false } } | { transfer: Transfer };

/** How a transfer ended; `size` in bytes and `sha256`, lower-case hexadecimal, of content that came whole, where it was asked for. */
export type TransferOutcome = Outcome & { readonly sha256?: string; readonly size?: number };

/** Content that comes piece by piece. To be ended by `complete` or `abort`, whatever happens. */
export interface Transfer {
  /** Of the push, the same whenever the file is offered. */
  readonly pushId: string;
  /**
   * Bytes from the first on that are here already: what to ask for begins behind them. All of them, where a sender
   * offers again what came whole but was not confirmed: `complete` is all that is left to call.
   */
  readonly have: number;
  /** Bytes from the first on that are here by now. */
  readonly received: number;
  /** Largest content that is taken, bytes. */
  readonly largest: number;
  /**
   * Bytes of the file at `offset`, counted from 0, in any order; they must not change before it resolves, which is
   * when they are in the file. Bytes that came before stay as they were.
   * Rejects with LimitError when there are more than offered, or than is taken; with MalformedError when they leave
   * too many gaps; else with PushRefused: there is no need to send any more, and its kind is how the transfer ends.
   */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /**
   * All has come. Resolves with the application's answer, within 16 s and the time that it takes to check the content
   * and put it on disk. Never rejects. Content that is not what was offered is `failed`.
   */
  complete(size: number): Promise<TransferOutcome>;
  /**
   * It broke off. What there is of a resumable transfer stays, unless its application had refused it for good. Resolves
   * with how it ended when its application has done with it, within 4 s: from then on it may be offered again. Never
   * rejects.
   */
  abort(why: Error): Promise<TransferOutcome>;
}

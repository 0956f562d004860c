/** What a sender is asked to push, and what it says of each terminal. */

import type { PushMode } from '../app/contract.js';
import type { Content, MediaType } from '../content/content.js';
import type { ContentCoding } from '../content/encoding/coding.js';
import type { ReceiptOutcome } from './outcome.js';

/**
 * In the MESSAGE where it fits, else: `pager`, by reference (8.1.2-03); `auto`, in a session, or by reference where
 * the receiver knows no sessions. `session`: over MSRP (8.2). `indirect`: by reference, as an enabler may require.
 */
export type PushModeWish = 'auto' | 'pager' | 'session' | 'indirect';

/** Content that its application keeps, at a URL of its own (8.1.2-03a). */
export interface ContentReference {
  url: string;
  type: MediaType;
  /** Bytes, where known. */
  size?: number;
  /** SHA-1, hexadecimal, where known. */
  hash?: string;
  expiration?: Date;
}

export interface PushRequest {
  /** Public user identity (all of the user's terminals) or a GRUU (one of them). */
  to: string;
  /** event-app-id of the application addressed, `mms.ua`. */
  app: string;
  content: Content | ContentReference;
  mode?: PushModeWish;
  /** Compresses the content; receivers that cannot undo it answer 415. */
  encoding?: ContentCoding;
  /** Content-Disposition of the content. */
  disposition?: string;
  /** Seconds that content is kept for terminals to come for it, where it is referred to; an hour when absent. */
  lifetime?: number;
  /** Names the push when it is tried again in session mode: what a terminal has of it is not sent again. */
  id?: string;
}

export interface Receipt {
  to: string;
  /** GRUU, where one terminal was addressed. */
  terminal?: string;
  mode: PushMode;
  outcome: ReceiptOutcome;
  /** Of the SIP response, or of the MSRP one or REPORT in a session; absent when nothing came. */
  status?: number;
  reason: string;
  retryable: boolean;
  /** Seconds before which a retry is unwelcome. */
  retryAfter?: number;
  /** A success REPORT of the receiver came, which only session mode has. */
  reported?: boolean;
  /** Which of several files. */
  fileName?: string;
  /** Bytes of content, compressed where it was; 0 where it is elsewhere and nobody said. */
  bytes: number;
  milliseconds: number;
  /** Why it went this way, to this address: for people. */
  why?: string;
}

/** What a sender is asked to push, and what it says of each terminal. */

import type { Content, MediaType } from '../content/content.js';
import type { ContentCoding } from '../content/encoding/coding.js';
import type { ReceiptOutcome } from './outcome.js';

/**
 * `auto` and `pager`: in the MESSAGE where it fits, else by reference (8.1.2-03). `indirect`: by reference, as an
 * enabler may require.
 */
export type PushModeWish = 'auto' | 'pager' | 'indirect';

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
}

export interface Receipt {
  to: string;
  /** GRUU, where one terminal was addressed. */
  terminal?: string;
  mode: 'pager' | 'indirect';
  outcome: ReceiptOutcome;
  /** SIP status; absent when no response came. */
  status?: number;
  reason: string;
  retryable: boolean;
  /** Seconds before which a retry is unwelcome. */
  retryAfter?: number;
  /** Bytes of content, compressed where it was; 0 where it is elsewhere and nobody said. */
  bytes: number;
  milliseconds: number;
}

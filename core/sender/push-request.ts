/** What a sender is asked to push, and what it says of each terminal. */

import type { Content } from '../content/content.js';
import type { ReceiptOutcome } from './outcome.js';

export type PushModeWish = 'auto' | 'pager';

export interface PushRequest {
  /** Public user identity (all of the user's terminals) or a GRUU (one of them). */
  to: string;
  /** event-app-id of the application addressed, `mms.ua`. */
  app: string;
  content: Content;
  mode?: PushModeWish;
}

export interface Receipt {
  to: string;
  /** GRUU, where one terminal was addressed. */
  terminal?: string;
  mode: 'pager';
  outcome: ReceiptOutcome;
  /** SIP status; absent when no response came. */
  status?: number;
  reason: string;
  retryable: boolean;
  /** Seconds before which a retry is unwelcome. */
  retryAfter?: number;
  /** Bytes of content. */
  bytes: number;
  milliseconds: number;
}

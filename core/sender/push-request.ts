/** What a sender is asked to push, and what it says of each terminal. */

import type { PushMode } from '../app/contract/push-app.js';
import type { Content, MediaType } from '../content/content.js';
import type { ContentCoding } from '../content/content-coding.js';
import type { ReceiptOutcome } from './outcome.js';
import type { PushFile } from './session/outgoing-line.js';

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

/** To whom it goes, and for how long. */
export interface DeliveryRequest {
  /** Public user identity (all of the user's terminals) or a GRUU (one of them). */
  to: string;
  /** event-app-id of the application addressed, `mms.ua`. */
  app: string;
  /** Which instance of the application, where a terminal may have several (TS appendix D): a URN. */
  iari?: string;
  mode?: PushModeWish;
  /** Which of the user's terminals; all that have the application when absent. */
  terminals?: TerminalFilter;
  /**
   * Seconds for which a push that a terminal did not take for now is tried again: when the terminal comes back, when
   * it said to, or after a while. Absent: it is tried once.
   */
  ttl?: number;
}

interface PushOptions extends DeliveryRequest {
  /** Compresses the content; receivers that cannot undo it answer 415. A session carries it as it is. */
  encoding?: ContentCoding;
  /** Seconds that content is kept for terminals to come for it, where it is referred to; an hour when absent. */
  lifetime?: number;
  /**
   * Names the push when it is tried again, by this process or the next: in session mode, what a terminal has of it by
   * then is not sent again. A new push needs a new one; absent: it is one.
   */
  id?: string;
  /**
   * In session mode only a success REPORT counts as delivered: that of a receiver whose application has taken the
   * push. Absent or false: it is asked for all the same, and where none comes, that every chunk was answered 200 will
   * do.
   */
  report?: boolean;
}

/** One content. */
export interface ContentPush extends PushOptions {
  content: Content | ContentReference;
  /** Content-Disposition of the content. */
  disposition?: string;
}

/** Files for one application, each a push of its own: in one session, or by reference, a MESSAGE for each. */
export interface FilesPush extends PushOptions {
  files: readonly PushFile[];
}

/** What a sender is asked to push. */
export type PushRequest = ContentPush | FilesPush;

/** What became of a push at one terminal, or at all that a core forked it to. */
export interface Receipt {
  to: string;
  /** GRUU, where one terminal was addressed, or told its own. */
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

/** Some of a user's terminals. */
export interface TerminalFilter {
  /** Instances, `urn:uuid:…`, or GRUUs. */
  instances?: readonly string[];
  /** SIP methods that a terminal has to take, `INVITE`. */
  methods?: readonly string[];
}

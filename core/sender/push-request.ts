/** A push request of a sender, and the receipts of terminals. */

import type { PushMode } from '../app/contract/push-app.js';
import type { Content, MediaType } from '../content/content.js';
import type { ContentCoding } from '../content/content-coding.js';
import type { ReceiptOutcome } from './outcome.js';
import type { PushFile } from './session/outgoing-line.js';

/**
 * How to send a push. `pager`: in a MESSAGE, larger content by reference (8.1.2-03). `session`: over MSRP (8.2).
 * `indirect`: by reference. `auto`: in a MESSAGE if it fits, otherwise in a session, or by reference if the receiver
 * does not support sessions.
 */
export type PushModeChoice = 'auto' | 'pager' | 'session' | 'indirect';

/** A reference to content on another server (8.1.2-03a). */
export interface ContentReference {
  /** URL of the content. */
  url: string;
  /** Media type. */
  type: MediaType;
  /** Size in bytes, if known. */
  size?: number;
  /** SHA-1 in hexadecimal, if known. */
  hash?: string;
  /** When the reference expires. */
  expiration?: Date;
}

/** The receiver of a push, and how long to try. */
export interface DeliveryRequest {
  /** Public user identity (all of the user's terminals) or a GRUU (one of them). */
  to: string;
  /** event-app-id of the addressed application, `mms.ua`. */
  app: string;
  /** URN of the instance of the application, if a terminal has several (TS appendix D). */
  iari?: string;
  /** How to send the push; `auto` by default. */
  mode?: PushModeChoice;
  /** Selects terminals of the user; by default all that have the application. */
  terminals?: TerminalFilter;
  /**
   * Seconds during which a transient failure is retried: when the terminal is back, after its Retry-After, or at
   * intervals. By default there is one attempt.
   */
  ttl?: number;
}

interface PushOptions extends DeliveryRequest {
  /** Compresses the content. Receivers without support answer 415. Ignored in session mode. */
  encoding?: ContentCoding;
  /** Seconds to serve content by reference; one hour by default. */
  lifetime?: number;
  /**
   * Id of the push. In session mode, a push with the same id and content resumes, also from another process. By default
   * each push is new.
   */
  id?: string;
  /**
   * In session mode, wait for the success REPORT, which a receiver sends after its application has accepted the push.
   * By default, a 200 to every chunk is enough if no REPORT arrives.
   */
  report?: boolean;
}

/** A push of one content. */
export interface ContentPush extends PushOptions {
  /** The content, or a reference to it. */
  content: Content | ContentReference;
  /** Content-Disposition of the content. */
  disposition?: string;
}

/** A push of several files for one application, in one session or by reference with a MESSAGE for each. */
export interface FilesPush extends PushOptions {
  /** The files; each has its own receipt. */
  files: readonly PushFile[];
}

/** A push request: one content, or several files. */
export type PushRequest = ContentPush | FilesPush;

/** The result of a push at one terminal, or at all terminals that the core forked it to. */
export interface Receipt {
  /** Address that the push was sent to. */
  to: string;
  /** GRUU of the terminal, if it was addressed or is known from the response. */
  terminal?: string;
  /** How the push was sent. */
  mode: PushMode;
  /** `delivered`, `refused` or `failed`. */
  outcome: ReceiptOutcome;
  /** Status of the SIP response, or in session mode of the MSRP response or REPORT; absent without a response. */
  status?: number;
  /** Why, for people. */
  reason: string;
  /** Whether a retry can succeed. */
  retryable: boolean;
  /** Seconds to wait before a retry. */
  retryAfter?: number;
  /** Session mode: whether a success REPORT arrived. */
  reported?: boolean;
  /** Name of the file, for one of several files. */
  fileName?: string;
  /** Size of the content in bytes, as sent; 0 for a reference of unknown size. */
  bytes: number;
  /** Duration in milliseconds. */
  milliseconds: number;
  /** Why the push was sent in this mode to this address, for people. */
  why?: string;
}

/** Selects terminals of a user. */
export interface TerminalFilter {
  /** Instances, `urn:uuid:…`, or GRUUs. */
  instances?: readonly string[];
  /** SIP methods that a terminal must support, `INVITE`. */
  methods?: readonly string[];
}

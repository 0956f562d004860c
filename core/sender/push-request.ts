/** A push of a sender, and its receipt from each terminal. */

import type { PushMode } from '../app/contract/push.js';
import type { Content, MediaType } from '../content/content.js';
import type { ContentCoding } from '../content/content-coding.js';
import type { ReceiptOutcome } from './outcome.js';
import type { PushFile } from './session/outgoing-line.js';

/**
 * How a push is sent.
 *
 * - `auto`: in a MESSAGE if it fits, otherwise in a session, otherwise by reference.
 * - `pager`: in a MESSAGE if it fits, otherwise by reference (8.1.2-03).
 * - `session`: over MSRP (8.2).
 * - `indirect`: by reference.
 */
export type PushModeChoice = 'auto' | 'pager' | 'session' | 'indirect';

/** Content that the application serves itself, at its own URL (8.1.2-03a). */
export interface ContentReference {
  /** URL of the content. */
  url: string;
  /** Media type of the content. */
  type: MediaType;
  /** Size in bytes, if known. */
  size?: number;
  /** SHA-1 in hexadecimal, if known. */
  hash?: string;
  /** When the reference expires. */
  expiration?: Date;
}

/** Addressing and delivery of a push. */
export interface PushOptions {
  /** Public user identity (all terminals of the user) or a GRUU (one terminal). */
  to: string;
  /** event-app-id of the application, e.g. `mms.ua`. */
  app: string;
  /** IARI of the preferred instance if a terminal has several instances of the application (TS appendix D). */
  iari?: string;
  /** How to send the push, `auto` if absent. */
  mode?: PushModeChoice;
  /** Selects terminals of the user; all terminals that have the application if absent. */
  terminals?: TerminalFilter;
  /**
   * Seconds for which a push with a transient failure is retried: when the terminal registers again, after its
   * Retry-After, or after a backoff. If absent, there is one attempt.
   */
  ttl?: number;
  /**
   * Compresses the content. A receiver that does not support the coding answers 415. Session mode has no content
   * codings.
   */
  encoding?: ContentCoding;
  /** Seconds for which published content can be retrieved, three weeks at most; the `ttl`, and at least one hour, if absent. */
  lifetime?: number;
  /**
   * Identifies the push over retries, even by another process: a terminal that has the push does not deliver it again,
   * and in session mode gets only the bytes that it does not have yet. Each new push needs a new id. If absent, the
   * sender generates one.
   */
  id?: string;
  /**
   * In session mode, requires a success REPORT, which the receiver sends when its application has accepted the push.
   * If false or absent, a push without a REPORT is delivered when every chunk was answered 200.
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

/** A push of several files to one application: in one session, or each in a MESSAGE of its own, by reference. */
export interface FilesPush extends PushOptions {
  /** The files. Each has its own receipt. */
  files: readonly PushFile[];
}

/** What a sender pushes. */
export type PushRequest = ContentPush | FilesPush;

/** The result of a push at one terminal, or of one request that the core forked. */
export interface Receipt {
  /** The address in the push request. */
  to: string;
  /** GRUU of the terminal, if it was addressed or revealed its GRUU. */
  terminal?: string;
  /** How the push was sent. */
  mode: PushMode;
  /** `delivered`, `refused` by the receiver or the core, or `failed` without a decision. */
  outcome: ReceiptOutcome;
  /** Status of the SIP response, or of the MSRP response or REPORT in a session; absent without a response. */
  status?: number;
  /** The reason, as text for people. */
  reason: string;
  /** Whether a retry can succeed. */
  retryable: boolean;
  /** Seconds to wait before a retry. */
  retryAfter?: number;
  /** Whether the receiver sent a success REPORT (session mode). */
  reported?: boolean;
  /** Name of the file, if the push had several. */
  fileName?: string;
  /** Size of the content in bytes, after compression; 0 if the size of referenced content is unknown. */
  bytes: number;
  /** Duration in milliseconds. */
  milliseconds: number;
  /** Why the sender chose this mode and this address, as text for people. */
  why?: string;
}

/** Selects some of a user's terminals. */
export interface TerminalFilter {
  /** Instance ids (`urn:uuid:…`) or GRUUs. */
  instances?: readonly string[];
  /** SIP methods that a terminal must support, e.g. `INVITE`. */
  methods?: readonly string[];
}

/** The one table from what came of a file in a session to what it means for the push (RFC 4975 10, appendix C). */

import { MalformedError } from '../../errors.js';
import { commentOf, type MessageResult } from '../../msrp/index.js';
import { parseSupported, type SupportedMedia } from '../../sdp/index.js';
import type { SipResponse } from '../../sip/message/message.js';
import { interpret, type ReceiptOutcome } from '../outcome.js';

export interface FileOutcome {
  outcome: ReceiptOutcome;
  status?: number;
  reason: string;
  retryable: boolean;
  /** Seconds before which a retry is unwelcome. */
  retryAfter?: number;
  /** A success REPORT came. */
  reported: boolean;
  /** The terminal takes no files, or no sessions at all, whatever is offered. */
  sessionless?: boolean;
}

/**
 * 400: received in vain; 408 and 481: nobody there any more. 413, of a file whose size the receiver knew when it
 * accepted it: no room or no wish, for now. All others say what waiting does not change.
 */
const RETRYABLE = new Set([400, 408, 413, 481, 506]);
/** No word of the application. */
const UNREACHED = new Set([408, 481, 506]);

export function interpretMessage({ status, comment, reported }: MessageResult): FileOutcome {
  const reason = comment || commentOf(status) || `MSRP status ${status}`;
  if (status < 300) return { outcome: 'delivered', status, reason, retryable: false, reported };
  const outcome = UNREACHED.has(status) ? 'failed' : 'refused';
  return { outcome, status, reason, retryable: RETRYABLE.has(status), reported };
}

/** B.4 step 3: the receiver set the port of the file's line to zero: unwilling, which is as a 603 (C-02). */
export const DECLINED: FileOutcome = {
  outcome: 'refused',
  status: 200,
  reason: 'the receiver does not want this file (port zero)',
  retryable: true,
  reported: false,
};

/** The receiver answered that it has the file already, as a whole. */
export const HAD: FileOutcome = {
  outcome: 'delivered',
  status: 200,
  reason: 'the receiver has had this file already',
  retryable: false,
  reported: false,
};

/** @param most bytes of a message that the receiver takes (max-size). */
export function tooLarge(most: number): FileOutcome {
  return refused(413, `the receiver takes at most ${most} bytes`);
}

/** @param acceptTypes of the answer, among which the file's type is not. */
export function notAccepted(acceptTypes: readonly string[]): FileOutcome {
  return refused(415, `the receiver takes ${acceptTypes.join(', ')}`);
}

/** What will not change by trying again. */
function refused(status: number, reason: string): FileOutcome {
  return { outcome: 'refused', status, reason, retryable: false, reported: false };
}

/** The content could not be read to its end, or is not what was offered; what the receiver answered cannot be read. */
export function withoutEffect(error: unknown): FileOutcome {
  const reason = error instanceof Error ? error.message : String(error);
  return { outcome: 'failed', reason, retryable: false, reported: false };
}

/** Nobody said anything: the connection broke, or nobody came. */
export function broken(error: Error, status?: number): FileOutcome {
  return {
    outcome: 'failed',
    status,
    reason: error.message,
    retryable: true,
    reported: false,
  };
}

/** What a final answer to an INVITE says that begins no session (appendix C, RFC 3261 21). */

/** RFC 3261 21.4.6, 21.5.2: the receiver, or the core before it, takes no INVITE. */
const TAKE_NO_INVITE = new Set([405, 501]);
/** RFC 3261 21.4.26, 21.6.4: with the media that would be taken. */
const TAKE_OTHER_MEDIA = new Set([488, 606]);

export function refusedBy(response: SipResponse): FileOutcome {
  const said = interpret(response);
  const supported = TAKE_OTHER_MEDIA.has(said.status) ? supportedBy(response) : undefined;
  const { acceptTypes = [], maxSize }: Partial<SupportedMedia> =
    supported === 'none' ? {} : (supported ?? {});
  const types = acceptTypes.length === 0 ? '' : `; it takes ${acceptTypes.join(', ')}`;
  const size = maxSize === undefined ? '' : `; it takes at most ${maxSize} bytes`;
  return {
    ...said,
    reason: `${said.reason}${types}${size}`,
    reported: false,
    sessionless: TAKE_NO_INVITE.has(said.status) || supported === 'none',
  };
}

/** `none`: media, and no MSRP among them. Undefined: nothing is said that can be read. */
function supportedBy({ body }: SipResponse): SupportedMedia | 'none' | undefined {
  if (body.length === 0) return undefined;
  try {
    return parseSupported(body) ?? 'none';
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** The table from MSRP statuses, and from the answer to an INVITE, to the outcome of a file (RFC 4975 §10, appendix C). */

import { MalformedError } from '../../errors.js';
import { commentOf, type MessageResult } from '../../msrp/index.js';
import { parseSupported, type SupportedMedia } from '../../sdp/index.js';
import type { SipResponse } from '../../sip/message/message.js';
import { reasonOf } from '../../text.js';
import { interpret, type ReceiptOutcome } from '../outcome.js';
import { descriptionIn } from './offer.js';

export interface FileOutcome {
  outcome: ReceiptOutcome;
  status?: number;
  reason: string;
  retryable: boolean;
  /** Seconds to wait before a retry. */
  retryAfter?: number;
  /** Whether a success REPORT arrived. */
  reported: boolean;
  /** The terminal supports no file transfer in sessions, or no sessions at all. */
  sessionsUnsupported?: boolean;
}

/**
 * Transient MSRP statuses. 400: the receiver failed. 408, 481 and 506: the session is gone. 413: the receiver stopped a
 * file whose size it had accepted. All other statuses are permanent.
 */
const RETRYABLE = new Set([400, 408, 413, 481, 506]);
/** The application did not decide. */
const UNREACHED = new Set([408, 481, 506]);

export function interpretMessage({ status, comment, reported }: MessageResult): FileOutcome {
  const reason = comment || commentOf(status) || `MSRP status ${status}`;
  if (status < 300) return { outcome: 'delivered', status, reason, retryable: false, reported };
  const outcome = UNREACHED.has(status) ? 'failed' : 'refused';
  return { outcome, status, reason, retryable: RETRYABLE.has(status), reported };
}

/** The receiver declined the file by port zero (B.4 step 3), which is retryable like a 603 (C-02). */
export const DECLINED: FileOutcome = {
  outcome: 'refused',
  status: 200,
  reason: 'the receiver declined the file (port zero)',
  retryable: true,
  reported: false,
};

/** @param maxSize the max-size of the answer, in bytes. */
export function tooLarge(maxSize: number): FileOutcome {
  return refused(413, `the receiver accepts at most ${maxSize} bytes`);
}

/** @param acceptTypes the accept-types of the answer. */
export function notAccepted(acceptTypes: readonly string[]): FileOutcome {
  return refused(415, `the receiver accepts ${acceptTypes.join(', ')}`);
}

function refused(status: number, reason: string): FileOutcome {
  return { outcome: 'refused', status, reason, retryable: false, reported: false };
}

/** Reading the content failed, the content differs from the offer, or the receiver's answer is malformed. */
export function permanentFailure(error: unknown): FileOutcome {
  const reason = reasonOf(error);
  return { outcome: 'failed', reason, retryable: false, reported: false };
}

/** The connection was lost, or the receiver never connected or answered. */
export function interrupted(error: Error, status?: number): FileOutcome {
  return {
    outcome: 'failed',
    status,
    reason: error.message,
    retryable: true,
    reported: false,
  };
}

/** The receiver, or the core, does not support INVITE (RFC 3261 §21.4.6, §21.5.2). */
const INVITE_UNSUPPORTED = new Set([405, 501]);
/** The response can list the supported media (RFC 3261 §21.4.26, §21.6.4). */
const OTHER_MEDIA = new Set([488, 606]);

/** The outcome of all files of an INVITE that was rejected. */
export function interpretInviteResponse(response: SipResponse): FileOutcome {
  const result = interpret(response);
  const supported = OTHER_MEDIA.has(result.status) ? supportedBy(response) : undefined;
  const { acceptTypes = [], maxSize }: Partial<SupportedMedia> =
    supported === 'none' ? {} : (supported ?? {});
  const types = acceptTypes.length === 0 ? '' : `; accepted types: ${acceptTypes.join(', ')}`;
  const size = maxSize === undefined ? '' : `; accepted size: at most ${maxSize} bytes`;
  return {
    ...result,
    reason: `${result.reason}${types}${size}`,
    reported: false,
    sessionsUnsupported: INVITE_UNSUPPORTED.has(result.status) || supported === 'none',
  };
}

/** `none` if the body lists media without MSRP; undefined if there is no valid body. */
function supportedBy(response: SipResponse): SupportedMedia | 'none' | undefined {
  if (response.body.length === 0) return undefined;
  try {
    return parseSupported(descriptionIn(response)) ?? 'none';
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

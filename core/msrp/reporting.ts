/** What a SEND asks to be told, and the REPORT that tells it (RFC 4975 7.1.1, 7.1.2). */

import { formatByteRange } from './byte-range.js';
import type { MsrpRequest } from './frame.js';
import { MsrpHeaders } from './headers.js';
import type { FailureReport } from './message.js';
import { formatStatus } from './status.js';
import { newTransactionId } from './transaction-id.js';

export function failureReportOf(headers: MsrpHeaders): FailureReport {
  const value = headers.get('Failure-Report')?.toLowerCase();
  return value === 'no' || value === 'partial' ? value : 'yes';
}

export function wantsSuccessReport(headers: MsrpHeaders): boolean {
  return headers.get('Success-Report')?.toLowerCase() === 'yes';
}

/** True when a SEND with these headers is to be told that its chunk, or its message, came to this. */
export function wantsAnswer(headers: MsrpHeaders, success: boolean): boolean {
  const failureReport = failureReportOf(headers);
  return failureReport === 'yes' || (failureReport === 'partial' && !success);
}

/** @param size of the whole message, where it is known. */
export function buildReport(
  send: MsrpRequest,
  localUri: string,
  size: number | undefined,
  status: { code: number; comment: string },
): MsrpRequest {
  const headers = new MsrpHeaders()
    .set('Message-ID', send.headers.get('Message-ID') ?? '')
    .set('Byte-Range', formatByteRange({ start: 1, end: size, total: size }))
    .set('Status', formatStatus(status.code, status.comment));
  const transactionId = newTransactionId();
  return { method: 'REPORT', transactionId, toPath: send.fromPath, fromPath: [localUri], headers };
}

/** Status of a REPORT (RFC 4975 7.1.2, 9): `000 200 OK`. */

import { SipPushError } from '../../errors.js';
import { formatByteRange, MsrpHeaders, type MsrpRequest, newTransactionId } from '../frames/frame.js';
import type { FailureReport } from './message.js';

export interface MsrpStatus {
  /** Three digits; `000` is RFC 4975's own, the others are not understood by anybody. */
  namespace: string;
  /** As of a response. */
  code: number;
  /** Empty where there is none. */
  comment: string;
}

const STATUS = /^([0-9]{3}) +([0-9]{3})(?: +(.*))?$/;

export function parseStatus(value: string): MsrpStatus | undefined {
  const [, namespace, code, comment = ''] = STATUS.exec(value) ?? [];
  return namespace === undefined ? undefined : { namespace, code: Number(code), comment };
}

export function formatStatus(code: number, comment = ''): string {
  const status = `000 ${String(code).padStart(3, '0')}`;
  return comment === '' ? status : `${status} ${comment}`;
}

/** A message, or a chunk of it, that is not taken; and what the status codes of RFC 4975 10 mean. */

/** Thrown by `onMessage` or by a sink's `write`: the chunks of that message are answered with this status. */
export class MsrpRefused extends SipPushError {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const COMMENTS: ReadonlyMap<number, string> = new Map([
  [200, 'OK'],
  [400, 'Bad Request'],
  [403, 'Forbidden'],
  [408, 'Request Timeout'],
  [413, 'Stop Sending Message'],
  [415, 'Unsupported Media Type'],
  [423, 'Parameters Out of Bounds'],
  [481, 'Session Does Not Exist'],
  [501, 'Unknown Method'],
  [506, 'Session Already In Use'],
]);

/** Empty for a status that RFC 4975 does not know. */
export function commentOf(status: number): string {
  return COMMENTS.get(status) ?? '';
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Comments go into a line of a frame: text from elsewhere may hold anything. */
export function asComment(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]+/gu, ' ').slice(0, 200);
}

/** What a SEND asks to be told, and the REPORT that tells it (RFC 4975 7.1.1, 7.1.2). */

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

/** Status codes (RFC 4975 §10), the Status of a REPORT (`000 200 OK`, §7.1.2), and which answers a sender requests. */

import { SipPushError } from '../../errors.js';
import { formatByteRange, MsrpHeaders, type MsrpRequest, newTransactionId } from '../frames/frame.js';
import type { FailureReport } from './message.js';

export interface MsrpStatus {
  /** Three digits; only `000` is defined. */
  namespace: string;
  /** Three digits, as in a response. */
  code: number;
  /** Empty when absent. */
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

/** Thrown by `onMessage` or by the `write` of a sink: answers the chunks of the message with this status. */
export class MsrpRefusedError extends SipPushError {
  static {
    MsrpRefusedError.prototype.name = 'MsrpRefusedError';
  }

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

/** Empty for a status that RFC 4975 does not define. */
export function commentOf(status: number): string {
  return COMMENTS.get(status) ?? '';
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Makes text fit into a line of a frame. */
export function asComment(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]+/gu, ' ').slice(0, 200);
}

export function failureReportOf(headers: MsrpHeaders): FailureReport {
  const value = headers.get('Failure-Report')?.toLowerCase();
  return value === 'no' || value === 'partial' ? value : 'yes';
}

export function wantsSuccessReport(headers: MsrpHeaders): boolean {
  return headers.get('Success-Report')?.toLowerCase() === 'yes';
}

/** Whether the sender of a SEND with these headers requests an answer (RFC 4975 §7.1.1). */
export function wantsAnswer(headers: MsrpHeaders, success: boolean): boolean {
  const failureReport = failureReportOf(headers);
  return failureReport === 'yes' || (failureReport === 'partial' && !success);
}

/** @param size of the message, if it is known. */
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

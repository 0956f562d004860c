/** What the host is told of a push: the fields of its event. */

import type { AppFiles } from 'sip-push/sdk';
import type { Incoming } from './incoming.js';
import type { Message } from './message.js';

export type Report = Exclude<Incoming, { type: 'M-Notification.ind' }>;

export function notificationFields(message: Message) {
  const { transactionId, from, subject, messageSize, expiry, contentLocation } = message;
  return {
    transactionId,
    ...(from === undefined ? {} : { from }),
    ...(subject === undefined ? {} : { subject }),
    messageSize,
    expiry,
    contentLocation,
  };
}

export function reportEvent(report: Report): { kind: string; fields: Record<string, string> } {
  const { messageId, to } = report.pdu;
  const date = report.pdu.date.toISOString();
  if (report.type === 'M-Read-Orig.ind') {
    const { from, readStatus } = report.pdu;
    return { kind: 'read-report', fields: { messageId, from, to, date, status: readStatus } };
  }
  const { status, statusText } = report.pdu;
  const reason: Record<string, string> = statusText === undefined ? {} : { statusText };
  return { kind: 'delivery-report', fields: { messageId, to, date, status, ...reason } };
}

/** Where other programs find the files, by their names. */
export async function pathsOf(files: AppFiles): Promise<ReadonlyMap<string, string>> {
  return new Map((await files.list()).map(({ name, path }) => [name, path]));
}

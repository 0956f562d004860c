/** Pushed PDUs in words for the user, and as fields of events. */

import {
  absoluteTime,
  displayAddress,
  type MmsDeliveryReport,
  type MmsNotification,
  type MmsReadForOriginator,
  type MmsStatus,
} from 'sip-push/formats';
import { defined, type PushDescription, printable } from 'sip-push/sdk';
import type { Message } from './message.js';
import type { PushedPdu } from './pushed-pdu.js';

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

export function describePdu(incoming: PushedPdu, receivedAt: Date): PushDescription {
  switch (incoming.type) {
    case 'M-Notification.ind':
      return describeNotification(incoming.pdu, receivedAt);
    case 'M-Delivery.ind':
      return describeDelivery(incoming.pdu);
    case 'M-Read-Orig.ind':
      return describeReading(incoming.pdu);
  }
}

function describeNotification(notification: MmsNotification, receivedAt: Date): PushDescription {
  const sender = notification.from === undefined ? 'an unknown sender' : displayAddress(notification.from);
  const expiry = absoluteTime(notification.expiry, receivedAt);
  const size = displaySize(notification.messageSize);
  return {
    title: `Multimedia message from ${printable(sender)}`,
    text: notification.subject === undefined ? `No subject, ${size}` : printable(notification.subject),
    fields: defined({
      from: printable(sender),
      subject: notification.subject === undefined ? undefined : printable(notification.subject),
      size,
      class: printable(notification.messageClass),
      priority: notification.priority,
      expires: displayTime(expiry),
      location: printable(notification.contentLocation),
    }),
  };
}

const DELIVERY: Readonly<Record<MmsStatus, string>> = {
  expired: 'expired before it was retrieved',
  retrieved: 'was delivered',
  rejected: 'was rejected',
  deferred: 'has not been retrieved yet',
  unrecognised: 'was not recognised by the device',
  indeterminate: 'may or may not have been delivered',
  forwarded: 'was forwarded',
  unreachable: 'could not be delivered',
};

function describeDelivery({ messageId, to, date, status, statusText }: MmsDeliveryReport): PushDescription {
  return {
    title: 'Delivery report',
    text: `The message to ${printable(displayAddress(to))} ${DELIVERY[status]}`,
    fields: defined({
      reason: statusText === undefined ? undefined : printable(statusText),
      date: displayTime(date),
      message: printable(messageId),
    }),
  };
}

function describeReading({ messageId, from, date, readStatus }: MmsReadForOriginator): PushDescription {
  const reader = printable(displayAddress(from));
  return {
    title: 'Read report',
    text: readStatus === 'read' ? `${reader} read the message` : `${reader} deleted the message unread`,
    fields: { date: displayTime(date), message: printable(messageId) },
  };
}

/** `29 KiB`, `1.5 MiB` */
function displaySize(octets: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(octets, 1)) / 10), UNITS.length - 1);
  const amount = octets / 1024 ** power;
  return `${Number(amount.toFixed(amount < 10 ? 1 : 0))} ${UNITS[power]}`;
}

/** `2026-11-22 02:24 UTC` */
function displayTime(time: Date): string {
  return time.toISOString().replace(/T(\d\d:\d\d).*$/, ' $1 UTC');
}

export type Report = Exclude<PushedPdu, { type: 'M-Notification.ind' }>;

export function notificationFields(message: Message) {
  const { transactionId, from, subject, messageSize, expiry, contentLocation } = message;
  return { transactionId, from, subject, messageSize, expiry, contentLocation };
}

export function reportEvent(report: Report): { kind: string; fields: Record<string, string> } {
  const { messageId, to } = report.pdu;
  const date = report.pdu.date.toISOString();
  if (report.type === 'M-Read-Orig.ind') {
    const { from, readStatus } = report.pdu;
    return { kind: 'read-report', fields: { messageId, from, to, date, status: readStatus } };
  }
  const { status, statusText } = report.pdu;
  return { kind: 'delivery-report', fields: defined({ messageId, to, date, status, statusText }) };
}

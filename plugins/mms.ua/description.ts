/** Pushed PDUs in words for the user. */

import {
  absoluteTime,
  decodeEncodedWords,
  displayAddress,
  type MmsDeliveryReport,
  type MmsNotification,
  type MmsReadForOriginator,
  type MmsStatus,
} from 'sip-push/formats';
import type { PushDescription } from 'sip-push/sdk';
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
  const subject = notification.subject && decodeEncodedWords(notification.subject);
  return {
    title: `Multimedia message from ${sender}`,
    text: subject ?? `No subject, ${size}`,
    fields: {
      from: sender,
      subject,
      size,
      class: notification.messageClass,
      priority: notification.priority,
      expires: displayTime(expiry),
      location: notification.contentLocation,
    },
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
    text: `The message to ${displayAddress(to)} ${DELIVERY[status]}`,
    fields: {
      reason: statusText,
      date: displayTime(date),
      message: messageId,
    },
  };
}

function describeReading({ messageId, from, date, readStatus }: MmsReadForOriginator): PushDescription {
  const reader = displayAddress(from);
  return {
    title: 'Read report',
    text: readStatus === 'read' ? `${reader} read the message` : `${reader} deleted the message unread`,
    fields: { date: displayTime(date), message: messageId },
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

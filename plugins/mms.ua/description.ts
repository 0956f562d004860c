/** A notification in words. */

import { absoluteTime, displayAddress, type MmsNotification } from 'sip-push/formats';
import type { PushDescription } from 'sip-push/sdk';

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

export function describeNotification(notification: MmsNotification, receivedAt: Date): PushDescription {
  const sender = notification.from === undefined ? 'an unknown sender' : displayAddress(notification.from);
  const expiry = absoluteTime(notification.expiry, receivedAt);
  const size = displaySize(notification.messageSize);
  return {
    title: `Multimedia message from ${printable(sender)}`,
    text: notification.subject === undefined ? `No subject, ${size}` : printable(notification.subject),
    fields: {
      from: printable(sender),
      ...(notification.subject === undefined ? {} : { subject: printable(notification.subject) }),
      size,
      class: printable(notification.messageClass),
      ...(notification.priority === undefined ? {} : { priority: notification.priority }),
      expires: displayTime(expiry),
      location: printable(notification.contentLocation),
    },
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

/** What a sender wrote may go to a terminal: no control characters, and none that turn the direction of text. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, ' ');
}

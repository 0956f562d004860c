/** A message that this device was notified of, as it is stored: where it is between its notification and its answers. */

import { absoluteTime, type MmsNotification } from 'sip-push/formats';
import type { MmsOptions } from './options.js';

/** Characters of a text that is kept with every message: no subject is as long. */
const MAX_TEXT = 1024;

/** What is posted to the MMSC. Each is posted until the MMSC has taken it: at least once. */
export type Answer =
  | {
      readonly pdu: 'M-NotifyResp.ind';
      readonly status: 'retrieved' | 'deferred' | 'expired' | 'unrecognised';
    }
  | { readonly pdu: 'M-Acknowledge.ind'; readonly transactionId: string }
  /** `date` is ISO 8601, UTC. */
  | {
      readonly pdu: 'M-Read-Rec.ind';
      readonly messageId: string;
      readonly to: string;
      readonly date: string;
    };

export interface MessagePart {
  readonly contentType: string;
  readonly charset?: string;
  readonly name: string;
  /** Octets. */
  readonly size: number;
  readonly sha256: string;
  /** Its name in `files`. */
  readonly file: string;
}

/** What M-Retrieve.conf brought. */
export interface RetrievedContent {
  /** There where the MMSC wants an M-Acknowledge.ind. */
  readonly transactionId?: string;
  readonly messageId?: string;
  readonly from?: string;
  readonly subject?: string;
  /** When it was sent; ISO 8601, UTC. */
  readonly date: string;
  /** Whether the sender wants to know that it was read. */
  readonly readReport: boolean;
  readonly parts: readonly MessagePart[];
}

/** JSON values; times are ISO 8601, UTC. */
export interface Message {
  /** What tells it from others: SHA-256 of Transaction-Id and Content-Location. */
  readonly key: string;
  /**
   * `waiting` until somebody asks, or until `dueAt`; `failed`: given up, it may be asked for again; `over`: all that is
   * left of it are its answers.
   */
  readonly state: 'waiting' | 'retrieving' | 'retrieved' | 'failed' | 'over';
  readonly transactionId: string;
  readonly contentLocation: string;
  readonly from?: string;
  readonly subject?: string;
  readonly messageClass: string;
  /** Octets, as the notification has it. */
  readonly messageSize: number;
  readonly expiry: string;
  readonly receivedAt: string;
  /** When it is retrieved without being asked for. */
  readonly dueAt?: string;
  /** Attempts to retrieve it, since it was last asked for. */
  readonly attempts: number;
  /** Those of them that brought something else. */
  readonly malformed: number;
  /** Why it failed. */
  readonly reason?: string;
  /** Whether an M-NotifyResp.ind has answered the notification, or is among `answers`. */
  readonly responded: boolean;
  /** In their order. */
  readonly answers: readonly Answer[];
  readonly answerAttempts: number;
  readonly content?: RetrievedContent;
  /** Whether the host was told that it was retrieved. */
  readonly reported?: true;
  readonly read?: true;
}

export function messageOf(
  key: string,
  notification: MmsNotification,
  receivedAt: Date,
  { retrieve, after }: MmsOptions,
): Message {
  const { transactionId, contentLocation, from, subject, messageClass, messageSize } = notification;
  // OMA-TS-MMS_ENC 7.3.47: the MMSC asks that a person decides.
  const immediate = retrieve === 'immediate' && notification.recommendedRetrievalMode !== 'manual';
  const deferred = retrieve !== 'manual' && !immediate;
  const message: Message = {
    key,
    state: immediate ? 'retrieving' : 'waiting',
    transactionId,
    contentLocation,
    from: from === undefined ? undefined : truncate(from),
    subject: subject === undefined ? undefined : truncate(subject),
    messageClass: truncate(messageClass),
    messageSize,
    expiry: absoluteTime(notification.expiry, receivedAt).toISOString(),
    receivedAt: receivedAt.toISOString(),
    dueAt: after === undefined ? undefined : new Date(receivedAt.getTime() + after * 1000).toISOString(),
    attempts: 0,
    malformed: 0,
    responded: false,
    answers: [],
    answerAttempts: 0,
  };
  return deferred ? withResponse(message, 'deferred') : message;
}

/** With one M-NotifyResp.ind more to post, unless the notification has been answered. */
export function withResponse(
  message: Message,
  status: Extract<Answer, { pdu: 'M-NotifyResp.ind' }>['status'],
): Message {
  return message.responded ? message : withAnswer(message, { pdu: 'M-NotifyResp.ind', status }, true);
}

export function withAnswer(message: Message, answer: Answer, responded = message.responded): Message {
  return { ...message, responded, answers: [...message.answers, answer] };
}

/** All that is left of it are its answers; it goes when there are none. */
export function finished({ content: _, ...message }: Message): Message | undefined {
  return message.answers.length > 0 ? { ...message, state: 'over' } : undefined;
}

/** Whether the MMSC no longer keeps it: what was retrieved does not expire. */
export function isExpired({ state, expiry }: Message, now: Date): boolean {
  return state !== 'retrieved' && expiry <= now.toISOString();
}

export function filesOf(message: Message | undefined): string[] {
  return message?.content?.parts.map(({ file }) => file) ?? [];
}

export function sizeOf({ content }: Message): number {
  return content?.parts.reduce((sum, { size }) => sum + size, 0) ?? 0;
}

export function truncate(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT).replace(/[\ud800-\udbff]$/, '')}…`;
}

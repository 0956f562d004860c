/** The stored state of a message, from its notification to its last answer. */

import { absoluteTime, decodeEncodedWords, type MmsNotification } from 'sip-push/formats';
import type { MmsOptions } from './options.js';

/** Characters of a stored text. Real subjects are shorter. */
const MAX_TEXT = 1024;

/** A PDU for the MMSC. It is posted until the MMSC accepts it, at least once. */
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

/** The content of an M-Retrieve.conf. */
export interface RetrievedContent {
  /** Present if the MMSC expects an M-Acknowledge.ind. */
  readonly transactionId?: string;
  readonly messageId?: string;
  readonly from?: string;
  readonly subject?: string;
  /** When it was sent; ISO 8601, UTC. */
  readonly date: string;
  /** Whether the sender asked for a read report. */
  readonly readReport: boolean;
  readonly parts: readonly MessagePart[];
}

/** JSON values; times are ISO 8601, UTC. */
export interface Message {
  /** Identity of the message: SHA-256 of Transaction-Id and Content-Location. */
  readonly key: string;
  /**
   * `waiting`: for a query or for `dueAt`. `failed`: not retried without a query. `finished`: only its pending answers
   * are left.
   */
  readonly state: 'waiting' | 'retrieving' | 'retrieved' | 'failed' | 'finished';
  readonly transactionId: string;
  readonly contentLocation: string;
  readonly from?: string;
  readonly subject?: string;
  readonly messageClass: string;
  /** Octets, according to the notification. */
  readonly messageSize: number;
  readonly expiry: string;
  readonly receivedAt: string;
  /** When it is retrieved without a query. */
  readonly dueAt?: string;
  /** Attempts to retrieve it since the last query. */
  readonly attempts: number;
  /** How many of these attempts did not return an MMS PDU. */
  readonly malformed: number;
  /** Why the retrieval failed. */
  readonly reason?: string;
  /** Whether an M-NotifyResp.ind was posted, or is among `answers`. */
  readonly responded: boolean;
  /** Pending answers, in order. */
  readonly answers: readonly Answer[];
  readonly answerAttempts: number;
  readonly content?: RetrievedContent;
  readonly read?: true;
}

export function messageOf(
  key: string,
  notification: MmsNotification,
  receivedAt: Date,
  { retrieve, after }: MmsOptions,
): Message {
  const { transactionId, contentLocation, from, subject, messageClass, messageSize } = notification;
  // OMA-TS-MMS_ENC 7.3.47: the MMSC recommends that the user decides.
  const immediate = retrieve === 'immediate' && notification.recommendedRetrievalMode !== 'manual';
  const deferred = retrieve !== 'manual' && !immediate;
  const message: Message = {
    key,
    state: immediate ? 'retrieving' : 'waiting',
    transactionId,
    contentLocation,
    from: from === undefined ? undefined : truncate(from),
    subject: subject === undefined ? undefined : truncate(decodeEncodedWords(subject)),
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

/** The message with an M-NotifyResp.ind to post, unless the notification was answered. */
function withResponse(
  message: Message,
  status: Extract<Answer, { pdu: 'M-NotifyResp.ind' }>['status'],
): Message {
  return message.responded ? message : withAnswer(message, { pdu: 'M-NotifyResp.ind', status }, true);
}

export function withAnswer(message: Message, answer: Answer, responded = message.responded): Message {
  return { ...message, responded, answers: [...message.answers, answer] };
}

/** The message with only its pending answers. */
export function finished({ content: _, ...message }: Message): Message {
  return { ...message, state: 'finished' };
}

/** The message that the device cannot retrieve any more, with an answer to post unless it was answered before. */
export function expired(message: Message): Message {
  return finished(withResponse(message, 'expired'));
}

/** @param reason why the retrieval failed; a query can retry it. */
export function failed(message: Message, reason: string, answer: 'deferred' | 'unrecognised'): Message {
  return withResponse({ ...message, state: 'failed', reason }, answer);
}

/** The message with a retrieval in progress: begun now, unless it was before. */
export function retrieving(message: Message): Message {
  if (message.state === 'retrieving') return message;
  const { reason: _, dueAt: __, ...rest } = message;
  return { ...rest, state: 'retrieving', attempts: 0, malformed: 0 };
}

export function withContent(message: Message, content: RetrievedContent): Message {
  const { from = message.from, subject = message.subject, transactionId } = content;
  const retrieved: Message = { ...message, state: 'retrieved', content, from, subject };
  if (!message.responded) return withResponse(retrieved, 'retrieved');
  // OMA-TS-MMS_ENC 6.4: an M-Retrieve.conf with a Transaction-Id is acknowledged.
  if (transactionId === undefined) return retrieved;
  return withAnswer(retrieved, { pdu: 'M-Acknowledge.ind', transactionId });
}

/** Whether the MMSC no longer has the message. A retrieved message does not expire. */
export function isExpired({ state, expiry }: Message, now: Date): boolean {
  return state !== 'retrieved' && expiry <= now.toISOString();
}

/** The parts with the paths of their files, for other programs. */
export function partsWithPaths({ parts }: RetrievedContent, paths: ReadonlyMap<string, string>) {
  return parts.map(({ file, ...part }) => ({ ...part, path: paths.get(file) }));
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

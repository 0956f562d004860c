/** Push submission: `push-message` and `push-response`. */

import {
  attributeAmong,
  attributeOf,
  childrenNamed,
  dateAttribute,
  element,
  formatDate,
  type MarkupElement,
  requiredAttribute,
  unlessMalformed,
} from '../content/markup.js';
import { MalformedError } from '../errors.js';
import {
  flagAttribute,
  formatFlag,
  type PapResult,
  readAddresses,
  readResult,
  resultAttributes,
  writeAddresses,
} from './attributes.js';
import { type QualityOfService, readQualityOfService, writeQualityOfService } from './quality-of-service.js';

export const REPLACE_METHODS = ['pending-only', 'all'] as const;

/**
 * `pending-only`: the new push goes to the recipients that have not received the old one. `all`: to all of its recipients.
 */
export type ReplaceMethod = (typeof REPLACE_METHODS)[number];

/** A push that a Push Initiator submits. */
export interface PushMessage {
  /** Name of the element. */
  readonly kind: 'push-message';
  /** Identifies the push. Unique for the Push Initiator, for example `1@initiator.example`. */
  readonly pushId: string;
  /** Addresses of the recipients, at least one. `formatClientAddress` writes one. */
  readonly addresses: readonly string[];
  /** How the push is to be delivered. */
  readonly qualityOfService?: QualityOfService;
  /** Id of the earlier push that this one replaces. From PAP 2.0. */
  readonly replacePushId?: string;
  /** From PAP 2.0; `all` by default. */
  readonly replaceMethod?: ReplaceMethod;
  /** The push expires at this time. */
  readonly deliverBefore?: Date;
  /** The push is not delivered before this time. */
  readonly deliverAfter?: Date;
  /** A text of the Push Initiator, for its own use. */
  readonly sourceReference?: string;
  /** Whether the response has progress notes. */
  readonly progressNotesRequested?: boolean;
  /** URL to which the gateway sends the result for each recipient. */
  readonly notifyTo?: string;
}

/** A step of the processing of a push. */
export interface ProgressNote {
  /** State that the step reached; a message state (`pending`) or a text. */
  readonly stage: string;
  /** Explanation. */
  readonly note?: string;
  /** When the step ended. */
  readonly time?: Date;
}

/** The answer to a push message. */
export interface PushResponse extends PapResult {
  /** Name of the element. */
  readonly kind: 'push-response';
  /** Id of the push. */
  readonly pushId: string;
  /** URL of the gateway. */
  readonly senderAddress?: string;
  /** Name of the gateway. */
  readonly senderName?: string;
  /** When the gateway answered. */
  readonly replyTime?: Date;
  /** The steps of the processing, if they were requested. */
  readonly progressNotes?: readonly ProgressNote[];
}

/** @throws MalformedError if the id, an address, the quality of service or a time of delivery is malformed. */
export function readPushMessage(from: MarkupElement, warn: (problem: string) => void): PushMessage {
  const addresses = readAddresses(from);
  if (addresses.length === 0)
    throw new MalformedError('push-message: missing address: expected at least one');
  const replacePushId = attributeOf(from, 'replace-push-id');
  const replaceMethod = attributeAmong(from, 'replace-method', REPLACE_METHODS, 'all');
  return {
    kind: 'push-message',
    pushId: requiredAttribute(from, 'push-id'),
    addresses,
    qualityOfService: readQualityOfService(from, warn),
    replacePushId,
    replaceMethod: replacePushId === undefined ? undefined : replaceMethod,
    deliverBefore: dateAttribute(from, 'deliver-before-timestamp'),
    deliverAfter: dateAttribute(from, 'deliver-after-timestamp'),
    sourceReference: attributeOf(from, 'source-reference'),
    progressNotesRequested:
      unlessMalformed(warn, () => flagAttribute(from, 'progress-notes-requested')) ?? false,
    notifyTo: attributeOf(from, 'ppg-notify-requested-to'),
  };
}

export function writePushMessage(message: PushMessage): MarkupElement {
  return element(
    'push-message',
    {
      'push-id': message.pushId,
      'replace-push-id': message.replacePushId,
      'replace-method': message.replaceMethod,
      'deliver-before-timestamp': formatDate(message.deliverBefore),
      'deliver-after-timestamp': formatDate(message.deliverAfter),
      'source-reference': message.sourceReference,
      'progress-notes-requested': formatFlag(message.progressNotesRequested),
      'ppg-notify-requested-to': message.notifyTo,
    },
    ...writeAddresses(message.addresses),
    ...writeQualityOfService(message.qualityOfService),
  );
}

/** @throws MalformedError */
export function readPushResponse(from: MarkupElement, warn: (problem: string) => void): PushResponse {
  const [result] = childrenNamed(from, 'response-result');
  if (!result) throw new MalformedError('push-response: missing response-result: expected one');
  const progressNotes = childrenNamed(from, 'progress-note').flatMap(
    (note) => unlessMalformed(warn, () => readProgressNote(note, warn)) ?? [],
  );
  return {
    kind: 'push-response',
    pushId: requiredAttribute(from, 'push-id'),
    senderAddress: attributeOf(from, 'sender-address'),
    senderName: attributeOf(from, 'sender-name'),
    replyTime: unlessMalformed(warn, () => dateAttribute(from, 'reply-time')),
    progressNotes: progressNotes.length > 0 ? progressNotes : undefined,
    ...readResult(result),
  };
}

function readProgressNote(from: MarkupElement, warn: (problem: string) => void): ProgressNote {
  return {
    stage: requiredAttribute(from, 'stage'),
    note: attributeOf(from, 'note'),
    time: unlessMalformed(warn, () => dateAttribute(from, 'time')),
  };
}

export function writePushResponse(response: PushResponse): MarkupElement {
  const notes = response.progressNotes ?? [];
  return element(
    'push-response',
    {
      'push-id': response.pushId,
      'sender-address': response.senderAddress,
      'sender-name': response.senderName,
      'reply-time': formatDate(response.replyTime),
    },
    ...notes.map(({ stage, note, time }) =>
      element('progress-note', { stage, note, time: formatDate(time) }),
    ),
    element('response-result', resultAttributes(response)),
  );
}

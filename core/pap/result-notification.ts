/** Result notification, from the gateway to the Push Initiator: one message for each recipient. */

import {
  attributeOf,
  dateAttribute,
  element,
  formatDate,
  type MarkupElement,
  requiredAttribute,
  unlessMalformed,
} from '../content/markup.js';
import {
  type PapResult,
  readAddresses,
  readOneAddress,
  readResult,
  resultAttributes,
  writeAddresses,
} from './attributes.js';
import { type QualityOfService, readQualityOfService, writeQualityOfService } from './quality-of-service.js';
import { type MessageState, readMessageState } from './status-query.js';

/** The final state of a push for one recipient. */
export interface ResultNotificationMessage extends PapResult {
  /** Name of the element. */
  readonly kind: 'resultnotification-message';
  /** Id of the push. */
  readonly pushId: string;
  /** The recipient. */
  readonly address: string;
  /** State of the push for the recipient. */
  readonly messageState: MessageState;
  /** URL of the gateway. */
  readonly senderAddress?: string;
  /** Name of the gateway. */
  readonly senderName?: string;
  /** When the gateway received the push. */
  readonly receivedTime?: Date;
  /** When the push reached its state. */
  readonly eventTime?: Date;
  /** How the push was delivered. */
  readonly qualityOfService?: QualityOfService;
}

/** The answer of the Push Initiator. */
export interface ResultNotificationResponse extends PapResult {
  /** Name of the element. */
  readonly kind: 'resultnotification-response';
  /** Id of the push. */
  readonly pushId: string;
  /** Address of the recipient. */
  readonly address?: string;
}

/** @throws MalformedError */
export function readResultNotificationMessage(
  from: MarkupElement,
  warn: (problem: string) => void,
): ResultNotificationMessage {
  return {
    kind: 'resultnotification-message',
    pushId: requiredAttribute(from, 'push-id'),
    address: readOneAddress(from),
    messageState: readMessageState(from),
    senderAddress: attributeOf(from, 'sender-address'),
    senderName: attributeOf(from, 'sender-name'),
    receivedTime: unlessMalformed(warn, () => dateAttribute(from, 'received-time')),
    eventTime: unlessMalformed(warn, () => dateAttribute(from, 'event-time')),
    qualityOfService: unlessMalformed(warn, () => readQualityOfService(from, warn)),
    ...readResult(from),
  };
}

export function writeResultNotificationMessage(message: ResultNotificationMessage): MarkupElement {
  return element(
    'resultnotification-message',
    {
      'push-id': message.pushId,
      'sender-address': message.senderAddress,
      'sender-name': message.senderName,
      'received-time': formatDate(message.receivedTime),
      'event-time': formatDate(message.eventTime),
      'message-state': message.messageState,
      ...resultAttributes(message),
    },
    ...writeAddresses([message.address]),
    ...writeQualityOfService(message.qualityOfService),
  );
}

/** @throws MalformedError */
export function readResultNotificationResponse(from: MarkupElement): ResultNotificationResponse {
  return {
    kind: 'resultnotification-response',
    pushId: requiredAttribute(from, 'push-id'),
    address: readAddresses(from)[0],
    ...readResult(from),
  };
}

export function writeResultNotificationResponse(response: ResultNotificationResponse): MarkupElement {
  return element(
    'resultnotification-response',
    { 'push-id': response.pushId, ...resultAttributes(response) },
    ...writeAddresses([response.address]),
  );
}

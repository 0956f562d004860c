/** Status query: `statusquery-message` and `statusquery-response`, and the states of a push. */

import {
  attributeAmong,
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
  readResult,
  readResults,
  resultAttributes,
  writeAddresses,
} from './attributes.js';
import { type QualityOfService, readQualityOfService, writeQualityOfService } from './quality-of-service.js';

export const MESSAGE_STATES = [
  'rejected',
  'pending',
  'delivered',
  'undeliverable',
  'expired',
  'aborted',
  'timeout',
  'cancelled',
  'unknown',
] as const;

/** State of a push for a recipient. All but `pending` are final. */
export type MessageState = (typeof MESSAGE_STATES)[number];

/** @throws MalformedError if the state is missing or unknown. */
export function readMessageState(from: MarkupElement): MessageState {
  requiredAttribute(from, 'message-state');
  return attributeAmong(from, 'message-state', MESSAGE_STATES, 'unknown');
}

/** Asks for the state of a push. */
export interface StatusQueryMessage {
  /** Name of the element. */
  readonly kind: 'statusquery-message';
  /** Id of the push. */
  readonly pushId: string;
  /** Recipients; all by default. */
  readonly addresses?: readonly string[];
}

/** The state for some recipients. */
export interface StatusQueryResult extends PapResult {
  /** The recipients with this state; empty for all. */
  readonly addresses: readonly string[];
  /** Missing in the answer of a gateway that does not know the push. */
  readonly messageState?: MessageState;
  /** When the state began. */
  readonly eventTime?: Date;
  /** How the push is to be delivered. */
  readonly qualityOfService?: QualityOfService;
}

/** The answer to a status query. */
export interface StatusQueryResponse {
  /** Name of the element. */
  readonly kind: 'statusquery-response';
  /** Id of the push. */
  readonly pushId: string;
  /** At least one. */
  readonly results: readonly StatusQueryResult[];
}

/** @throws MalformedError */
export function readStatusQueryMessage(from: MarkupElement): StatusQueryMessage {
  return {
    kind: 'statusquery-message',
    pushId: requiredAttribute(from, 'push-id'),
    addresses: readAddresses(from),
  };
}

export function writeStatusQueryMessage({ pushId, addresses }: StatusQueryMessage): MarkupElement {
  return element('statusquery-message', { 'push-id': pushId }, ...writeAddresses(addresses));
}

/** @throws MalformedError */
export function readStatusQueryResponse(
  from: MarkupElement,
  warn: (problem: string) => void,
): StatusQueryResponse {
  const results = readResults(from, 'statusquery-result', warn, (result) =>
    readStatusQueryResult(result, warn),
  );
  return { kind: 'statusquery-response', pushId: requiredAttribute(from, 'push-id'), results };
}

function readStatusQueryResult(from: MarkupElement, warn: (problem: string) => void): StatusQueryResult {
  return {
    ...readResult(from),
    addresses: readAddresses(from),
    messageState: attributeOf(from, 'message-state') === undefined ? undefined : readMessageState(from),
    eventTime: unlessMalformed(warn, () => dateAttribute(from, 'event-time')),
    qualityOfService: unlessMalformed(warn, () => readQualityOfService(from, warn)),
  };
}

export function writeStatusQueryResponse({ pushId, results }: StatusQueryResponse): MarkupElement {
  return element(
    'statusquery-response',
    { 'push-id': pushId },
    ...results.map((result) =>
      element(
        'statusquery-result',
        {
          'event-time': formatDate(result.eventTime),
          'message-state': result.messageState,
          ...resultAttributes(result),
        },
        ...writeAddresses(result.addresses),
        ...writeQualityOfService(result.qualityOfService),
      ),
    ),
  );
}

/** Cancellation of a push: `cancel-message` and `cancel-response`. */

import { element, type MarkupElement, requiredAttribute } from '../content/markup.js';
import {
  type PapResult,
  readAddresses,
  readResult,
  readResults,
  resultAttributes,
  writeAddresses,
} from './attributes.js';

/** Asks the gateway not to deliver a push. */
export interface CancelMessage {
  /** Name of the element. */
  readonly kind: 'cancel-message';
  /** Id of the push. */
  readonly pushId: string;
  /** Recipients; all by default. */
  readonly addresses?: readonly string[];
}

/** The outcome for some recipients. */
export interface CancelResult extends PapResult {
  /** The recipients with this outcome; empty for all. */
  readonly addresses: readonly string[];
}

/** The answer to a cancellation. */
export interface CancelResponse {
  /** Name of the element. */
  readonly kind: 'cancel-response';
  /** Id of the push. */
  readonly pushId: string;
  /** At least one. */
  readonly results: readonly CancelResult[];
}

/** @throws MalformedError */
export function readCancelMessage(from: MarkupElement): CancelMessage {
  return {
    kind: 'cancel-message',
    pushId: requiredAttribute(from, 'push-id'),
    addresses: readAddresses(from),
  };
}

export function writeCancelMessage({ pushId, addresses }: CancelMessage): MarkupElement {
  return element('cancel-message', { 'push-id': pushId }, ...writeAddresses(addresses));
}

/** @throws MalformedError */
export function readCancelResponse(from: MarkupElement, warn: (problem: string) => void): CancelResponse {
  const results = readResults(from, 'cancel-result', warn, (result) => ({
    ...readResult(result),
    addresses: readAddresses(result),
  }));
  return { kind: 'cancel-response', pushId: requiredAttribute(from, 'push-id'), results };
}

export function writeCancelResponse({ pushId, results }: CancelResponse): MarkupElement {
  return element(
    'cancel-response',
    { 'push-id': pushId },
    ...results.map((result) =>
      element('cancel-result', resultAttributes(result), ...writeAddresses(result.addresses)),
    ),
  );
}

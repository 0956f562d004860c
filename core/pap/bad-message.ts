/** The answer to a message that cannot be read: `badmessage-response`. */

import { attributeOf, element, type MarkupElement } from '../content/markup.js';
import { type PapResult, readResult, resultAttributes } from './attributes.js';

/** The receiver could not read a message. */
export interface BadMessageResponse extends PapResult {
  /** Name of the element. */
  readonly kind: 'badmessage-response';
  /** Beginning of the message, or the part that is invalid. */
  readonly fragment: string;
}

/** @throws MalformedError */
export function readBadMessageResponse(from: MarkupElement): BadMessageResponse {
  return {
    kind: 'badmessage-response',
    fragment: attributeOf(from, 'bad-message-fragment') ?? '',
    ...readResult(from),
  };
}

export function writeBadMessageResponse(response: BadMessageResponse): MarkupElement {
  return element('badmessage-response', {
    ...resultAttributes(response),
    'bad-message-fragment': response.fragment,
  });
}

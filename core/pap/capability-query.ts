/** Client capabilities query: `ccq-message` and `ccq-response`. */

import { attributeOf, element, type MarkupElement } from '../content/markup.js';
import {
  type PapResult,
  readAddresses,
  readOneAddress,
  readResult,
  resultAttributes,
  writeAddresses,
} from './attributes.js';

/** Asks for the capabilities of a recipient. */
export interface CapabilityQueryMessage {
  /** Name of the element. */
  readonly kind: 'ccq-message';
  /** Address of the recipient. */
  readonly address: string;
  /** Identifies the query in its answer. */
  readonly queryId?: string;
  /** Application whose capabilities are asked for. */
  readonly appId?: string;
}

/** The answer. With the code 1000, the profile of the recipient (UAProf) is the second part of its package. */
export interface CapabilityQueryResponse extends PapResult {
  /** Name of the element. */
  readonly kind: 'ccq-response';
  /** Address of the recipient. */
  readonly address?: string;
  /** Id of the query. */
  readonly queryId?: string;
}

/** @throws MalformedError */
export function readCapabilityQueryMessage(from: MarkupElement): CapabilityQueryMessage {
  return {
    kind: 'ccq-message',
    address: readOneAddress(from),
    queryId: attributeOf(from, 'query-id'),
    appId: attributeOf(from, 'app-id'),
  };
}

export function writeCapabilityQueryMessage({
  address,
  queryId,
  appId,
}: CapabilityQueryMessage): MarkupElement {
  return element('ccq-message', { 'query-id': queryId, 'app-id': appId }, ...writeAddresses([address]));
}

/** @throws MalformedError */
export function readCapabilityQueryResponse(from: MarkupElement): CapabilityQueryResponse {
  return {
    kind: 'ccq-response',
    address: readAddresses(from)[0],
    queryId: attributeOf(from, 'query-id'),
    ...readResult(from),
  };
}

export function writeCapabilityQueryResponse(response: CapabilityQueryResponse): MarkupElement {
  return element(
    'ccq-response',
    { 'query-id': response.queryId, ...resultAttributes(response) },
    ...writeAddresses([response.address]),
  );
}

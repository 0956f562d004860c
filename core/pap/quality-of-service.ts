/** How a push is to be delivered (element `quality-of-service`). */

import {
  attributeAmong,
  attributeOf,
  childrenNamed,
  element,
  type MarkupElement,
  unlessMalformed,
} from '../content/markup.js';
import { flagAttribute, formatFlag } from './attributes.js';

export const PRIORITIES = ['high', 'medium', 'low'] as const;
export const DELIVERY_METHODS = ['confirmed', 'preferconfirmed', 'unconfirmed', 'notspecified'] as const;

/** Priority of a push. */
export type Priority = (typeof PRIORITIES)[number];

/**
 * `confirmed`: the push is delivered when the application has accepted it. `preferconfirmed`: the same where possible.
 * `unconfirmed`: the push is delivered when the gateway has sent it. `notspecified`: the gateway decides.
 */
export type DeliveryMethod = (typeof DELIVERY_METHODS)[number];

/** How a push is to be delivered. */
export interface QualityOfService {
  /** Priority of the push. */
  readonly priority: Priority;
  /** How the delivery is confirmed. */
  readonly deliveryMethod: DeliveryMethod;
  /** Type of the network, `GSM` for example. Names are compared without case. */
  readonly network?: string;
  /** Whether the push must not use another network. */
  readonly networkRequired?: boolean;
  /** The bearer, `SMS` for example. Names are compared without case. */
  readonly bearer?: string;
  /** Whether the push must not use another bearer. */
  readonly bearerRequired?: boolean;
}

/** @param warn reports an invalid priority, in place of which the default is used. @throws MalformedError */
export function readQualityOfService(
  from: MarkupElement,
  warn: (problem: string) => void,
): QualityOfService | undefined {
  const [quality] = childrenNamed(from, 'quality-of-service');
  if (!quality) return undefined;
  return {
    priority:
      unlessMalformed(warn, () => attributeAmong(quality, 'priority', PRIORITIES, 'medium')) ?? 'medium',
    deliveryMethod: attributeAmong(quality, 'delivery-method', DELIVERY_METHODS, 'notspecified'),
    network: attributeOf(quality, 'network'),
    networkRequired: flagAttribute(quality, 'network-required'),
    bearer: attributeOf(quality, 'bearer'),
    bearerRequired: flagAttribute(quality, 'bearer-required'),
  };
}

export function writeQualityOfService(quality: QualityOfService | undefined): MarkupElement[] {
  if (!quality) return [];
  return [
    element('quality-of-service', {
      priority: quality.priority,
      'delivery-method': quality.deliveryMethod,
      network: quality.network,
      'network-required': formatFlag(quality.networkRequired),
      bearer: quality.bearer,
      'bearer-required': formatFlag(quality.bearerRequired),
    }),
  ];
}

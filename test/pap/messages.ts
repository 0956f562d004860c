/** Any message of PAP, for properties. */

import fc from 'fast-check';
import type { PapMessage } from '../../core/pap/document.js';
import { DELIVERY_METHODS, PRIORITIES } from '../../core/pap/quality-of-service.js';
import { MESSAGE_STATES } from '../../core/pap/status-query.js';
import { REPLACE_METHODS } from '../../core/pap/submission.js';

/** XML has no control characters, and no half of a surrogate pair. */
const text = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .filter((value) => /^[\t\n\r\P{Cc}]*$/u.test(value) && !/[\p{Cs}\ufffe\uffff]/u.test(value));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const date = fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1000));
const result = { code: fc.integer({ min: 1000, max: 5999 }), description: maybe(text) };
const addresses = fc.array(text, { maxLength: 3 });
const quality = maybe(
  fc.record({
    priority: fc.constantFrom(...PRIORITIES),
    deliveryMethod: fc.constantFrom(...DELIVERY_METHODS),
    network: maybe(text),
    networkRequired: fc.boolean(),
    bearer: maybe(text),
    bearerRequired: fc.boolean(),
  }),
);
const kind = <Kind extends PapMessage['kind']>(name: Kind) => fc.constant(name);

export const anyPapMessage: fc.Arbitrary<PapMessage> = fc.oneof(
  fc
    .record({
      kind: kind('push-message'),
      pushId: text,
      addresses: fc.array(text, { minLength: 1, maxLength: 3 }),
      qualityOfService: quality,
      replacePushId: maybe(text),
      replaceMethod: maybe(fc.constantFrom(...REPLACE_METHODS)),
      deliverBefore: maybe(date),
      deliverAfter: maybe(date),
      sourceReference: maybe(text),
      progressNotesRequested: fc.boolean(),
      notifyTo: maybe(text),
    })
    .map((message) => ({
      ...message,
      replaceMethod: message.replacePushId === undefined ? undefined : (message.replaceMethod ?? 'all'),
    })),
  fc.record({
    kind: kind('push-response'),
    pushId: text,
    senderAddress: maybe(text),
    senderName: maybe(text),
    replyTime: maybe(date),
    progressNotes: maybe(
      fc.array(fc.record({ stage: text, note: maybe(text), time: maybe(date) }), { minLength: 1 }),
    ),
    ...result,
  }),
  fc.record({ kind: kind('cancel-message'), pushId: text, addresses }),
  fc.record({
    kind: kind('cancel-response'),
    pushId: text,
    results: fc.array(fc.record({ ...result, addresses }), { minLength: 1 }),
  }),
  fc.record({
    kind: kind('resultnotification-message'),
    pushId: text,
    address: text,
    messageState: fc.constantFrom(...MESSAGE_STATES),
    senderAddress: maybe(text),
    senderName: maybe(text),
    receivedTime: maybe(date),
    eventTime: maybe(date),
    qualityOfService: quality,
    ...result,
  }),
  fc.record({ kind: kind('resultnotification-response'), pushId: text, address: maybe(text), ...result }),
  fc.record({ kind: kind('statusquery-message'), pushId: text, addresses }),
  fc.record({
    kind: kind('statusquery-response'),
    pushId: text,
    results: fc.array(
      fc.record({
        ...result,
        addresses,
        messageState: maybe(fc.constantFrom(...MESSAGE_STATES)),
        eventTime: maybe(date),
        qualityOfService: quality,
      }),
      { minLength: 1 },
    ),
  }),
  fc.record({ kind: kind('ccq-message'), address: text, queryId: maybe(text), appId: maybe(text) }),
  fc.record({ kind: kind('ccq-response'), address: maybe(text), queryId: maybe(text), ...result }),
  fc.record({ kind: kind('badmessage-response'), fragment: text, ...result }),
);

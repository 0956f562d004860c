/** SI, SL, CO and EMN documents for the comparison with other implementations: arbitrary, but the same in each run. */

import fc from 'fast-check';
import type { DocumentCodec } from '../../core/content/document-codec.js';
import { type CacheOperation, cacheOperation } from '../../core/content/push-documents/cache-operation.js';
import {
  type EmailNotification,
  emailNotification,
} from '../../core/content/push-documents/email-notification.js';
import {
  type ServiceIndication,
  serviceIndication,
} from '../../core/content/push-documents/service-indication.js';
import { type ServiceLoading, serviceLoading } from '../../core/content/push-documents/service-loading.js';

/** A document, in each form that we write, and the form that we read from another implementation. */
export interface Sample {
  readonly title: string;
  readonly document: unknown;
  readonly xml: Uint8Array;
  readonly wbxml: Uint8Array;
  fromXml(octets: Uint8Array): unknown;
  fromWbxml(octets: Uint8Array): unknown;
}

export function sampleOf<T>(title: string, codec: DocumentCodec<T>, document: T): Sample {
  return {
    title,
    document,
    xml: codec.toXml(document),
    wbxml: codec.toWbxml(document),
    fromXml: codec.fromXml,
    fromWbxml: codec.fromWbxml,
  };
}

const piece = fc.constantFrom(
  'http://',
  'https://www.',
  'example',
  '.com/',
  '.org/',
  'a b',
  'é',
  '?x=1',
  '&y=<2>"',
);
const texts = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''));
const dates = fc.nat(4_000_000_000).map((seconds) => new Date(seconds * 1000));

const indications: fc.Arbitrary<ServiceIndication> = fc.record(
  {
    href: texts,
    id: texts,
    created: dates,
    expires: dates,
    action: fc.constantFrom('signal-none', 'signal-low', 'signal-medium', 'signal-high', 'delete'),
    text: texts,
    info: fc.array(fc.record({ class: texts, text: texts }), { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['action', 'text'] },
);
const loadings: fc.Arbitrary<ServiceLoading> = fc.record({
  href: texts,
  action: fc.constantFrom('execute-low', 'execute-high', 'cache'),
});
const operations: fc.Arbitrary<CacheOperation> = fc.record({
  invalidations: fc.array(fc.record({ what: fc.constantFrom('object', 'service'), uri: texts }), {
    minLength: 1,
    maxLength: 4,
  }),
});
const mailboxes = fc
  .tuple(fc.constantFrom('', 'mailat:', 'pop://', 'imap://'), texts)
  .map(([scheme, text]) => scheme + text);
const mails: fc.Arbitrary<EmailNotification> = fc.record(
  { mailbox: mailboxes, timestamp: dates },
  { requiredKeys: ['mailbox'] },
);

export const indicationSamples = (count: number) => samples('SI', serviceIndication, indications, count);
export const loadingSamples = (count: number) => samples('SL', serviceLoading, loadings, count);
export const operationSamples = (count: number) => samples('CO', cacheOperation, operations, count);
export const mailSamples = (count: number) => samples('EMN', emailNotification, mails, count);

function samples<T>(
  title: string,
  codec: DocumentCodec<T>,
  documents: fc.Arbitrary<T>,
  numRuns: number,
): Sample[] {
  return fc.sample(documents, { numRuns, seed: 1 }).map((document) => sampleOf(title, codec, document));
}

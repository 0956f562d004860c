/** Cache Operation (WAP-175, CO 1.0): text/vnd.wap.co, application/vnd.wap.coc. */

import { MalformedError } from '../../errors.js';
import { defineDocument } from '../document-codec.js';
import { element, isElement, type MarkupElement, requiredAttribute, unlessMalformed } from '../markup.js';
import { WbxmlLanguage } from '../wbxml/language.js';
import { DOMAINS } from './domains.js';

export const CO = new WbxmlLanguage({
  title: 'CO 1.0',
  publicId: 0x07,
  documentType: {
    publicId: '-//WAPFORUM//DTD CO 1.0//EN',
    systemId: 'http://www.wapforum.org/DTD/co_1.0.dtd',
  },
  tags: [{ 0x05: 'co', 0x06: 'invalidate-object', 0x07: 'invalidate-service' }],
  attributeStarts: [
    {
      0x05: ['uri'],
      0x06: ['uri', 'http://'],
      0x07: ['uri', 'http://www.'],
      0x08: ['uri', 'https://'],
      0x09: ['uri', 'https://www.'],
    },
  ],
  attributeValues: [DOMAINS],
});

/** An invalidation of one resource, or of all resources with a URI prefix. */
export interface Invalidation {
  /** `object`: the resource at the URI. `service`: all resources with the URI as their prefix. */
  readonly what: 'object' | 'service';
  /** URI or URI prefix. */
  readonly uri: string;
}

export interface CacheOperation {
  /** Invalidations in the order of the document, at least one. */
  readonly invalidations: readonly Invalidation[];
}

export const cacheOperation = defineDocument<CacheOperation>(
  CO,
  'co',
  (co, warn) => {
    const invalidations = co.children
      .filter(isElement)
      .flatMap((child) => unlessMalformed(warn, () => readInvalidation(child)) ?? []);
    if (invalidations.length === 0)
      throw new MalformedError(
        'CO 1.0: missing invalidation: expected invalidate-object or invalidate-service in co',
      );
    return { invalidations };
  },
  ({ invalidations }) =>
    element('co', {}, ...invalidations.map(({ what, uri }) => element(`invalidate-${what}`, { uri }))),
);

function readInvalidation(child: MarkupElement): Invalidation[] {
  if (child.name === 'invalidate-object') return [{ what: 'object', uri: requiredAttribute(child, 'uri') }];
  if (child.name === 'invalidate-service') return [{ what: 'service', uri: requiredAttribute(child, 'uri') }];
  return [];
}

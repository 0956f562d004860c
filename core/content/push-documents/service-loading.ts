/** Service Loading (WAP-168, SL 1.0): text/vnd.wap.sl, application/vnd.wap.slc. */

import { defineDocument } from '../document-codec.js';
import { attributeAmong, element, requiredAttribute } from '../markup.js';
import { WbxmlLanguage } from '../wbxml/language.js';
import { DOMAINS } from './domains.js';

export const SL = new WbxmlLanguage({
  title: 'SL 1.0',
  publicId: 0x06,
  documentType: {
    publicId: '-//WAPFORUM//DTD SL 1.0//EN',
    systemId: 'http://www.wapforum.org/DTD/sl.dtd',
  },
  tags: [{ 0x05: 'sl' }],
  attributeStarts: [
    {
      0x05: ['action', 'execute-low'],
      0x06: ['action', 'execute-high'],
      0x07: ['action', 'cache'],
      0x08: ['href'],
      0x09: ['href', 'http://'],
      0x0a: ['href', 'http://www.'],
      0x0b: ['href', 'https://'],
      0x0c: ['href', 'https://www.'],
    },
  ],
  attributeValues: [DOMAINS],
});

const actions = ['execute-low', 'execute-high', 'cache'] as const;
const PRESET = 'execute-low';

/** A Service Loading (WAP-168, SL 1.0): a resource to load. */
export interface ServiceLoading {
  /** URI of the resource. */
  readonly href: string;
  /** How to show the resource: at once, without disturbing the user, or on request. */
  readonly action: (typeof actions)[number];
}

/** SL 1.0: text/vnd.wap.sl, application/vnd.wap.slc. */
export const serviceLoading = defineDocument<ServiceLoading>(
  SL,
  'sl',
  (sl) => ({ href: requiredAttribute(sl, 'href'), action: attributeAmong(sl, 'action', actions, PRESET) }),
  ({ href, action }) => element('sl', { href, action: action === PRESET ? undefined : action }),
);

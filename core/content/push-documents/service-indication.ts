/** Service Indication (WAP-167, SI 1.0): text/vnd.wap.si, application/vnd.wap.sic. */

import { MalformedError } from '../../errors.js';
import { defineDocument } from '../document-codec.js';
import {
  attributeAmong,
  attributeOf,
  childrenNamed,
  dateAttribute,
  element,
  formatDate,
  type MarkupElement,
  phraseOf,
  requiredAttribute,
  unlessMalformed,
} from '../markup.js';
import { opaqueDate } from '../wbxml/dates.js';
import { WbxmlLanguage } from '../wbxml/language.js';
import { DOMAINS } from './domains.js';

export const SI = new WbxmlLanguage({
  title: 'SI 1.0',
  publicId: 0x05,
  documentType: {
    publicId: '-//WAPFORUM//DTD SI 1.0//EN',
    systemId: 'http://www.wapforum.org/DTD/si.dtd',
  },
  tags: [{ 0x05: 'si', 0x06: 'indication', 0x07: 'info', 0x08: 'item' }],
  attributeStarts: [
    {
      0x05: ['action', 'signal-none'],
      0x06: ['action', 'signal-low'],
      0x07: ['action', 'signal-medium'],
      0x08: ['action', 'signal-high'],
      0x09: ['action', 'delete'],
      0x0a: ['created'],
      0x0b: ['href'],
      0x0c: ['href', 'http://'],
      0x0d: ['href', 'http://www.'],
      0x0e: ['href', 'https://'],
      0x0f: ['href', 'https://www.'],
      0x10: ['si-expires'],
      0x11: ['si-id'],
      0x12: ['class'],
    },
  ],
  attributeValues: [DOMAINS],
  opaqueAttributes: { created: opaqueDate, 'si-expires': opaqueDate },
});

const actions = ['signal-none', 'signal-low', 'signal-medium', 'signal-high', 'delete'] as const;
const PRESET = 'signal-medium';

/** An item of `info`. Its class defines its meaning. */
export interface ServiceIndicationItem {
  /** Class of the item. */
  readonly class: string;
  /** Text of the item. */
  readonly text: string;
}

/** A Service Indication (WAP-167, SI 1.0): a text for the user, and the URI of a service. */
export interface ServiceIndication {
  /** URI of the service. */
  readonly href?: string;
  /** `si-id`. Without it, `href` identifies the indication. */
  readonly id?: string;
  /** When the indication was created. */
  readonly created?: Date;
  /** `si-expires`, when the indication expires. */
  readonly expires?: Date;
  /** Priority, or `delete` to remove the indication with the same id. */
  readonly action: (typeof actions)[number];
  /** Text for the user. */
  readonly text: string;
  /** Additional items. */
  readonly info?: readonly ServiceIndicationItem[];
}

/** SI 1.0: text/vnd.wap.si, application/vnd.wap.sic. */
export const serviceIndication = defineDocument<ServiceIndication>(SI, 'si', read, write);

function read(si: MarkupElement, warn: (problem: string) => void): ServiceIndication {
  const [indication, ...more] = childrenNamed(si, 'indication');
  if (!indication || more.length > 0)
    throw new MalformedError('SI 1.0: invalid si: expected exactly one indication');
  const items = childrenNamed(si, 'info').flatMap((group) => childrenNamed(group, 'item'));
  const info = items.flatMap((item) => unlessMalformed(warn, () => readItem(item)) ?? []);
  return {
    href: attributeOf(indication, 'href'),
    id: attributeOf(indication, 'si-id'),
    created: unlessMalformed(warn, () => dateAttribute(indication, 'created')),
    // A user must not see an indication that has expired.
    expires: dateAttribute(indication, 'si-expires'),
    action: unlessMalformed(warn, () => attributeAmong(indication, 'action', actions, PRESET)) ?? PRESET,
    text: phraseOf(indication),
    info: info.length > 0 ? info : undefined,
  };
}

function readItem(item: MarkupElement): ServiceIndicationItem {
  return { class: requiredAttribute(item, 'class'), text: phraseOf(item) };
}

function write({ href, id, created, expires, action, text, info = [] }: ServiceIndication): MarkupElement {
  const indication = element(
    'indication',
    {
      href,
      'si-id': id,
      created: formatDate(created),
      'si-expires': formatDate(expires),
      action: action === PRESET ? undefined : action,
    },
    text,
  );
  if (info.length === 0) return element('si', {}, indication);
  const items = info.map((item) => element('item', { class: item.class }, item.text));
  return element('si', {}, indication, element('info', {}, ...items));
}

/** What holds for every XML document that is read here. */

import { ConfigurationError } from '../../errors.js';
import { isElement, type MarkupElement, type MarkupValue } from '../wbxml/document.js';
import type { WbxmlLanguage } from '../wbxml/tables.js';
import { encodeReferences, forbiddenCharacter } from './references.js';

/** Elements in elements: the RDF of a profile nests eight deep; the other languages here four. */
export const MAX_DEPTH = 32;

/** XML 1.0, 2.11: every line ends with a line feed. */
export function lines(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

/** XML 1.0, 3.3.3: white space in an attribute is a blank, unless it came by reference. */
export function attributeText(text: string): string {
  return lines(text).replace(/[\t\n]/g, ' ');
}

/** Elements to XML, in UTF-8, with the DOCTYPE of their language where it has one. */

export function writeXml(root: MarkupElement, language?: WbxmlLanguage): Uint8Array {
  const doctype = language
    ? `<!DOCTYPE ${root.name} PUBLIC "${language.publicText}" "${language.systemId}">\n`
    : '';
  return new TextEncoder().encode(`<?xml version="1.0" encoding="UTF-8"?>\n${doctype}${format(root)}\n`);
}

function format({ name, attributes, children }: MarkupElement): string {
  const start = attributes.map(({ name, value }) => ` ${name}="${value.map(text).join('')}"`).join('');
  if (children.length === 0) return `<${name}${start}/>`;
  const content = children.map((child) => (isElement(child) ? format(child) : text(child))).join('');
  return `<${name}${start}>${content}</${name}>`;
}

function text(value: MarkupValue): string {
  if (typeof value !== 'string')
    throw new ConfigurationError('XML holds text alone, no octets and no extensions');
  const forbidden = forbiddenCharacter(value);
  if (forbidden !== undefined) {
    throw new ConfigurationError(`XML cannot hold the control character ${JSON.stringify(forbidden)}`);
  }
  return encodeReferences(value);
}

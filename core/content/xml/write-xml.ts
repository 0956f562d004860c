/** Elements to XML, in UTF-8, with the DOCTYPE of their language where it has one. */

import { ConfigurationError } from '../../errors.js';
import type { WbxmlLanguage } from '../wbxml/language.js';
import { isElement, type MarkupElement, type MarkupValue } from '../wbxml/markup.js';
import { encodeReferences } from './references.js';
import { forbiddenCharacter } from './xml-text.js';

export function writeXml(root: MarkupElement, language?: WbxmlLanguage): Uint8Array {
  const doctype = language
    ? `<!DOCTYPE ${root.name} PUBLIC "${language.publicText}" "${language.systemId}">\n`
    : '';
  return new TextEncoder().encode(`<?xml version="1.0" encoding="UTF-8"?>\n${doctype}${written(root)}\n`);
}

function written({ name, attributes, children }: MarkupElement): string {
  const start = attributes.map(({ name, value }) => ` ${name}="${value.map(text).join('')}"`).join('');
  if (children.length === 0) return `<${name}${start}/>`;
  const content = children.map((child) => (isElement(child) ? written(child) : text(child))).join('');
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

/** Writes elements as XML in UTF-8, with the DOCTYPE of their language. */

import { ConfigurationError } from '../../errors.js';
import { isElement, isName, type MarkupElement, type MarkupValue, requireElement } from '../markup.js';
import { formatDocumentType, type PublicDocumentType } from './document-type.js';
import { encodeReferences } from './references.js';
import { forbiddenCharacter } from './text.js';

/** Nesting depth. The RDF of a profile has eight levels, other languages four. */
export const MAX_DEPTH = 32;

/** A language whose documents have a DOCTYPE. */
export interface XmlLanguage {
  readonly documentType?: PublicDocumentType;
}

/**
 * Encodes elements as an XML document in UTF-8.
 * @param root the root element.
 * @param language its DOCTYPE is written if it has one.
 * @throws ConfigurationError if a value contains octets, an extension, or a control character, or a
 * name is invalid; TypeError if the root is not an element.
 */
export function writeXml(root: MarkupElement, language?: XmlLanguage): Uint8Array {
  requireElement(root);
  const type = language?.documentType;
  const doctype = type ? `${formatDocumentType(root.name, type)}\n` : '';
  return new TextEncoder().encode(`<?xml version="1.0" encoding="UTF-8"?>\n${doctype}${format(root)}\n`);
}

function format({ name, attributes, children }: MarkupElement): string {
  for (const each of [name, ...attributes.map((attribute) => attribute.name)]) requireName(each);
  const start = attributes.map(({ name, value }) => ` ${name}="${value.map(text).join('')}"`).join('');
  if (children.length === 0) return `<${name}${start}/>`;
  const content = children.map((child) => (isElement(child) ? format(child) : text(child))).join('');
  return `<${name}${start}>${content}</${name}>`;
}

function requireName(name: string): void {
  if (!isName(name))
    throw new ConfigurationError(`invalid name ${JSON.stringify(name)}: expected an XML name`);
}

function text(value: MarkupValue): string {
  if (typeof value !== 'string')
    throw new ConfigurationError('XML cannot contain octets or extensions: expected text');
  const forbidden = forbiddenCharacter(value);
  if (forbidden !== undefined) {
    throw new ConfigurationError(`invalid character ${JSON.stringify(forbidden)}: XML does not allow it`);
  }
  return encodeReferences(value);
}

/** Writes elements as XML in UTF-8, with the DOCTYPE of their language. */

import { ConfigurationError } from '../../errors.js';
import { isElement, type MarkupElement, type MarkupValue } from '../wbxml/document.js';
import type { WbxmlLanguage } from '../wbxml/tables.js';
import { encodeReferences } from './references.js';
import { forbiddenCharacter } from './text.js';

/** Nesting depth. The RDF of a profile has eight levels, other languages four. */
export const MAX_DEPTH = 32;

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
    throw new ConfigurationError('XML cannot contain octets or extensions: expected text');
  const forbidden = forbiddenCharacter(value);
  if (forbidden !== undefined) {
    throw new ConfigurationError(
      `invalid control character ${JSON.stringify(forbidden)}: XML does not allow it`,
    );
  }
  return encodeReferences(value);
}

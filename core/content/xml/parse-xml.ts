/** XML to elements: well-formed, one root, no document type of its own, no entities but the five of every document. */

import { MalformedError } from '../../errors.js';
import type { MarkupElement } from '../wbxml/markup.js';
import { documentContent } from './document-content.js';
import { decodeXmlText, forbiddenCharacter } from './xml-text.js';

/** Most documents have a few hundred octets, profiles some KiB; reading takes memory of many times the text. */
const MAX_OCTETS = 65_536;
/** What may stand before the root (XML 1.0, 2.8). Every alternative begins in its own way: nothing is tried twice. */
const PROLOG = /(?:\s+|<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<!DOCTYPE[^>[]*>)*/iy;

/**
 * @param title of the language: error messages start with it.
 * @throws MalformedError
 */
export function parseXml(bytes: Uint8Array, title: string): MarkupElement {
  if (bytes.length > MAX_OCTETS)
    throw new MalformedError(`${title}: expected at most ${MAX_OCTETS} octets of XML`);
  const text = decodeXmlText(bytes);
  requireReadable(text, title);
  const [root, ...others] = documentContent(text, title).filter(
    (node) => typeof node !== 'string' || /\S/.test(node),
  );
  if (root === undefined || typeof root === 'string' || others.length > 0 || !text.trimEnd().endsWith('>')) {
    throw new MalformedError(`${title}: expected one root element, and nothing behind it`);
  }
  return root;
}

function requireReadable(text: string, title: string): void {
  const forbidden = forbiddenCharacter(text);
  if (forbidden !== undefined) {
    throw new MalformedError(`${title}: control character ${JSON.stringify(forbidden)} in XML`);
  }
  // What a DOCTYPE names is never fetched, and what it defines by itself is refused.
  for (const [doctype] of text.matchAll(/<!DOCTYPE[^>[]*\[?/gi)) {
    if (doctype.endsWith('[')) throw new MalformedError(`${title}: a document type defined in the document`);
  }
  PROLOG.lastIndex = 0;
  const prolog = PROLOG.exec(text)?.[0] ?? '';
  if (/<!DOCTYPE/i.test(text.slice(prolog.length))) {
    throw new MalformedError(`${title}: a document type that is not before the root`);
  }
}

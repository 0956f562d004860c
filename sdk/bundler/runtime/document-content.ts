/**
 * What stands in an XML document, without fast-xml-parser: of XML it takes what `core/content` reads (no document type
 * of its own), and a few hundred bytes. Held against fast-xml-parser by a test.
 */

import {
  appendValue,
  type MarkupAttribute,
  type MarkupElement,
} from '../../../core/content/wbxml/document.js';
import { decodeReferences } from '../../../core/content/xml/references.js';
import { attributeText, lines, MAX_DEPTH } from '../../../core/content/xml/writer.js';
import { MalformedError } from '../../../core/errors.js';

type Content = (MarkupElement | string)[];

const NAME = '[\\p{L}_:][\\p{L}\\p{N}\\p{M}_:.\\u00b7-]*';
const ATTRIBUTE = `\\s+(${NAME})\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`;
/** Every alternative begins in its own way: nothing is tried twice. */
const TOKEN = new RegExp(
  [
    '<!--[^]*?-->',
    `<\\?${NAME}(?:\\s[^]*?)?\\?>`,
    '<!DOCTYPE[^>[]*>',
    '<!\\[CDATA\\[(?<section>[^]*?)\\]\\]>',
    `</(?<end>${NAME})\\s*>`,
    `<(?<start>${NAME})(?<attributes>(?:${ATTRIBUTE})*)\\s*(?<empty>/?)>`,
    '(?<text>[^<]+)',
  ].join('|'),
  'uy',
);
const ATTRIBUTES = new RegExp(ATTRIBUTE, 'gu');

/**
 * In order: neighbouring texts are one, comments and instructions are left out.
 * @throws MalformedError where it is not well-formed.
 */
export function documentContent(text: string, title: string): Content {
  const top: Content = [];
  const open: { name: string; children: Content }[] = [];
  const token = new RegExp(TOKEN);
  for (let at = 0; at < text.length; at = token.lastIndex) {
    const children = open.at(-1)?.children ?? top;
    const fail = (): never => {
      throw new MalformedError(`${title}: line ${text.slice(0, at).split('\n').length}: malformed XML`);
    };
    token.lastIndex = at;
    const found = (token.exec(text) ?? fail()).groups ?? {};
    const { section, end, start, attributes = '', empty, text: plain } = found;
    if (plain !== undefined) appendValue(children, decodeReferences(lines(plain), title));
    else if (section !== undefined) appendValue(children, lines(section));
    else if (end !== undefined && open.pop()?.name !== end) fail();
    else if (start !== undefined) {
      const element = { name: start, attributes: attributesOf(attributes, title), children: [] };
      children.push(element);
      if (!empty && open.push(element) > MAX_DEPTH) fail();
    }
  }
  if (open.length > 0) throw new MalformedError(`${title}: an element without end`);
  return top;
}

function attributesOf(text: string, title: string): MarkupAttribute[] {
  const names = new Set<string>();
  return Array.from(text.matchAll(ATTRIBUTES), ([, name = '', double, single = '']) => {
    if (names.has(name)) throw new MalformedError(`${title}: attribute ${name} twice`);
    names.add(name);
    const value = decodeReferences(attributeText(double ?? single), title);
    return { name, value: value === '' ? [] : [value] };
  });
}

/** What stands in an XML document, by fast-xml-parser: elements, and text with its references decoded. */

import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { MalformedError } from '../../errors.js';
import { appendValue, type MarkupAttribute, type MarkupElement } from '../wbxml/document.js';
import { decodeReferences, decodeXmlText, forbiddenCharacter } from './references.js';
import { attributeText, lines, MAX_DEPTH } from './writer.js';

const TEXT = '#text';
const CDATA = '#cdata';
const COMMENT = '#comment';
const ATTRIBUTES = ':@';
const PREFIX = '@_';

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: PREFIX,
  textNodeName: TEXT,
  cdataPropName: CDATA,
  // Without a name for comments the parser forgets the text before one.
  commentPropName: COMMENT,
  trimValues: false,
  parseTagValue: false,
  // Entities are where a small document becomes a large one; the five that every document has are decoded here.
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: MAX_DEPTH,
});

/**
 * In order: neighbouring texts are one, comments and instructions are left out.
 * @throws MalformedError where it is not well-formed.
 */
export function documentContent(text: string, title: string): (MarkupElement | string)[] {
  return contentOf(parseNodes(text, title), title);
}

function parseNodes(text: string, title: string): unknown {
  try {
    // The parser alone takes `<r><a></r>` as it comes.
    const valid = XMLValidator.validate(text);
    if (valid !== true) {
      const { msg, line, col } = valid.err;
      throw new MalformedError(`${title}: line ${line}, column ${col}: ${msg}`);
    }
    return parser.parse(text);
  } catch (error) {
    if (error instanceof MalformedError) throw error;
    throw new MalformedError(`${title}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** The parser's list of nodes: each an object of one name, with `:@` beside it where it has attributes. */
function contentOf(nodes: unknown, title: string): (MarkupElement | string)[] {
  const content: (MarkupElement | string)[] = [];
  for (const node of listOf(nodes)) {
    for (const [name, value] of entriesOf(node)) {
      if (name === TEXT) appendValue(content, decodeReferences(lines(String(value)), title));
      else if (name === CDATA) for (const section of listOf(value)) appendValue(content, cdataOf(section));
      else if (name !== ATTRIBUTES && name !== COMMENT) {
        content.push({ name, attributes: attributesOf(node, title), children: contentOf(value, title) });
      }
    }
  }
  return content;
}

function cdataOf(section: unknown): string {
  return entriesOf(section)
    .map(([, text]) => lines(String(text)))
    .join('');
}

function attributesOf(node: unknown, title: string): MarkupAttribute[] {
  const attributes = entriesOf(node).find(([name]) => name === ATTRIBUTES)?.[1];
  return entriesOf(attributes).map(([name, value]) => {
    const text = decodeReferences(attributeText(String(value)), title);
    return { name: name.slice(PREFIX.length), value: text === '' ? [] : [text] };
  });
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** XML to elements: well-formed, one root, no document type of its own, no entities but the five of every document. */

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
  checkText(text, title);
  const [root, ...others] = documentContent(text, title).filter(
    (node) => typeof node !== 'string' || /\S/.test(node),
  );
  if (root === undefined || typeof root === 'string' || others.length > 0 || !text.trimEnd().endsWith('>')) {
    throw new MalformedError(`${title}: expected one root element, and nothing behind it`);
  }
  return root;
}

function checkText(text: string, title: string): void {
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

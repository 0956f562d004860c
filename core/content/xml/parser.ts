/**
 * Parses XML to elements with fast-xml-parser. Accepts well-formed documents with one root, without declarations in an
 * internal document type, and with the five predefined entities only.
 */

import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { MalformedError } from '../../errors.js';
import { reasonOf } from '../../text.js';
import {
  appendValue,
  type MarkupAttribute,
  type MarkupElement,
  requireOctets,
  typeInWords,
} from '../markup.js';
import { readDocumentType, type XmlDocumentType } from './document-type.js';
import { decodeReferences } from './references.js';
import { attributeText, decodeXmlText, forbiddenCharacter, lines } from './text.js';
import { MAX_DEPTH } from './writer.js';

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
  // Without this option the parser drops the text before a comment.
  commentPropName: COMMENT,
  trimValues: false,
  parseTagValue: false,
  // Entities can expand a small document to a large one: only the five predefined ones are decoded, below.
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: MAX_DEPTH,
});

/**
 * Elements and texts in order, without comments and processing instructions. Adjacent texts are joined.
 * @throws MalformedError if the document is not well-formed.
 */
function documentContent(text: string, title: string): (MarkupElement | string)[] {
  return contentOf(parseNodes(text, title), title);
}

function parseNodes(text: string, title: string): unknown {
  try {
    // Without the validator the parser accepts `<r><a></r>`.
    const valid = XMLValidator.validate(text);
    if (valid !== true) {
      const { msg, line, col } = valid.err;
      throw new MalformedError(`${title}: line ${line}, column ${col}: ${msg}`);
    }
    return parser.parse(text);
  } catch (error) {
    if (error instanceof MalformedError) throw error;
    throw new MalformedError(`${title}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Converts the parser's nodes: objects with one name, and `:@` with the attributes. */
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

/** Most documents have a few hundred octets, profiles a few KiB. Parsing needs a multiple of the text in memory. */
const MAX_OCTETS = 65_536;

/** A document with its document type. */
export interface XmlDocument {
  readonly root: MarkupElement;
  readonly documentType?: XmlDocumentType;
}

/**
 * Parses an XML document of at most 64 KiB and 32 levels to elements. External document types are not fetched. Internal
 * ones with declarations, and entities other than the five predefined ones, are refused. Comments and processing
 * instructions are skipped.
 * @param bytes the document, in the charset of its byte order mark, its media type or its declaration; UTF-8 by default.
 * @param title name of the document type, for error messages.
 * @param charset the parameter `charset` of its media type.
 * @throws MalformedError if the document is not well-formed or exceeds a limit; TypeError for an argument of another type.
 */
export function parseXml(bytes: Uint8Array, title: string, charset?: string): MarkupElement {
  return parseXmlDocument(bytes, title, charset).root;
}

/** Like `parseXml`, with the document type. @throws MalformedError, TypeError */
export function parseXmlDocument(bytes: Uint8Array, title: string, charset?: string): XmlDocument {
  requireOctets('XML document', bytes);
  if (typeof title !== 'string') {
    throw new TypeError(`invalid title of an XML document: expected a string, not ${typeInWords(title)}`);
  }
  if (bytes.length > MAX_OCTETS)
    throw new MalformedError(`${title}: XML of ${bytes.length} octets: expected at most ${MAX_OCTETS}`);
  const text = decodeXmlText(bytes, title, charset);
  const forbidden = forbiddenCharacter(text);
  if (forbidden !== undefined) {
    throw new MalformedError(`${title}: invalid character ${JSON.stringify(forbidden)} in XML`);
  }
  const { documentType, content } = readDocumentType(text, title);
  const [root, ...others] = documentContent(content, title).filter(
    (node) => typeof node !== 'string' || /\S/.test(node),
  );
  if (root === undefined || typeof root === 'string' || others.length > 0 || !text.trimEnd().endsWith('>')) {
    throw new MalformedError(`${title}: expected one root element, and nothing after it`);
  }
  return { root, documentType };
}

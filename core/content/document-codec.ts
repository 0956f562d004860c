/** Defines a document type in XML and WBXML by how its elements are read and written. */

import { MalformedError } from '../errors.js';
import type { MarkupElement } from './markup.js';
import { decodeWbxml } from './wbxml/decoder.js';
import type { WbxmlOptions, WbxmlVersion } from './wbxml/document.js';
import { encodeWbxml } from './wbxml/encoder.js';
import type { WbxmlLanguage } from './wbxml/language.js';
import { parseXml } from './xml/parser.js';
import { writeXml } from './xml/writer.js';

/** A document type in both its forms, XML and WBXML. */
export interface DocumentCodec<T> {
  /**
   * Decodes a document in XML.
   * @param bytes the document, at most 64 KiB.
   * @throws MalformedError naming the place and what was expected.
   */
  fromXml(bytes: Uint8Array): T;
  /**
   * Encodes a document in XML, in UTF-8 with its document type.
   * @param document the document.
   * @throws ConfigurationError if a value does not fit.
   */
  toXml(document: T): Uint8Array;
  /**
   * Decodes a document in WBXML.
   * @param bytes the document.
   * @param options charset and limits.
   * @throws MalformedError naming the place and what was expected.
   */
  fromWbxml(bytes: Uint8Array, options?: WbxmlOptions): T;
  /**
   * Encodes a document in WBXML, with tokens where possible.
   * @param document the document.
   * @param version version of WBXML; 1.3 (`3`) by default.
   * @throws ConfigurationError if a value does not fit.
   */
  toWbxml(document: T, version?: WbxmlVersion): Uint8Array;
}

/**
 * Defines how a document type is read and written, in XML and in WBXML.
 * @param language its tokens, and the identifiers of its DOCTYPE.
 * @param rootName name of the root element. Documents with another root are malformed.
 * @param read converts the root element to a document. It throws MalformedError if the element is invalid.
 * @param write converts a document to its root element.
 */
export function defineDocument<T>(
  language: WbxmlLanguage,
  rootName: string,
  read: (root: MarkupElement) => T,
  write: (document: T) => MarkupElement,
): DocumentCodec<T> {
  function fromRoot(root: MarkupElement): T {
    if (root.name !== rootName) {
      throw new MalformedError(`${language.title}: invalid root element ${root.name}: expected ${rootName}`);
    }
    return read(root);
  }
  return {
    fromXml: (bytes) => fromRoot(parseXml(bytes, language.title)),
    toXml: (document) => writeXml(write(document), language),
    fromWbxml: (bytes, options) => fromRoot(decodeWbxml(bytes, language, options).root),
    toWbxml: (document, version) => encodeWbxml({ language, version, root: write(document) }),
  };
}

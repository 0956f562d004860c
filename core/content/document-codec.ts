/** Defines a document type in XML and WBXML by how its elements are read and written. */

import { MalformedError } from '../errors.js';
import type { MarkupElement } from './markup.js';
import { decodeWbxml } from './wbxml/decoder.js';
import type { WbxmlOptions, WbxmlVersion } from './wbxml/document.js';
import { encodeWbxml } from './wbxml/encoder.js';
import type { WbxmlLanguage } from './wbxml/language.js';
import { parseXml } from './xml/parser.js';
import { writeXml } from './xml/writer.js';

/** A document that was read. */
export type ReadDocument<T> = T & {
  /** Malformed parts that were left out, in words. They are not written. */
  readonly warnings?: readonly string[];
};

/** Malformed parts of one document that are reported. */
const MAX_WARNINGS = 32;

/** A document type in both its forms, XML and WBXML. */
export interface DocumentCodec<T> {
  /**
   * Decodes a document in XML.
   * @param bytes the document, at most 64 KiB.
   * @param charset the parameter `charset` of its media type.
   * @throws MalformedError naming the place and what was expected.
   */
  fromXml(bytes: Uint8Array, charset?: string): ReadDocument<T>;
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
  fromWbxml(bytes: Uint8Array, options?: WbxmlOptions): ReadDocument<T>;
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
 * @param read converts the root element to a document. It throws MalformedError if the element is invalid, and calls `warn`
 * for malformed parts that it leaves out (`unlessMalformed`).
 * @param write converts a document to its root element.
 */
export function defineDocument<T extends object>(
  language: WbxmlLanguage,
  rootName: string,
  read: (root: MarkupElement, warn: (problem: string) => void) => T,
  write: (document: T) => MarkupElement,
): DocumentCodec<T> {
  function fromRoot(root: MarkupElement, reported: readonly string[] = []): ReadDocument<T> {
    if (root.name !== rootName) {
      throw new MalformedError(`${language.title}: invalid root element ${root.name}: expected ${rootName}`);
    }
    const warnings = [...reported];
    const document = read(root, (problem) => {
      if (warnings.length < MAX_WARNINGS) warnings.push(`${language.title}: ${problem}`);
    });
    return warnings.length > 0 ? { ...document, warnings } : document;
  }
  return {
    fromXml: (bytes, charset) => fromRoot(parseXml(bytes, language.title, charset)),
    toXml: (document) => writeXml(write(document), language),
    fromWbxml(bytes, options) {
      const { root, warnings } = decodeWbxml(bytes, language, options);
      return fromRoot(root, warnings);
    },
    toWbxml: (document, version) => encodeWbxml({ language, version, root: write(document) }),
  };
}

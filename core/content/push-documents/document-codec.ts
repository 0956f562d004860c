/** Defines a document type in XML and WBXML by how its elements are read and written. */

import { MalformedError } from '../../errors.js';
import { decodeWbxml } from '../wbxml/decoder.js';
import type { MarkupElement } from '../wbxml/document.js';
import { encodeWbxml } from '../wbxml/encoder.js';
import type { WbxmlLanguage } from '../wbxml/tables.js';
import { parseXml } from '../xml/parser.js';
import { writeXml } from '../xml/writer.js';

/** Value tokens of SI, SL and CO: ends of host names with a slash. */
export const DOMAINS: ReadonlyMap<number, string> = new Map([
  [0x85, '.com/'],
  [0x86, '.edu/'],
  [0x87, '.net/'],
  [0x88, '.org/'],
]);

/** WBXML 1.2 or 1.3. These documents use only what both have in common. */
export type WbxmlVersion = 2 | 3;

/** A document type in both its forms, XML and WBXML. */
export interface DocumentCodec<T> {
  /** @throws MalformedError naming the place and what was expected. */
  fromXml(bytes: Uint8Array): T;
  /**
   * Encodes a document in XML, in UTF-8 with its document type.
   * @throws ConfigurationError if a value does not fit.
   */
  toXml(document: T): Uint8Array;
  /** @throws MalformedError naming the place and what was expected. */
  fromWbxml(bytes: Uint8Array): T;
  /**
   * Encodes a document in WBXML, with tokens where possible.
   * @param document the document.
   * @param version version of WBXML; 1.3 (`3`) by default.
   */
  toWbxml(document: T, version?: WbxmlVersion): Uint8Array;
}

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
    fromWbxml: (bytes) => fromRoot(decodeWbxml(bytes, [language]).root),
    toWbxml: (document, version = 3) => encodeWbxml({ language, version, root: write(document) }),
  };
}

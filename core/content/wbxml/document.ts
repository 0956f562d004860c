/** A WBXML document and the limits of its reader. */

import type { MarkupElement } from '../markup.js';
import type { WbxmlLanguage } from './language.js';

/** WBXML 1.1, 1.2 or 1.3. */
export type WbxmlVersion = 1 | 2 | 3;

/** A document: what `decodeWbxml` returns and `encodeWbxml` accepts. */
export interface WbxmlDocument {
  /** Document type. */
  readonly language: WbxmlLanguage;
  /** The root element. */
  readonly root: MarkupElement;
  /** Version of WBXML. The writer's default is 1.3 (`3`). */
  readonly version?: WbxmlVersion;
  /**
   * IANA MIBenum of the charset: 106 UTF-8, 3 US-ASCII, 4 ISO 8859-1. The writer's default is UTF-8, and it writes these
   * three.
   */
  readonly charset?: number;
  /** The public identifier as written: a well-known number, or text. The writer's default is that of the language. */
  readonly publicId?: number | string;
}

/** Limits on a document from the network. A document that exceeds one is malformed. */
export interface WbxmlLimits {
  /** Size of the document in bytes; 1 MiB by default. */
  readonly octets: number;
  /** Elements, attributes, and tokens of values; 65,536 by default. */
  readonly nodes: number;
  /** Levels of elements, 1 to 500; 32 by default. */
  readonly depth: number;
  /**
   * Characters of texts and literal names, and of values that tokens stand for; 1,048,576 by default. Two octets can refer
   * to a long text in the string table, so that 64 KiB could expand to gigabytes.
   */
  readonly characters: number;
}

/** How `decodeWbxml` reads a document. */
export interface WbxmlOptions {
  /**
   * Charset of a document that does not specify one: the parameter `charset` of its media type, or the IANA MIBenum; UTF-8
   * by default. A document that specifies one is read in that one, because gateways change media types, not documents.
   */
  readonly charset?: string | number;
  /** Limits to change; the others have their defaults. */
  readonly limits?: Partial<WbxmlLimits>;
}

export const WBXML_LIMITS: WbxmlLimits = {
  octets: 1 << 20,
  nodes: 1 << 16,
  // The supported languages have four levels.
  depth: 32,
  characters: 1 << 20,
};

/** The reader uses the call stack for each level. */
export const MAX_DEPTH = 500;

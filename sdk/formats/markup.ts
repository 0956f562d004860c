/**
 * Documents in XML and in WBXML: the tree of elements, the reader and the writer of each form, and `defineDocument` for a
 * document type that has both. The codecs of SI, SL, CO and EMN are made with the same functions.
 */

export { type DocumentCodec, defineDocument, type ReadDocument } from '../../core/content/document-codec.js';
export {
  attributeAmong,
  attributeOf,
  childrenNamed,
  dateAttribute,
  element,
  formatDate,
  isElement,
  type MarkupAttribute,
  type MarkupElement,
  type MarkupExtension,
  type MarkupValue,
  phraseOf,
  requiredAttribute,
  textOf,
  unlessMalformed,
} from '../../core/content/markup.js';
export { opaqueDate } from '../../core/content/wbxml/dates.js';
export { type DecodedWbxml, decodeWbxml } from '../../core/content/wbxml/decoder.js';
export type {
  WbxmlDocument,
  WbxmlLimits,
  WbxmlOptions,
  WbxmlVersion,
} from '../../core/content/wbxml/document.js';
export { encodeWbxml } from '../../core/content/wbxml/encoder.js';
export {
  type AttributeStart,
  type AttributeText,
  type DocumentType,
  type OpaqueText,
  WbxmlLanguage,
  type WbxmlPages,
  type WbxmlTables,
  type WbxmlToken,
} from '../../core/content/wbxml/language.js';
export { parseXml } from '../../core/content/xml/parser.js';
export { writeXml } from '../../core/content/xml/writer.js';

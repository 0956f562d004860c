/** Encodes elements as WBXML (WAP-192 5). */

import { ConfigurationError } from '../../errors.js';
import { UTF_8 } from '../charset.js';
import {
  isElement,
  isName,
  type MarkupAttribute,
  type MarkupElement,
  type MarkupExtension,
  type MarkupValue,
  requireElement,
  typeInWords,
} from '../markup.js';
import { writeUintvar } from '../wsp/integers.js';
import { OctetWriter } from '../wsp/octets.js';
import { UNKNOWN_PUBLIC_ID } from './decoder.js';
import type { WbxmlDocument } from './document.js';
import { isPublicId, requireLanguage, type WbxmlLanguage } from './language.js';
import { TextEncoding } from './text-encoding.js';
import {
  END,
  ENTITY,
  EXT_0,
  EXT_I_0,
  EXT_T_0,
  HAS_ATTRIBUTES,
  HAS_CONTENT,
  LITERAL,
  OPAQUE,
  STR_I,
  SWITCH_PAGE,
} from './tokens.js';

/**
 * Encodes elements as a WBXML document (WAP-192). Uses the shortest tokens of the language: the attribute start with the
 * longest prefix of the value, then value tokens. The string table contains only names that the language does not have.
 * Characters outside of the charset become entities.
 * @param document document type, root element, and what differs from the defaults.
 * @throws ConfigurationError if the version or the charset is not supported, or a string contains a zero character; TypeError
 * for a part of another type.
 */
export function encodeWbxml(document: WbxmlDocument): Uint8Array {
  if (typeof document !== 'object' || document === null) {
    throw new TypeError(`invalid WBXML document: expected { language, root }, not ${typeInWords(document)}`);
  }
  const { language, root, version = 3, charset = UTF_8 } = document;
  requireLanguage(language);
  requireElement(root);
  if (![1, 2, 3].includes(version)) {
    throw new ConfigurationError(`invalid version ${String(version)} of WBXML: expected 1, 2 or 3`);
  }
  const { publicId = language.publicId ?? language.documentType?.publicId ?? UNKNOWN_PUBLIC_ID } = document;
  const body = new Encoder(language, new TextEncoding(charset));
  body.element(root);
  const writer = new OctetWriter().octet(version);
  if (typeof publicId === 'string') writeUintvar(writer.octet(0), body.offsetOf(publicId));
  else if (isPublicId(publicId)) writeUintvar(writer, publicId);
  else throw new ConfigurationError(`invalid public identifier ${publicId}: expected 1 to 2^32 - 1`);
  writeUintvar(writer, charset);
  const table = body.stringTable.finish();
  writeUintvar(writer, table.length);
  return writer.octets(table).octets(body.writer.finish()).finish();
}

class Encoder {
  readonly writer = new OctetWriter();
  readonly stringTable = new OctetWriter();
  private readonly offsets = new Map<string, number>();
  private tableLength = 0;
  private tagPage = 0;
  private attributePage = 0;

  constructor(
    private readonly language: WbxmlLanguage,
    private readonly encoding: TextEncoding,
  ) {}

  element({ name, attributes, children }: MarkupElement): void {
    const flags = (attributes.length > 0 ? HAS_ATTRIBUTES : 0) | (children.length > 0 ? HAS_CONTENT : 0);
    const tag = this.language.tokenOfTag(name, this.tagPage);
    if (tag) {
      this.tagPage = this.switchPage(this.tagPage, tag.page);
      this.writer.octet(tag.token | flags);
    } else {
      this.literal(name, flags);
    }
    if (attributes.length > 0) {
      for (const attribute of attributes) this.attribute(attribute);
      this.writer.octet(END);
    }
    if (children.length > 0) {
      for (const child of children) isElement(child) ? this.element(child) : this.value(child);
      this.writer.octet(END);
    }
  }

  private attribute({ name, value }: MarkupAttribute): void {
    const [first, ...others] = value;
    const text = typeof first === 'string' ? first : '';
    const start = this.language.tokenOfAttribute(name, text, this.attributePage);
    let rest = text;
    if (start) {
      this.attributePage = this.switchPage(this.attributePage, start.page);
      this.writer.octet(start.token);
      rest = text.slice(start.prefix.length);
    } else {
      this.literal(name, 0);
    }
    const opaque = others.length === 0 ? this.language.opaqueText(name)?.encode(rest) : undefined;
    if (opaque) {
      this.value(opaque);
      return;
    }
    if (first !== undefined) this.attributeValue(typeof first === 'string' ? rest : first);
    for (const other of others) this.attributeValue(other);
  }

  private attributeValue(value: MarkupValue): void {
    if (typeof value !== 'string') {
      this.value(value);
      return;
    }
    let from = 0;
    let at = 0;
    while (at < value.length) {
      const found = this.language.tokenOfValue(this.attributePage, value, at);
      if (found) {
        this.value(value.slice(from, at));
        this.writer.octet(found.token);
        from = at + found.text.length;
      }
      at = found ? from : at + 1;
    }
    this.value(value.slice(from));
  }

  private value(value: MarkupValue): void {
    if (typeof value === 'string') this.text(value);
    else if (value instanceof Uint8Array) {
      writeUintvar(this.writer.octet(OPAQUE), value.length);
      this.writer.octets(value);
    } else this.extension(value);
  }

  private extension({ extension, value }: MarkupExtension): void {
    if (![0, 1, 2].includes(extension)) {
      throw new ConfigurationError(`invalid extension ${extension}: expected 0, 1 or 2`);
    }
    if (value === undefined) this.writer.octet(EXT_0 + extension);
    else if (typeof value === 'number') writeUintvar(this.writer.octet(EXT_T_0 + extension), value);
    else this.writer.octet(EXT_I_0 + extension).octets(this.encoding.string(value));
  }

  private text(text: string): void {
    for (const run of this.encoding.runs(text)) {
      if (typeof run === 'number') writeUintvar(this.writer.octet(ENTITY), run);
      else this.writer.octet(STR_I).octets(this.encoding.string(run));
    }
  }

  private literal(name: string, flags: number): void {
    if (!isName(name))
      throw new ConfigurationError(`invalid name ${JSON.stringify(name)}: expected an XML name`);
    writeUintvar(this.writer.octet(LITERAL | flags), this.offsetOf(name));
  }

  /** The offset of a text in the string table, to which it is added. */
  offsetOf(text: string): number {
    const known = this.offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.tableLength;
    const octets = this.encoding.string(text);
    this.stringTable.octets(octets);
    this.tableLength += octets.length;
    this.offsets.set(text, offset);
    return offset;
  }

  private switchPage(current: number, wanted: number): number {
    if (current !== wanted) this.writer.octet(SWITCH_PAGE).octet(wanted);
    return wanted;
  }
}

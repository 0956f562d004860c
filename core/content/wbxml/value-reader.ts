/** Reads attributes, and the global tokens for text, octets and extensions (WAP-192 5.8.3, 5.8.4). */

import type { MalformedError } from '../../errors.js';
import { appendValue, type MarkupAttribute, type MarkupValue } from '../markup.js';
import { readUintvar } from '../wsp/integers.js';
import { hexOctet, type OctetReader } from '../wsp/octets.js';
import type { WbxmlBounds } from './bounds.js';
import type { WbxmlLanguage } from './language.js';
import type { WbxmlStrings } from './strings.js';
import {
  END,
  ENTITY,
  EXT_0,
  EXT_I_0,
  EXT_T_0,
  LITERAL,
  OPAQUE,
  STR_I,
  STR_T,
  SWITCH_PAGE,
} from './tokens.js';

const EXTENSIONS = 3;
const MAX_CODE_POINT = 0x10ffff;

export function isValueToken(token: number): boolean {
  return (
    token === ENTITY ||
    token === STR_I ||
    token === STR_T ||
    token === OPAQUE ||
    [EXT_I_0, EXT_T_0, EXT_0].some((first) => token >= first && token < first + EXTENSIONS)
  );
}

export class ValueReader {
  constructor(
    private readonly reader: OctetReader,
    private readonly strings: WbxmlStrings,
    private readonly bounds: WbxmlBounds,
  ) {}

  /** @param token a value token, already consumed. */
  read(token: number, field: string): MarkupValue {
    const { reader, strings } = this;
    this.bounds.node(field);
    switch (token) {
      case STR_I:
        return strings.inline(reader, field);
      case STR_T:
        return strings.reference(reader, readUintvar(reader, field), field);
      case ENTITY:
        return this.entity(field);
      case OPAQUE:
        return reader.octets(readUintvar(reader, field), field).slice();
      default:
        return this.extension(token, field);
    }
  }

  private entity(field: string): string {
    const start = this.reader.offset;
    const codePoint = readUintvar(this.reader, field);
    const isSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
    if (codePoint === 0 || codePoint > MAX_CODE_POINT || isSurrogate) {
      throw this.reader.failure(field, 'a character of ISO 10646', start);
    }
    return this.bounds.text(String.fromCodePoint(codePoint), field, start);
  }

  private extension(token: number, field: string): MarkupValue {
    const extension = token & 0x03;
    if (token >= EXT_0) return { extension };
    if (token >= EXT_T_0) return { extension, value: readUintvar(this.reader, field) };
    return { extension, value: this.strings.inline(this.reader, field) };
  }
}

/** Value tokens of a language: 80 and above, except for the global ones. */
const FIRST_VALUE = 0x80;
/** Real elements have far fewer. */
const MAX_ATTRIBUTES = 32;

/** Reads attributes: a start token, which can contain a prefix of the value, and value tokens. */
export class AttributeReader {
  private page = 0;

  constructor(
    private readonly reader: OctetReader,
    private readonly language: WbxmlLanguage,
    private readonly strings: WbxmlStrings,
    private readonly values: ValueReader,
    private readonly bounds: WbxmlBounds,
  ) {}

  /** Reads a list and its END. */
  list(element: string): MarkupAttribute[] {
    const attributes: MarkupAttribute[] = [];
    let token = this.token(element);
    while (token !== END) {
      const at = this.reader.offset - 1;
      this.bounds.node(element);
      const { name, prefix } = this.start(token, element);
      if (attributes.some((attribute) => attribute.name === name)) {
        throw this.reader.failure(element, `attribute ${name} once`, at);
      }
      if (attributes.length === MAX_ATTRIBUTES) {
        throw this.reader.failure(element, `at most ${MAX_ATTRIBUTES} attributes`, at);
      }
      const value: MarkupValue[] = prefix === '' ? [] : [prefix];
      token = this.token(element);
      while (token >= FIRST_VALUE || isValueToken(token)) {
        appendValue(value, this.value(token, name));
        token = this.token(element);
      }
      attributes.push({ name, value });
    }
    return attributes;
  }

  private token(element: string): number {
    let token = this.reader.octet(element, 'an attribute or END');
    while (token === SWITCH_PAGE) {
      this.page = this.reader.octet('code page');
      token = this.reader.octet(element, 'an attribute or END');
    }
    return token;
  }

  private start(token: number, element: string): { name: string; prefix: string } {
    const at = this.reader.offset - 1;
    if (token === LITERAL) {
      return { name: this.strings.name(this.reader, `${element}, literal attribute`), prefix: '' };
    }
    const start = this.language.attributeStart(this.page, token);
    if (!start) throw this.unknown(element, 'an attribute', token, at);
    this.bounds.text(start.prefix, element, at);
    return start;
  }

  private value(token: number, name: string): MarkupValue {
    const at = this.reader.offset - 1;
    if (!isValueToken(token)) {
      this.bounds.node(name);
      const text = this.language.attributeValue(this.page, token);
      if (text === undefined) throw this.unknown(name, 'a value', token, at);
      return this.bounds.text(text, name, at);
    }
    const value = this.values.read(token, name);
    const opaque = value instanceof Uint8Array ? this.language.opaqueText(name) : undefined;
    if (!(value instanceof Uint8Array) || !opaque) return value;
    // Invalid octets stay: the reader of the document decides what depends on this attribute.
    const text = opaque.decode(value);
    return text === undefined ? value : this.bounds.text(text, name, at);
  }

  private unknown(field: string, what: string, token: number, at: number): MalformedError {
    const page = this.page === 0 ? '' : ` on code page ${this.page}`;
    return this.reader.failure(field, `${what} of ${this.language.title}${page}, not ${hexOctet(token)}`, at);
  }
}

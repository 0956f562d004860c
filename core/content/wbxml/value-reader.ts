/** Reads attributes, and the global tokens for text, octets and extensions (WAP-192 5.8.3, 5.8.4). */

import { readUintvar } from '../wsp/integers.js';
import { hexOctet, type OctetReader } from '../wsp/octets.js';
import { appendValue, dateOfOctets, type MarkupAttribute, type MarkupValue } from './document.js';
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
  type WbxmlLanguage,
  type WbxmlStrings,
} from './tables.js';

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
  ) {}

  /** @param token a value token, already consumed. */
  read(token: number, field: string): MarkupValue {
    const { reader, strings } = this;
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
    if (codePoint > MAX_CODE_POINT) throw this.reader.failure(field, 'a character of ISO 10646', start);
    return String.fromCodePoint(codePoint);
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
  ) {}

  /** Reads a list and its END. */
  list(element: string): MarkupAttribute[] {
    const attributes: MarkupAttribute[] = [];
    let token = this.token(element);
    while (token !== END) {
      const at = this.reader.offset - 1;
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
      const field = `${element}, literal attribute`;
      return {
        name: this.strings.reference(this.reader, readUintvar(this.reader, field), field),
        prefix: '',
      };
    }
    const start = this.language.attributeStarts[this.page]?.get(token);
    if (!start) {
      throw this.reader.failure(
        element,
        `an attribute of ${this.language.title}, not ${hexOctet(token)}`,
        at,
      );
    }
    return start;
  }

  private value(token: number, name: string): MarkupValue {
    const at = this.reader.offset - 1;
    if (isValueToken(token)) {
      const value = this.values.read(token, name);
      if (!(value instanceof Uint8Array) || !this.language.dates.has(name)) return value;
      const date = dateOfOctets(value);
      if (date === undefined) throw this.reader.failure(name, 'the digits of a date', at);
      return date;
    }
    const text = this.language.attributeValues[this.page]?.get(token);
    if (text === undefined) {
      throw this.reader.failure(name, `a value of ${this.language.title}, not ${hexOctet(token)}`, at);
    }
    return text;
  }
}

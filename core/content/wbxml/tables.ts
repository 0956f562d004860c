/** Global tokens of WBXML (WAP-192 7.1), the tokens of a language, and the strings of a document. */

import { OctetReader } from '../wsp/octets.js';
import { decodeCharset, isWide } from '../wsp/text.js';

export const SWITCH_PAGE = 0x00;
export const END = 0x01;
export const ENTITY = 0x02;
export const STR_I = 0x03;
export const LITERAL = 0x04;
export const EXT_I_0 = 0x40;
export const PI = 0x43;
export const EXT_T_0 = 0x80;
export const STR_T = 0x83;
export const EXT_0 = 0xc0;
export const OPAQUE = 0xc3;

/** Flags of a tag token. */
export const HAS_ATTRIBUTES = 0x80;
export const HAS_CONTENT = 0x40;
export const TAG = 0x3f;

/** The name and the prefix of the value of an attribute start token. */
export interface AttributeStart {
  readonly name: string;
  readonly prefix: string;
}

export interface WbxmlLanguage {
  /** `SI 1.0` */
  readonly title: string;
  /** Well-known public identifier (WAP-192 table 8.2). */
  readonly publicId: number;
  /** Public identifier in text, for the DOCTYPE. */
  readonly publicText: string;
  /** URL of the document type definition, for the DOCTYPE. It is never fetched. */
  readonly systemId: string;
  /** By code page, then by token without its flags. */
  readonly tags: readonly ReadonlyMap<number, string>[];
  readonly attributeStarts: readonly ReadonlyMap<number, AttributeStart>[];
  readonly attributeValues: readonly ReadonlyMap<number, string>[];
  /** Attributes with dates, whose OPAQUE octets are the digits YYYYMMDDhhmmss. */
  readonly dates: ReadonlySet<string>;
}

/** Tokens of tags and attributes start after the global ones. */
const FIRST_TOKEN = 0x05;

/** Tags with consecutive tokens from 05. */
export function tagPage(...names: readonly string[]): ReadonlyMap<number, string> {
  return new Map(names.map((name, index) => [FIRST_TOKEN + index, name]));
}

/** Attribute starts, each `token, name` or `token, name, prefix of the value`. */
export function attributePage(
  ...starts: readonly (readonly [token: number, name: string, prefix?: string])[]
): ReadonlyMap<number, AttributeStart> {
  return new Map(starts.map(([token, name, prefix = '']) => [token, { name, prefix }]));
}

/**
 * Characters of a decoded document. Two octets can refer to a long text in the string table, so that 64 KiB could expand
 * to gigabytes.
 */
const MAX_TEXT = 1 << 20;

/** Strings of a document, inline or in its string table (WAP-192 5.7, 5.8.4.1). */
export class WbxmlStrings {
  private characters = 0;

  /** @param table octets of the string table. */
  constructor(
    private readonly document: string,
    private readonly table: Uint8Array,
    private readonly charset: number,
  ) {}

  /** A string that ends with a zero character. */
  inline(reader: OctetReader, field: string): string {
    const start = reader.offset;
    const text = decodeCharset(this.octets(reader, field), this.charset);
    return this.counted(text, reader, field, start);
  }

  /** The string at an offset into the string table. */
  reference(reader: OctetReader, offset: number, field: string): string {
    const start = reader.offset;
    if (offset >= this.table.length) {
      throw reader.failure(field, `an offset below ${this.table.length} into the string table`);
    }
    const table = new OctetReader(this.table, `${this.document}, string table`, offset);
    const text = decodeCharset(this.octets(table, field), this.charset);
    return this.counted(text, reader, field, start);
  }

  private octets(reader: OctetReader, field: string): Uint8Array {
    if (!isWide(this.charset)) return reader.untilZero(field);
    const start = reader.offset;
    for (;;) {
      const pair = reader.octets(2, field);
      if (pair[0] === 0 && pair[1] === 0) return reader.since(start).subarray(0, -2);
    }
  }

  private counted(text: string, reader: OctetReader, field: string, start: number): string {
    this.characters += text.length;
    if (this.characters > MAX_TEXT) {
      throw reader.failure(field, `a document of at most ${MAX_TEXT} characters`, start);
    }
    return text;
  }
}

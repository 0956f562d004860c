/** The token tables of a document type, with lookups by token and by name. */

import { ConfigurationError } from '../../errors.js';
import { typeInWords } from '../markup.js';

/** Code pages by their number, 0 to 255: an array, or an object if numbers are missing. Tokens are the keys of a page. */
export type WbxmlPages<Entry> = Readonly<Record<number, Readonly<Record<number, Entry>>>>;

/** Text that a document type writes as OPAQUE octets. */
export interface OpaqueText {
  /** What the octets contain, for error messages: `the digits of a date`. */
  readonly expected: string;
  /**
   * Converts octets to text. Returns undefined if the octets are invalid.
   * @param octets content of OPAQUE.
   */
  decode(octets: Uint8Array): string | undefined;
  /**
   * Converts text to octets. Returns undefined if the text is not of this form; it is then written as text.
   * @param text the value of the attribute.
   */
  encode(text: string): Uint8Array | undefined;
}

/** The identifiers of a DOCTYPE. They are never fetched. */
export interface DocumentType {
  /** Public identifier: `-//WAPFORUM//DTD SI 1.0//EN`. */
  readonly publicId: string;
  /** URL of the document type definition. */
  readonly systemId: string;
}

/** The tokens of a document type, as its specification lists them. */
export interface WbxmlTables {
  /** Name for error messages: `SI 1.0`. */
  readonly title: string;
  /**
   * Well-known public identifier (WAP-192 table 8.2), 1 (unknown) to 2^32 - 1. Absent if the document type has
   * none.
   */
  readonly publicId?: number;
  /** The DOCTYPE in XML. WBXML can contain its public identifier as text. */
  readonly documentType?: DocumentType;
  /** Names of elements. Tokens 05 to 3F, without the flags for attributes and content. */
  readonly tags: WbxmlPages<string>;
  /** Names of attributes, each with the start of the value that its token includes. Tokens 05 to 3F and 45 to 7F. */
  readonly attributeStarts?: WbxmlPages<readonly [name: string, prefix?: string]>;
  /** Texts in attribute values. Tokens 85 to BF and C5 to FF. */
  readonly attributeValues?: WbxmlPages<string>;
  /** Attributes, by name, whose values are OPAQUE octets in WBXML and text in the tree. */
  readonly opaqueAttributes?: Readonly<Record<string, OpaqueText>>;
}

/** A token and its code page. */
export interface WbxmlToken {
  /** Code page, 0 to 255. */
  readonly page: number;
  /** Token without flags. */
  readonly token: number;
}

/** The name of an attribute start token, and the start of the value that it includes. */
export interface AttributeStart {
  /** Name of the attribute. */
  readonly name: string;
  /** The first characters of the value; may be empty. */
  readonly prefix: string;
}

/** The text of an attribute value token. */
export interface AttributeText extends WbxmlToken {
  /** At least one character. */
  readonly text: string;
}

/** A document type that WBXML can be read and written in. */
export class WbxmlLanguage {
  /** Name for error messages: `SI 1.0`. */
  readonly title: string;
  /** Well-known public identifier (WAP-192 table 8.2). */
  readonly publicId: number | undefined;
  /** The DOCTYPE in XML. */
  readonly documentType: DocumentType | undefined;

  readonly #tags: ReadonlyMap<number, string>;
  readonly #starts: ReadonlyMap<number, AttributeStart>;
  readonly #values: ReadonlyMap<number, string>;
  readonly #tokensOfTags = new Map<string, WbxmlToken[]>();
  readonly #tokensOfAttributes = new Map<string, (WbxmlToken & AttributeStart)[]>();
  /** By code page and first character, because the writer looks at each position of a value. The longest text is first. */
  readonly #tokensOfValues = new Map<string, AttributeText[]>();
  readonly #opaque: ReadonlyMap<string, OpaqueText>;

  /**
   * Checks the tables and builds the lookups. Do this once for each document type, not for each document.
   * @param tables the tokens.
   * @throws ConfigurationError naming the token that is out of its range, or has no name; TypeError naming the table, the
   * code page or the entry of another type.
   */
  constructor(tables: WbxmlTables) {
    if (typeof tables !== 'object' || tables === null || typeof tables.title !== 'string') {
      throw new TypeError(
        `invalid tables of a document type: expected { title: 'SI 1.0', tags: [{ 5: 'si' }] }`,
      );
    }
    const { title, publicId, documentType, tags, attributeStarts = {}, attributeValues = {} } = tables;
    if (publicId !== undefined && !isPublicId(publicId)) {
      throw new ConfigurationError(`${title}: invalid public identifier ${publicId}: expected 1 to 2^32 - 1`);
    }
    this.title = title;
    this.publicId = publicId;
    this.documentType = documentType;
    this.#tags = this.#entries(TAGS, tags, isTag, textIn);
    this.#starts = this.#entries(ATTRIBUTE_STARTS, attributeStarts, isAttributeStart, startIn);
    this.#values = this.#entries(ATTRIBUTE_VALUES, attributeValues, isAttributeValue, textIn);
    this.#opaque = new Map(Object.entries(tables.opaqueAttributes ?? {}));

    for (const [key, name] of this.#tags) append(this.#tokensOfTags, name, tokenOf(key));
    for (const [key, start] of this.#starts) {
      append(this.#tokensOfAttributes, start.name, { ...start, ...tokenOf(key) });
    }
    for (const starts of this.#tokensOfAttributes.values()) {
      starts.sort((one, other) => other.prefix.length - one.prefix.length);
    }
    for (const [key, text] of this.#values) {
      const { page, token } = tokenOf(key);
      append(this.#tokensOfValues, `${page} ${text.charAt(0)}`, { page, token, text });
    }
    for (const texts of this.#tokensOfValues.values()) {
      texts.sort((one, other) => other.text.length - one.text.length);
    }
  }

  /**
   * The element name of a token; undefined if there is none.
   * @param page code page of tags.
   * @param token token without flags.
   */
  tag(page: number, token: number): string | undefined {
    return this.#tags.get(keyOf(page, token));
  }

  /**
   * The attribute of a start token; undefined if there is none.
   * @param page code page of attributes.
   * @param token start token.
   */
  attributeStart(page: number, token: number): AttributeStart | undefined {
    return this.#starts.get(keyOf(page, token));
  }

  /**
   * The text of an attribute value token; undefined if there is none.
   * @param page code page of attributes.
   * @param token value token.
   */
  attributeValue(page: number, token: number): string | undefined {
    return this.#values.get(keyOf(page, token));
  }

  /**
   * The token of an element name; undefined if there is none.
   * @param name name of the element.
   * @param page the current code page, which is preferred.
   */
  tokenOfTag(name: string, page: number): WbxmlToken | undefined {
    const tokens = this.#tokensOfTags.get(name);
    return tokens?.find((token) => token.page === page) ?? tokens?.[0];
  }

  /**
   * The start token of an attribute that includes the most of its value; undefined if there is none.
   * @param name name of the attribute.
   * @param value the value, or its first text.
   * @param page the current code page, which is preferred among equals.
   */
  tokenOfAttribute(name: string, value: string, page: number): (WbxmlToken & AttributeStart) | undefined {
    const starts = this.#tokensOfAttributes.get(name)?.filter(({ prefix }) => value.startsWith(prefix));
    const length = starts?.[0]?.prefix.length;
    return starts?.find((start) => start.page === page && start.prefix.length === length) ?? starts?.[0];
  }

  /**
   * The token of the longest text at a position of an attribute value; undefined if there is none.
   * @param page the current code page.
   * @param value the value.
   * @param at position in characters.
   */
  tokenOfValue(page: number, value: string, at: number): AttributeText | undefined {
    return this.#tokensOfValues
      .get(`${page} ${value.charAt(at)}`)
      ?.find(({ text }) => value.startsWith(text, at));
  }

  /**
   * How an attribute's OPAQUE octets are read as text; undefined if they are octets in the tree too.
   * @param attribute name of the attribute.
   */
  opaqueText(attribute: string): OpaqueText | undefined {
    return this.#opaque.get(attribute);
  }

  /** @param read returns undefined for an entry of another type. */
  #entries<Entry, Result>(
    { table, what, example }: Table,
    pages: WbxmlPages<Entry>,
    isToken: (token: number) => boolean,
    read: (entry: unknown) => Result | undefined,
  ): ReadonlyMap<number, Result> {
    const mistake = (place: string, found: unknown) =>
      new TypeError(
        `${this.title}: invalid ${place}: expected code pages of tokens, as in ${table}: ${example}, not ${typeInWords(found)}`,
      );
    if (!isObject(pages)) throw mistake(table, pages);
    const entries = new Map<number, Result>();
    for (const [page, tokens] of Object.entries(pages)) {
      if (!isOctet(Number(page))) {
        throw new ConfigurationError(`${this.title}: invalid code page ${page}: expected 0 to 255`);
      }
      if (!isObject(tokens) || Array.isArray(tokens)) throw mistake(`code page ${page} of ${table}`, tokens);
      for (const [token, entry] of Object.entries(tokens)) {
        const shown = Number(token).toString(16).toUpperCase();
        const result = read(entry);
        if (result === undefined) throw mistake(`token ${shown} of code page ${page} of ${table}`, entry);
        if (!isToken(Number(token)) || entry === '') {
          throw new ConfigurationError(
            `${this.title}: invalid token ${shown} of ${what} "${String(entry)}": ` +
              `expected a text, and a token of the range of ${what}s`,
          );
        }
        entries.set(keyOf(Number(page), Number(token)), result);
      }
    }
    return entries;
  }
}

/** A property of `WbxmlTables`, for error messages. */
interface Table {
  readonly table: keyof WbxmlTables;
  readonly what: string;
  readonly example: string;
}

const TAGS: Table = { table: 'tags', what: 'tag', example: "[{ 0x05: 'si' }]" };
const ATTRIBUTE_STARTS: Table = {
  ...{ table: 'attributeStarts', what: 'attribute start' },
  example: "[{ 0x0b: ['href'], 0x0c: ['href', 'http://'] }]",
};
const ATTRIBUTE_VALUES: Table = {
  ...{ table: 'attributeValues', what: 'attribute value' },
  example: "[{ 0x85: '.com/' }]",
};

function textIn(entry: unknown): string | undefined {
  return typeof entry === 'string' ? entry : undefined;
}

function startIn(entry: unknown): AttributeStart | undefined {
  if (!Array.isArray(entry)) return undefined;
  const [name, prefix = '']: unknown[] = entry;
  return typeof name === 'string' && typeof prefix === 'string' ? { name, prefix } : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** @throws TypeError unless the value is a WbxmlLanguage, which can be one of another copy of this package. */
export function requireLanguage(value: unknown): asserts value is WbxmlLanguage {
  if (isObject(value) && typeof Reflect.get(value, 'tokenOfTag') === 'function') return;
  throw new TypeError(
    `invalid document type: expected a WbxmlLanguage, as new WbxmlLanguage({ title, tags }) makes it, not ${typeInWords(value)}`,
  );
}

function keyOf(page: number, token: number): number {
  return page * 0x100 + token;
}

function tokenOf(key: number): WbxmlToken {
  return { page: Math.floor(key / 0x100), token: key % 0x100 };
}

function append<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function isOctet(number: number): boolean {
  return Number.isInteger(number) && number >= 0 && number <= 0xff;
}

/** The first five tokens of each quarter are global tokens (WAP-192 7.1). */
function isOwn(token: number): boolean {
  return isOctet(token) && (token & 0x3f) >= 0x05;
}

/** Identifies a document type: 0 announces an identifier as text. */
export function isPublicId(number: number): boolean {
  return Number.isInteger(number) && number >= 1 && number <= 0xffff_ffff;
}

function isTag(token: number): boolean {
  return isOwn(token) && token < 0x40;
}

function isAttributeStart(token: number): boolean {
  return isOwn(token) && token < 0x80;
}

function isAttributeValue(token: number): boolean {
  return isOwn(token) && token >= 0x80;
}

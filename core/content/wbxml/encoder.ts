/** Encodes elements as WBXML in UTF-8 (WAP-192 5). */

import { ConfigurationError } from '../../errors.js';
import { writeUintvar } from '../wsp/integers.js';
import { OctetWriter } from '../wsp/octets.js';
import { UTF_8 } from '../wsp/text.js';
import {
  isElement,
  type MarkupAttribute,
  type MarkupElement,
  type MarkupValue,
  octetsOfDate,
  type WbxmlDocument,
} from './document.js';
import {
  END,
  EXT_0,
  EXT_I_0,
  EXT_T_0,
  HAS_ATTRIBUTES,
  HAS_CONTENT,
  LITERAL,
  OPAQUE,
  STR_I,
  SWITCH_PAGE,
  type WbxmlLanguage,
} from './tables.js';

const encoder = new TextEncoder();

/**
 * Uses the shortest tokens of the language: the attribute start with the longest prefix of the value, then value tokens.
 * The string table contains only names that the language does not have.
 */
export function encodeWbxml({ language, version, root }: WbxmlDocument): Uint8Array {
  const body = new Encoder(language);
  body.element(root);
  const writer = new OctetWriter().octet(version);
  writeUintvar(writer, language.publicId);
  writeUintvar(writer, UTF_8);
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

  constructor(private readonly language: WbxmlLanguage) {}

  element({ name, attributes, children }: MarkupElement): void {
    const flags = (attributes.length > 0 ? HAS_ATTRIBUTES : 0) | (children.length > 0 ? HAS_CONTENT : 0);
    const tag = tokenOf(this.language.tags, name);
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
    const start = this.start(name, text);
    let rest = text;
    if (start) {
      this.attributePage = this.switchPage(this.attributePage, start.page);
      this.writer.octet(start.token);
      rest = text.slice(start.prefix.length);
    } else {
      this.literal(name, 0);
    }
    const date = this.language.dates.has(name) && others.length === 0 ? octetsOfDate(text) : undefined;
    if (date) {
      this.value(date);
      return;
    }
    if (first !== undefined) this.attributeValue(typeof first === 'string' ? rest : first);
    for (const other of others) this.attributeValue(other);
  }

  /** The attribute start with this name and the longest prefix of the value. */
  private start(name: string, text: string): { page: number; token: number; prefix: string } | undefined {
    let best: { page: number; token: number; prefix: string } | undefined;
    for (const [page, starts] of this.language.attributeStarts.entries()) {
      for (const [token, { name: known, prefix }] of starts) {
        if (known !== name || !text.startsWith(prefix)) continue;
        if (!best || prefix.length > best.prefix.length) best = { page, token, prefix };
      }
    }
    return best;
  }

  private attributeValue(value: MarkupValue): void {
    if (typeof value !== 'string') {
      this.value(value);
      return;
    }
    const tokens = this.language.attributeValues[this.attributePage] ?? new Map<number, string>();
    let from = 0;
    let at = 0;
    while (at < value.length) {
      const found = longestAt(tokens, value, at);
      if (found) {
        this.value(value.slice(from, at));
        this.writer.octet(found.token);
        from = at + found.length;
      }
      at = found ? from : at + 1;
    }
    this.value(value.slice(from));
  }

  private value(value: MarkupValue): void {
    if (typeof value === 'string') {
      if (value !== '') this.writer.octet(STR_I).octets(terminated(value));
    } else if (value instanceof Uint8Array) {
      writeUintvar(this.writer.octet(OPAQUE), value.length);
      this.writer.octets(value);
    } else if (typeof value.value === 'string') {
      this.writer.octet(EXT_I_0 + value.extension).octets(terminated(value.value));
    } else if (value.value !== undefined) {
      writeUintvar(this.writer.octet(EXT_T_0 + value.extension), value.value);
    } else {
      this.writer.octet(EXT_0 + value.extension);
    }
  }

  private literal(name: string, flags: number): void {
    writeUintvar(this.writer.octet(LITERAL | flags), this.offsetOf(name));
  }

  private offsetOf(text: string): number {
    const known = this.offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.tableLength;
    const octets = terminated(text);
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

function tokenOf(
  pages: readonly ReadonlyMap<number, string>[],
  name: string,
): { page: number; token: number } | undefined {
  for (const [page, names] of pages.entries()) {
    for (const [token, known] of names) if (known === name) return { page, token };
  }
  return undefined;
}

function longestAt(
  tokens: ReadonlyMap<number, string>,
  text: string,
  at: number,
): { token: number; length: number } | undefined {
  let best: { token: number; length: number } | undefined;
  for (const [token, { length }] of tokens) {
    if (text.startsWith(tokens.get(token) ?? '', at) && length > (best?.length ?? 0))
      best = { token, length };
  }
  return best;
}

function terminated(text: string): Uint8Array {
  const octets = encoder.encode(text);
  if (octets.includes(0)) throw new ConfigurationError('invalid WBXML string: expected no zero octet');
  const ended = new Uint8Array(octets.length + 1);
  ended.set(octets);
  return ended;
}

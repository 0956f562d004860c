/** The global tokens that carry text, octets or an extension (WAP-192 5.8.4): the same in content and attributes. */

import { readUintvar } from '../wsp/integers.js';
import type { OctetReader } from '../wsp/octet-reader.js';
import type { MarkupValue } from './markup.js';
import type { WbxmlStrings } from './strings.js';
import { ENTITY, EXT_0, EXT_I_0, EXT_T_0, OPAQUE, STR_I, STR_T } from './tokens.js';

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

  /** @param token one of those that `isValueToken` knows, already read */
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

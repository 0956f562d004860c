/** Strings of a document, inline or in its string table (WAP-192 5.7, 5.8.4.1). */

import { decodeCharset, isWide } from '../charset.js';
import { isName } from '../markup.js';
import { readUintvar } from '../wsp/integers.js';
import { OctetReader } from '../wsp/octets.js';
import type { WbxmlBounds } from './bounds.js';

export class WbxmlStrings {
  /** @param table octets of the string table. */
  constructor(
    private readonly document: string,
    private readonly table: Uint8Array,
    private readonly charset: number,
    private readonly bounds: WbxmlBounds,
  ) {}

  /** A string that ends with a zero character. */
  inline(reader: OctetReader, field: string): string {
    const start = reader.offset;
    return this.bounds.text(this.read(reader, field), field, start);
  }

  /** The string at an offset into the string table. */
  reference(reader: OctetReader, offset: number, field: string): string {
    const start = reader.offset;
    if (offset >= this.table.length) {
      throw reader.failure(field, `an offset below ${this.table.length} into the string table`);
    }
    const table = new OctetReader(this.table, `${this.document}, string table`, offset);
    return this.bounds.text(this.read(table, field), field, start);
  }

  /** The name of a literal tag or attribute, in the string table. */
  name(reader: OctetReader, field: string): string {
    const start = reader.offset;
    const name = this.reference(reader, readUintvar(reader, field), field);
    if (!isName(name)) throw reader.failure(field, 'a reference to a name', start);
    return name;
  }

  private read(reader: OctetReader, field: string): string {
    return decodeCharset(this.octets(reader, field), this.charset);
  }

  private octets(reader: OctetReader, field: string): Uint8Array {
    if (!isWide(this.charset)) return reader.untilZero(field);
    const start = reader.offset;
    for (;;) {
      const pair = reader.octets(2, field);
      if (pair[0] === 0 && pair[1] === 0) return reader.since(start).subarray(0, -2);
    }
  }
}

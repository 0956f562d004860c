/** Strings of a WBXML document: inline or in its string table, in its charset (WAP-192 5.7, 5.8.4.1). */

import { decodeCharset, isWide } from '../wsp/charset.js';
import { OctetReader } from '../wsp/octet-reader.js';

/**
 * Characters that one document may unfold to: two octets can refer to a text of any length in the table, so
 * that 64 KiB could make gigabytes.
 */
const MAX_TEXT = 1 << 20;

export class WbxmlStrings {
  private characters = 0;

  /** @param table its octets */
  constructor(
    private readonly document: string,
    private readonly table: Uint8Array,
    private readonly charset: number,
  ) {}

  /** A string ended by a zero character. */
  inline(reader: OctetReader, field: string): string {
    const start = reader.offset;
    const text = decodeCharset(this.octets(reader, field), this.charset);
    return this.counted(text, reader, field, start);
  }

  /** The string at an offset into the table, which is read from `reader`. */
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

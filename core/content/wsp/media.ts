/** A media type alone, without parameters (WAP-230 8.4.2.24): by code or by name. */

import { readInteger, writeLongInteger } from './integers.js';
import { codeOfMediaType, mediaTypeOfCode, mediaTypeSince, SHORT_CODE_MAX } from './media-type-codes.js';
import type { OctetReader } from './octet-reader.js';
import type { OctetWriter } from './octet-writer.js';
import { readTextString, writeTextString } from './text.js';
import { NEWEST } from './version.js';

/** A code that nobody assigned gives `application/x-wsp-XXXX`, so that it can be refused by name. */
export function readMedia(reader: OctetReader, field: string): string {
  const first = reader.peek();
  if (first !== undefined && first >= 0x20 && first < 0x80) return readTextString(reader, field);
  const code = readInteger(reader, field);
  return mediaTypeOfCode(code) ?? `application/x-wsp-${code.toString(16).padStart(4, '0')}`;
}

/** Constrained-media: a code of one octet, or text. */
export function writeConstrainedMedia(writer: OctetWriter, type: string, version = NEWEST): void {
  const code = writtenCode(type, version);
  if (code !== undefined && code <= SHORT_CODE_MAX) writer.octet(code | 0x80);
  else writeTextString(writer, type);
}

/** As it stands in Content-general-form, whose length frames it, so that registered codes of two octets fit. */
export function writeMedia(writer: OctetWriter, type: string, version = NEWEST): void {
  const code = writtenCode(type, version);
  if (code !== undefined && code > SHORT_CODE_MAX) writeLongInteger(writer, code);
  else writeConstrainedMedia(writer, type, version);
}

/** The code of a type, where a reader of that encoding version knows it. */
export function writtenCode(type: string, version: number): number | undefined {
  const code = codeOfMediaType(type.toLowerCase());
  return code !== undefined && mediaTypeSince(code) <= version ? code : undefined;
}

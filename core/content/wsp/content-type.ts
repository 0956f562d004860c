/** Content-type-value: a media type by code or in text, with or without parameters (WAP-230 8.4.2.24). */

import type { MediaType } from '../content.js';
import {
  codeForVersion,
  readMedia,
  SHORT_CODE_MAX,
  writeConstrainedMedia,
  writeMedia,
} from './media-type-codes.js';
import type { OctetReader, OctetWriter } from './octets.js';
import { readParameters, writeParameters } from './parameters.js';
import { isValueLength, NEWEST, readFramed, writeFramed } from './values.js';

export function readContentType(reader: OctetReader, field: string): MediaType {
  const first = reader.peek();
  if (first === undefined) throw reader.failure(field, 'a content type');
  if (!isValueLength(first)) return { type: readMedia(reader, field).toLowerCase(), parameters: {} };
  return readFramed(reader, field, (value) => ({
    type: readMedia(value, field).toLowerCase(),
    parameters: readParameters(value, field),
  }));
}

/**
 * Writes the shortest form: a single octet if possible.
 *
 * @param version of the encoding, as a version-value: newer codes are written as text.
 */
export function writeContentType(
  writer: OctetWriter,
  { type, parameters }: MediaType,
  version = NEWEST,
): void {
  // Constrained-media has no codes of two octets.
  if (Object.keys(parameters).length === 0 && (codeForVersion(type, version) ?? 0) <= SHORT_CODE_MAX) {
    writeConstrainedMedia(writer, type, version);
    return;
  }
  writeFramed(writer, (value) => {
    writeMedia(value, type, version);
    writeParameters(value, parameters, version);
  });
}

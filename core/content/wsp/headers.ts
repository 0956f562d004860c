/** A block of WSP headers (WAP-230 8.4.2.6). Names and values are codes or text, and are read as text. */

import { ConfigurationError } from '../../errors.js';
import { type HeaderList, headerOf } from '../http-headers.js';
import { isToken } from '../media-type.js';
import { headerCode, headerName, headerVersion, type WspHeaderName } from './header-names.js';
import { applicationHeader, headerValues } from './header-values.js';
import { OctetReader, OctetWriter } from './octets.js';
import { readTextString, writeTextString } from './text.js';
import { NEWEST, parseVersion, readAnyValue } from './values.js';

/** An unknown header: its code, code page or value is not known. */
export interface WspRawHeader {
  /** Code page; absent for the default one. */
  readonly page?: number;
  /** Code 00 to 7F, or the name of the header. */
  readonly field: number | string;
  /** Bytes of the value. */
  readonly value: Uint8Array;
}

/** Headers in WSP's binary encoding (WAP-230 §8.4). */
export interface WspHeaders {
  /** Known headers, as text. */
  readonly headers: HeaderList;
  /** Unknown headers, as bytes. */
  readonly others?: readonly WspRawHeader[];
}

const HEADERS = 'headers';
const DEFAULT_PAGE = 1;
const SHIFT = 0x7f;
/** Code pages 01 to 1F have a shift of one octet. */
const SHORT_SHIFT_MAX = 0x1f;
/** Real messages have far fewer. */
const MAX_HEADERS = 128;

/** Reads all remaining octets of `reader`. */
export function readHeaders(reader: OctetReader): WspHeaders {
  const headers: (readonly [name: string, value: string])[] = [];
  const others: WspRawHeader[] = [];
  let page = DEFAULT_PAGE;
  for (let count = 0; !reader.atEnd; count += 1) {
    if (count === MAX_HEADERS) throw reader.failure(HEADERS, `at most ${MAX_HEADERS} headers`);
    const first = reader.peek() ?? 0;
    if (first <= SHORT_SHIFT_MAX || first === SHIFT) {
      page = readPage(reader);
      continue;
    }
    const field = first < 0x80 ? readTextString(reader, HEADERS) : reader.octet(HEADERS) & 0x7f;
    const known = typeof field === 'number' && page === DEFAULT_PAGE ? headerName(field) : undefined;
    const name = typeof field === 'string' ? field : known;
    const start = reader.offset;
    const value = readValue(reader, name, known);
    if (name !== undefined && value !== undefined) headers.push([name, value]);
    else {
      const raw = reader.since(start).slice();
      others.push({ page: page === DEFAULT_PAGE ? undefined : page, field, value: raw });
    }
  }
  return { headers, others: others.length > 0 ? others : undefined };
}

function readPage(reader: OctetReader): number {
  const start = reader.offset;
  const octet = reader.octet(HEADERS);
  const page = octet === SHIFT ? reader.octet(HEADERS, 'a code page') : octet;
  if (page === 0) throw reader.failure(HEADERS, 'a header, or a code page from 01 on', start);
  return page;
}

/** Reads the whole value. Undefined if the header or the value is unknown. */
function readValue(
  reader: OctetReader,
  name: string | undefined,
  known: WspHeaderName | undefined,
): string | undefined {
  const field = name ?? HEADERS;
  const value = reader.within(readAnyValue(reader.fork(), field).length, field);
  if (name === undefined) return undefined;
  return ((known && headerValues.get(known)) ?? applicationHeader).read(value, field);
}

/** @param version of the encoding, as a version-value: newer codes are written as text. */
export function writeHeaders(
  writer: OctetWriter,
  { headers, others = [] }: WspHeaders,
  version: number,
): void {
  for (const [name, value] of headers) writeHeader(writer, name, value, version);
  let page = DEFAULT_PAGE;
  for (const { page: wanted = DEFAULT_PAGE, field, value } of others) {
    if (wanted !== page) writer.octet(SHIFT).octet(wanted);
    page = wanted;
    if (typeof field === 'number') writer.octet(field | 0x80);
    else writeName(writer, field);
    writer.octets(value);
  }
}

function writeHeader(writer: OctetWriter, name: string, value: string, version: number): void {
  const code = headerCode(name);
  const canonical = code === undefined ? undefined : headerName(code);
  const known = canonical === undefined ? undefined : headerValues.get(canonical);
  if (code !== undefined && known && headerVersion(code) <= version) {
    known.write(writer.octet(code | 0x80), value, version);
  } else {
    writeName(writer, name);
    writeTextString(writer, value);
  }
}

function writeName(writer: OctetWriter, name: string): void {
  if (!isToken(name)) throw new ConfigurationError(`invalid header name "${name}": expected a token`);
  writeTextString(writer, name);
}

/** The version of the header Encoding-Version, by default the newest. */
export function versionOf(headers: HeaderList): number {
  const version = headerOf(headers, 'Encoding-Version');
  return version === undefined ? NEWEST : parseVersion(version);
}

/** @throws MalformedError naming the header, its offset, and what was expected. */
export function decodeHeaders(block: Uint8Array): WspHeaders {
  return readHeaders(new OctetReader(block, 'WSP headers'));
}

/**
 * Encodes headers: with codes up to `version`, or up to the header Encoding-Version; later headers have names.
 *
 * @param headers the headers.
 * @param version version of the receiver's WSP encoding, `1.3`.
 * @throws ConfigurationError if a value does not fit its header.
 */
export function encodeHeaders(headers: WspHeaders, version?: string): Uint8Array {
  const writer = new OctetWriter();
  writeHeaders(writer, headers, version === undefined ? versionOf(headers.headers) : parseVersion(version));
  return writer.finish();
}

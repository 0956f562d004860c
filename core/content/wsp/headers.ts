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
  /** Malformed headers that were left out, in words. */
  readonly warnings?: readonly string[];
}

const HEADERS = 'headers';
const DEFAULT_PAGE = 1;
const SHIFT = 0x7f;
/** Code pages 01 to 1F have a shift of one octet. */
const SHORT_SHIFT_MAX = 0x1f;
/** Real messages have far fewer. */
const MAX_HEADERS = 128;

/** A header whose malformed value is an error: it says how much content there is, where, for which application. */
const DECISIVE: ReadonlySet<WspHeaderName> = new Set<WspHeaderName>([
  'Content-Encoding',
  'Content-Length',
  'Content-Location',
  'Content-MD5',
  'Expires',
  'X-Wap-Application-Id',
]);

/**
 * Reads all remaining octets of `reader`. A malformed header is left out with a warning. Zero octets at the end are
 * padding.
 *
 * @param lenient for a part, whose headers do not decide on more than the part: the rest of a block without a readable
 * end, and decisive headers, are left out too.
 * @throws MalformedError if a decisive header is malformed or can be hidden.
 */
export function readHeaders(reader: OctetReader, lenient = false): Pick<WspHeaders, 'headers' | 'others'> {
  const headers: (readonly [name: string, value: string])[] = [];
  const others: WspRawHeader[] = [];
  let page = DEFAULT_PAGE;

  function readNext(reader: OctetReader): void {
    const first = reader.peek() ?? 0;
    if (first <= SHORT_SHIFT_MAX || first === SHIFT) {
      page = readPage(reader);
      return;
    }
    const field = first < 0x80 ? readTextString(reader, HEADERS) : reader.octet(HEADERS) & 0x7f;
    const known = typeof field === 'number' && page === DEFAULT_PAGE ? headerName(field) : undefined;
    const name = typeof field === 'string' ? field : known;
    const octets = readAnyValue(reader.fork(), name ?? HEADERS);
    const value = reader.within(octets.length, name ?? HEADERS);
    if (name === undefined) {
      others.push({ page: page === DEFAULT_PAGE ? undefined : page, field, value: octets.slice() });
      return;
    }
    const { read } = (known && headerValues.get(known)) ?? applicationHeader;
    const optional = lenient || !known || !DECISIVE.has(known);
    const text = optional ? value.attempt((part) => read(part, name)) : { value: read(value, name) };
    if (text?.value !== undefined) headers.push([name, text.value]);
    else if (text) others.push({ field, value: octets.slice() });
  }

  for (let count = 0; !reader.atEnd && !reader.onlyPadding; count += 1) {
    if (count === MAX_HEADERS) throw reader.failure(HEADERS, `at most ${MAX_HEADERS} headers`);
    if (!lenient) readNext(reader);
    else if (!reader.attempt(readNext)) break;
  }
  reader.rest();
  return { headers, others: others.length > 0 ? others : undefined };
}

function readPage(reader: OctetReader): number {
  const start = reader.offset;
  const octet = reader.octet(HEADERS);
  const page = octet === SHIFT ? reader.octet(HEADERS, 'a code page') : octet;
  if (page === 0) throw reader.failure(HEADERS, 'a header, or a code page from 01 on', start);
  return page;
}

/** @param version of the encoding, as a version-value: newer codes are written as text. */
export function writeHeaders(
  writer: OctetWriter,
  { headers, others = [] }: Pick<WspHeaders, 'headers' | 'others'>,
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
  const reader = new OctetReader(block, 'WSP headers');
  return { ...readHeaders(reader), warnings: reader.warnings };
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

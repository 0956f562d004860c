/** Header values with a binary form (WAP-230 8.4.2). They are read as text. */

import { ConfigurationError } from '../../errors.js';
import { formatMediaType, parseMediaType } from '../media-type.js';
import { applicationIdOfCode, codeOfApplicationId } from './application-ids.js';
import { readContentType, writeContentType } from './content-type.js';
import type { WspHeaderName } from './header-names.js';
import { readInteger, readShortInteger, writeInteger, writeShortInteger } from './integers.js';
import type { OctetReader, OctetWriter } from './octets.js';
import { readParameters, startsText, writeParameters } from './parameters.js';
import { readTextString, readTextValue, writeQuotedString, writeTextString } from './text.js';
import { formatVersion, parseVersion, readDate, readFramed, writeDate, writeFramed } from './values.js';

export interface WspHeaderValue {
  /** Undefined if the value is unknown. */
  read(reader: OctetReader, field: string): string | undefined;
  /** @param version of the encoding, as a version-value */
  write(writer: OctetWriter, value: string, version: number): void;
}

type ReadValue = WspHeaderValue['read'];

/** Many senders write text although a binary form exists. */
const orText =
  (read: ReadValue): ReadValue =>
  (reader, field) => {
    const first = reader.peek();
    return first === 0 || (first !== undefined && startsText(first))
      ? readTextString(reader, field)
      : read(reader, field);
  };

const text: WspHeaderValue = { read: orText(() => undefined), write: writeTextString };

const integer: WspHeaderValue = {
  read: orText((reader, field) => String(readInteger(reader, field))),
  write: (writer, value) => writeInteger(writer, wholeNumber(value)),
};

const shortInteger: WspHeaderValue = {
  read: orText((reader, field) => String(readShortInteger(reader, field))),
  write: (writer, value) => writeShortInteger(writer, wholeNumber(value)),
};

/** HTTP dates: `Wed, 24 Jan 2024 09:48:48 GMT`. */
const date: WspHeaderValue = {
  read: orText((reader, field) => readDate(reader, field).toUTCString()),
  write: (writer, value) => writeDate(writer, new Date(value)),
};

const applicationId: WspHeaderValue = {
  read: orText((reader, field) => applicationIdOfCode(readInteger(reader, field))),
  write(writer, value) {
    const code = codeOfApplicationId(value);
    if (code === undefined) writeTextString(writer, value);
    else writeInteger(writer, code);
  },
};

/** `1.5`. The form with a code page is not decoded. */
const encodingVersion: WspHeaderValue = {
  read: orText((reader, field) => {
    const first = reader.peek() ?? 0;
    return first < 0x80 ? undefined : formatVersion(readShortInteger(reader, field));
  }),
  write: (writer, value) => writeShortInteger(writer, parseVersion(value)),
};

const contentType: WspHeaderValue = {
  read: (reader, field) => formatMediaType(readContentType(reader, field)),
  write(writer, value, version) {
    const type = parseMediaType(value);
    if (!type) throw new ConfigurationError(`invalid Content-Type "${value}": expected a media type`);
    writeContentType(writer, type, version);
  },
};

/** `<part1@mms>`, a quoted-string. */
const quoted: WspHeaderValue = { read: readTextValue, write: writeQuotedString };

const dispositions = ['form-data', 'attachment', 'inline'];

function readDisposition(reader: OctetReader, field: string): string {
  const start = reader.offset;
  const first = reader.peek() ?? 0;
  const name = first < 0x80 ? readTextString(reader, field) : dispositions[reader.octet(field) & 0x7f];
  if (name === undefined) throw reader.failure(field, '80, 81, 82 or a token', start);
  // A disposition has the syntax of a media type without the slash (RFC 2183 §2).
  return formatMediaType({ type: name.toLowerCase(), parameters: readParameters(reader, field) });
}

/** `attachment;filename="a b.jpg"` */
const disposition: WspHeaderValue = {
  read: orText((reader, field) => {
    // Some senders write the disposition alone, without its length.
    if ((reader.peek() ?? 0) < 0x80)
      return readFramed(reader, field, (value) => readDisposition(value, field));
    reader.warn(reader.failure(field, 'a value-length (00 to 1F)'));
    return readDisposition(reader, field);
  }),
  write(writer, value, version) {
    const parsed = parseMediaType(value.replace(/^\s*([^;\s]+)/, 'x/$1'));
    if (!parsed)
      throw new ConfigurationError(`invalid Content-Disposition "${value}": expected a type and parameters`);
    const name = parsed.type.slice(2);
    const code = dispositions.indexOf(name);
    writeFramed(writer, (framed) => {
      if (code < 0) writeTextString(framed, name);
      else framed.octet(code | 0x80);
      writeParameters(framed, parsed.parameters, version);
    });
  },
};

const encodings = ['gzip', 'compress', 'deflate'];

const contentEncoding: WspHeaderValue = {
  read: orText((reader, field) => {
    const first = reader.peek() ?? 0;
    return first < 0x80 ? undefined : encodings[reader.octet(field) & 0x7f];
  }),
  write(writer, value) {
    const code = encodings.indexOf(value.toLowerCase());
    if (code < 0) writeTextString(writer, value);
    else writer.octet(code | 0x80);
  },
};

/** Other headers: name and value are text. Other values stay raw. */
export const applicationHeader = text;

export const headerValues: ReadonlyMap<WspHeaderName, WspHeaderValue> = new Map<
  WspHeaderName,
  WspHeaderValue
>([
  ['Age', integer],
  ['Content-Base', text],
  ['Content-Encoding', contentEncoding],
  ['Content-Length', integer],
  ['Content-Location', text],
  ['Content-Type', contentType],
  ['Date', date],
  ['Etag', text],
  ['Expires', date],
  ['From', text],
  ['Host', text],
  ['If-Modified-Since', date],
  ['If-Match', text],
  ['If-None-Match', text],
  ['If-Unmodified-Since', date],
  ['Location', text],
  ['Last-Modified', date],
  ['Max-Forwards', integer],
  ['Referer', text],
  ['Server', text],
  ['User-Agent', text],
  ['Via', text],
  ['Content-Disposition', disposition],
  ['X-Wap-Application-Id', applicationId],
  ['X-Wap-Content-URI', text],
  ['X-Wap-Initiator-URI', text],
  ['Accept-Application', applicationId],
  ['Bearer-Indication', integer],
  ['Push-Flag', shortInteger],
  ['Profile', text],
  ['Content-ID', quoted],
  ['Encoding-Version', encodingVersion],
]);

function wholeNumber(value: string): number {
  if (!/^\d{1,16}$/.test(value))
    throw new ConfigurationError(`invalid number "${value}": expected a whole number`);
  return Number(value);
}

/** Parameters of WSP values: names and values are well known or text (WAP-230 8.4.2.3, 8.4.2.4, table 38). */

import { ConfigurationError } from '../../errors.js';
import { encodeHexadecimal } from '../binary-text.js';
import { charsetMibEnum, charsetName } from '../charset.js';
import { isToken } from '../media-type.js';
import { readInteger, readShortInteger, readUintvar, writeInteger } from './integers.js';
import { readMedia, writeConstrainedMedia } from './media-type-codes.js';
import type { OctetReader, OctetWriter } from './octets.js';
import { readTextString, readTextValue, writeTextString, writeTextValue } from './text.js';
import { formatVersion, NEWEST, readAnyValue, readDate, type VersionSteps, versionOfCode } from './values.js';

/** Undefined if the parameter has no meaning. */
export type ReadParameterValue = (reader: OctetReader, field: string) => string | undefined;

function readNumber(reader: OctetReader, field: string): string {
  return String(readInteger(reader, field));
}

/** Any-charset (80, which is also MIBenum 0) means that the sender does not know the charset. */
function readCharset(reader: OctetReader, field: string): string | undefined {
  const first = reader.peek();
  if (first === undefined || !startsText(first)) return charsetName(readInteger(reader, field));
  const name = readTextValue(reader, field).toLowerCase();
  return name === '*' ? undefined : name;
}

/** 1 to 100 are hundredths from 0; 101 and above are thousandths. */
function readQuality(reader: OctetReader, field: string): string {
  const start = reader.offset;
  const value = readUintvar(reader, field);
  if (value < 1 || value > 1099) throw reader.failure(field, 'a quality of 1 to 1099', start);
  return String(value <= 100 ? (value - 1) / 100 : (value - 100) / 1000);
}

function readVersion(reader: OctetReader, field: string): string {
  const first = reader.peek();
  if (first !== undefined && first < 0x80) return readTextValue(reader, field);
  return formatVersion(readShortInteger(reader, field));
}

/** The code of a header as a number, or its name. */
export function readFieldName(reader: OctetReader, field: string): string {
  const first = reader.peek();
  if (first !== undefined && first < 0x80) return readTextString(reader, field);
  return String(readShortInteger(reader, field));
}

function readNothing(reader: OctetReader, field: string): string {
  if (reader.peek() !== 0) throw reader.failure(field, 'no value (00)');
  reader.octet(field);
  return '';
}

/** A date in the text form of RFC 2183. */
function readDateText(reader: OctetReader, field: string): string {
  return readDate(reader, field).toUTCString();
}

/** The value of a parameter with a text name: a number, no value, a token or a quoted-string. */
export function readUntyped(reader: OctetReader, field: string): string {
  const first = reader.peek();
  if (first === 0) return readNothing(reader, field);
  return first === undefined || startsText(first) ? readTextValue(reader, field) : readNumber(reader, field);
}

export function startsText(octet: number): boolean {
  return octet >= 0x20 && octet < 0x80;
}

/**
 * The index is the code. The second code of a name (WSP 1.4) has a text-value, which is also accepted for the first one:
 * some senders write a quoted-string, whose mark is not part of the name.
 */
const wellKnown: readonly (readonly [name: string, read: ReadParameterValue])[] = [
  ['q', readQuality],
  ['charset', readCharset],
  ['level', readVersion],
  ['type', readNumber],
  ['uaprof', readTextString],
  ['name', readTextValue],
  ['filename', readTextValue],
  ['differences', readFieldName],
  ['padding', readNumber],
  ['type', readMedia],
  ['start', readTextValue],
  ['start-info', readTextValue],
  ['comment', readTextValue],
  ['domain', readTextValue],
  ['max-age', readNumber],
  ['path', readTextValue],
  ['secure', readNothing],
  ['sec', readNumber],
  ['mac', readTextValue],
  ['creation-date', readDateText],
  ['modification-date', readDateText],
  ['read-date', readDateText],
  ['size', readNumber],
  ['name', readTextValue],
  ['filename', readTextValue],
  ['start', readTextValue],
  ['start-info', readTextValue],
  ['comment', readTextValue],
  ['domain', readTextValue],
  ['path', readTextValue],
];

const since: VersionSteps = [
  [0x08, '1.1'],
  [0x0b, '1.2'],
  [0x10, '1.3'],
  [0x1d, '1.4'],
];

const CHARSET = 0x01;
const RELATED_TYPE = 0x09;
/** Names that are written by their first code, which has a text-string. */
const textCodes = new Map([
  ['name', 0x05],
  ['filename', 0x06],
  ['start', 0x0a],
  ['start-info', 0x0b],
  ['comment', 0x0c],
  ['domain', 0x0d],
  ['path', 0x0f],
]);
/** Real values have far fewer. */
const MAX_PARAMETERS = 64;

/**
 * Reads all remaining octets of `reader`. Names are in lower case; the first of repeated names is used. A malformed
 * parameter is left out with a warning.
 */
export function readParameters(reader: OctetReader, field: string): Record<string, string> {
  const parameters = new Map<string, string>();
  for (let count = 0; !reader.atEnd; count += 1) {
    if (count === MAX_PARAMETERS) throw reader.failure(field, `at most ${MAX_PARAMETERS} parameters`);
    const named = reader.onlyPadding ? undefined : reader.attempt((part) => readName(part, field));
    if (!named) break;
    const { name, read } = named.value;
    const label = `${field}, parameter ${name}`;
    const found = reader.attempt((part) => read(part, label));
    if (found?.value !== undefined && !parameters.has(name)) parameters.set(name, found.value);
    if (!found && !reader.attempt((part) => readAnyValue(part, label))) break;
  }
  reader.rest();
  return Object.fromEntries(parameters);
}

function readName(reader: OctetReader, field: string): { name: string; read: ReadParameterValue } {
  const first = reader.peek();
  if (first !== undefined && startsText(first)) {
    return { name: readTextString(reader, field).toLowerCase(), read: readUntyped };
  }
  const code = readInteger(reader, field);
  const [name, read] = wellKnown[code] ?? [`x-wsp-${code}`, readUnknown];
  return { name, read };
}

/** The value of an unknown parameter is returned in hexadecimal digits. */
function readUnknown(reader: OctetReader, field: string): string {
  return encodeHexadecimal(readAnyValue(reader, field));
}

/**
 * Writes parameters by code if possible, else as text.
 *
 * @param version of the encoding, as a version-value: newer codes are written as text.
 */
export function writeParameters(
  writer: OctetWriter,
  parameters: Readonly<Record<string, string>>,
  version = NEWEST,
): void {
  for (const [name, value] of Object.entries(parameters)) writeParameter(writer, name, value, version);
}

function writeParameter(writer: OctetWriter, name: string, value: string, version: number): void {
  const charset = name === 'charset' ? charsetMibEnum(value) : undefined;
  const textCode = textCodes.get(name);
  if (charset !== undefined) {
    writeInteger(writer.octet(CHARSET | 0x80), charset);
  } else if (name === 'type' && versionOfCode(since, RELATED_TYPE) <= version) {
    writeConstrainedMedia(writer.octet(RELATED_TYPE | 0x80), value, version);
  } else if (textCode !== undefined && versionOfCode(since, textCode) <= version && !value.startsWith('"')) {
    writeTextString(writer.octet(textCode | 0x80), value);
  } else {
    if (!isToken(name)) throw new ConfigurationError(`invalid parameter name "${name}": expected a token`);
    writeTextString(writer, name);
    writeTextValue(writer, value);
  }
}

/** Parameters of a WSP value: name and value, both well known or in text (WAP-230 8.4.2.4, table 38). */

import { ConfigurationError } from '../../errors.js';
import { encodeHexadecimal } from '../hexadecimal.js';
import { isToken } from '../token.js';
import { charsetMibEnum } from './charset.js';
import { readInteger, writeInteger } from './integers.js';
import { readMedia, writeConstrainedMedia } from './media.js';
import type { OctetReader } from './octet-reader.js';
import type { OctetWriter } from './octet-writer.js';
import {
  type ReadParameterValue,
  readCharset,
  readDateText,
  readFieldName,
  readNothing,
  readNumber,
  readQuality,
  readUntyped,
  readVersion,
  startsText,
} from './parameter-values.js';
import { readTextString, readTextValue, writeTextString, writeTextValue } from './text.js';
import { readAnyValue } from './value-length.js';
import { NEWEST, sinceVersion, type VersionSteps } from './version.js';

/** Index is the code. Where a name has two, the later one (WSP 1.4) holds a text-value. */
const wellKnown: readonly (readonly [name: string, read: ReadParameterValue])[] = [
  ['q', readQuality],
  ['charset', readCharset],
  ['level', readVersion],
  ['type', readNumber],
  ['uaprof', readTextString],
  ['name', readTextString],
  ['filename', readTextString],
  ['differences', readFieldName],
  ['padding', readNumber],
  ['type', readMedia],
  ['start', readTextString],
  ['start-info', readTextString],
  ['comment', readTextString],
  ['domain', readTextString],
  ['max-age', readNumber],
  ['path', readTextString],
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
/** Names written by code: the first code of each, a text-string. */
const textCodes = new Map([
  ['name', 0x05],
  ['filename', 0x06],
  ['start', 0x0a],
  ['start-info', 0x0b],
  ['comment', 0x0c],
  ['domain', 0x0d],
  ['path', 0x0f],
]);
/** More than any real value has; a hostile one could hold thousands. */
const MAX_PARAMETERS = 64;

/** All that is left in `reader`, names in lower case; of a name given twice the first stands. */
export function readParameters(reader: OctetReader, field: string): Record<string, string> {
  const parameters = new Map<string, string>();
  for (let count = 0; !reader.atEnd; count += 1) {
    if (count === MAX_PARAMETERS) throw reader.failure(field, `at most ${MAX_PARAMETERS} parameters`);
    const [name, value] = readParameter(reader, field);
    if (!parameters.has(name)) parameters.set(name, value);
  }
  return Object.fromEntries(parameters);
}

function readParameter(reader: OctetReader, field: string): [name: string, value: string] {
  const first = reader.peek();
  if (first !== undefined && startsText(first)) {
    const name = readTextString(reader, field).toLowerCase();
    return [name, readUntyped(reader, `${field}, parameter ${name}`)];
  }
  const code = readInteger(reader, field);
  const known = wellKnown[code];
  // An unknown one has some value all the same; its octets stand for it.
  if (!known) return [`x-wsp-${code}`, encodeHexadecimal(readAnyValue(reader, field))];
  const [name, read] = known;
  return [name, read(reader, `${field}, parameter ${name}`)];
}

/**
 * By code where there is one that holds the value, else in text.
 *
 * @param version of the encoding, as a version-value: newer codes are spelled out.
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
  } else if (name === 'type' && sinceVersion(since, RELATED_TYPE) <= version) {
    writeConstrainedMedia(writer.octet(RELATED_TYPE | 0x80), value, version);
  } else if (textCode !== undefined && sinceVersion(since, textCode) <= version) {
    writeTextString(writer.octet(textCode | 0x80), value);
  } else {
    if (!isToken(name)) throw new ConfigurationError(`a parameter's name is a token, not "${name}"`);
    writeTextString(writer, name);
    writeTextValue(writer, value);
  }
}

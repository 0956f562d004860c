/** Readers and writers for the values of MMS header fields (OMA-TS-MMS_ENC 7.3). */

import { ConfigurationError } from '../../errors.js';
import { isToken } from '../media-type.js';
import { readInteger, readShortInteger, writeLongInteger, writeShortInteger } from '../wsp/integers.js';
import { readMedia, writeConstrainedMedia } from '../wsp/media-type-codes.js';
import { hexOctet, type OctetReader, type OctetWriter } from '../wsp/octets.js';
import { readUntyped, startsText } from '../wsp/parameters.js';
import {
  readEncodedString,
  readTextString,
  writeEncodedString,
  writeTextString,
  writeTextValue,
} from '../wsp/text.js';
import {
  formatVersion,
  MAX_SECONDS,
  parseVersion,
  readDate,
  readFramed,
  readSeconds,
  writeDate,
  writeFramed,
} from '../wsp/values.js';

export interface MmsValue<T> {
  /** Undefined if the value is well-formed but unknown. */
  read(reader: OctetReader, field: string): T | undefined;
  write(writer: OctetWriter, value: T): void;
}

export const textString: MmsValue<string> = { read: readTextString, write: writeTextString };

export const encodedString: MmsValue<string> = { read: readEncodedString, write: writeEncodedString };

/** A size: a long-integer of any length. A short-integer is also read. */
export const longInteger: MmsValue<number> = { read: readInteger, write: writeLongInteger };

export const date: MmsValue<Date> = { read: readDate, write: writeDate };

/** `1.2` */
export const version: MmsValue<string> = {
  read: (reader, field) => formatVersion(readShortInteger(reader, field)),
  write: (writer, value) => writeShortInteger(writer, parseVersion(value)),
};

/** One octet: 80 and the index in `names`. */
export function enumerated<const Names extends readonly string[]>(names: Names): MmsValue<Names[number]> {
  return {
    read(reader, field) {
      const octet = reader.peek();
      if (octet === undefined || octet < 0x80) {
        const known = names.map((name, index) => `${hexOctet(0x80 + index)} ${name}`);
        throw reader.failure(field, `one octet (${known.join(', ')})`);
      }
      return names[reader.octet(field) - 0x80];
    },
    write(writer, value) {
      writer.octet(0x80 + names.indexOf(value));
    },
  };
}

export const boolean: MmsValue<boolean> = {
  read(reader, field) {
    const answer = yesOrNo.read(reader, field);
    return answer === undefined ? undefined : answer === 'yes';
  },
  write: (writer, value) => yesOrNo.write(writer, value ? 'yes' : 'no'),
};

const yesOrNo = enumerated(['yes', 'no']);

/** A point in time, relative or absolute (OMA-TS-MMS_ENC §7.3.20). */
export type MmsTime =
  | {
      /** Seconds after the PDU was received. */
      readonly seconds: number;
    }
  | {
      /** A date. */
      readonly at: Date;
    };

const ABSOLUTE = 0x80;
const RELATIVE = 0x81;

export const time: MmsValue<MmsTime> = {
  read: (reader, field) =>
    readFramed(reader, field, (value) => {
      const start = value.offset;
      const token = value.octet(field, '80 (absolute) or 81 (relative)');
      if (token !== ABSOLUTE && token !== RELATIVE) {
        throw value.failure(field, '80 (absolute) or 81 (relative)', start);
      }
      return token === RELATIVE ? { seconds: readSeconds(value, field) } : { at: readDate(value, field) };
    }),
  write: (writer, value) =>
    writeFramed(writer, (framed) => {
      if ('seconds' in value) writeLongInteger(framed.octet(RELATIVE), value.seconds);
      else writeDate(framed.octet(ABSOLUTE), value.at);
    }),
};

/**
 * The date of a time.
 * @param value a relative or absolute time.
 * @param receivedAt when the PDU was received. A time after the last possible date returns that date.
 */
export function absoluteTime(value: MmsTime, receivedAt: Date): Date {
  if ('at' in value) return value.at;
  return new Date(Math.min(receivedAt.getTime() + value.seconds * 1000, MAX_SECONDS * 1000));
}

/** From-value (OMA-TS-MMS_ENC 7.3.21). */
const ADDRESS_PRESENT = 0x80;
const INSERT_ADDRESS = 0x81;

/** Undefined if the address is hidden: the insert-address token has no meaning for a device. */
export const from: MmsValue<string> = {
  read: (reader, field) =>
    readFramed(reader, field, (value) => {
      const start = value.offset;
      const token = value.octet(field, '80 (address) or 81 (insert address)');
      if (token === INSERT_ADDRESS) return undefined;
      if (token !== ADDRESS_PRESENT) throw value.failure(field, '80 (address) or 81 (insert address)', start);
      return readEncodedString(value, field);
    }),
  write: (writer, address) =>
    writeFramed(writer, (value) => writeEncodedString(value.octet(ADDRESS_PRESENT), address)),
};

/** Requests that the MMSC inserts the sender's address, which a device may not know. */
const INSERT = 'insert-address';

/** The address, or `insert-address`. */
export const fromOrInsert: MmsValue<string> = {
  read: (reader, field) => from.read(reader, field) ?? INSERT,
  write(writer, address) {
    if (address === INSERT) writeFramed(writer, (value) => value.octet(INSERT_ADDRESS));
    else from.write(writer, address);
  },
};

/** `+15550100/TYPE=PLMN` as `+15550100`; a mail address unchanged (OMA-TS-MMS_ENC 8). */
export function displayAddress(address: string): string {
  return address.replace(/\/TYPE=[A-Za-z0-9]+$/i, '');
}

/** A part of a message that can be retrieved alone (OMA-TS-MMS_ENC §7.3.18). */
export interface ElementDescriptor {
  /** Reference to the part, its Content-Location or Content-ID. */
  readonly contentReference: string;
  /** Parameters of the part, by name. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** The one well-known parameter of table 27. Its code differs from WSP. */
const TYPE = 0x02;
const MAX_PARAMETERS = 64;

export const elementDescriptor: MmsValue<ElementDescriptor> = {
  read: (reader, field) =>
    readFramed(reader, field, (value) => ({
      contentReference: readTextString(value, field),
      parameters: readParameters(value, field),
    })),
  write: (writer, { contentReference, parameters }) =>
    writeFramed(writer, (value) => {
      writeTextString(value, contentReference);
      for (const [name, text] of Object.entries(parameters)) writeParameter(value, name, text);
    }),
};

function readParameters(reader: OctetReader, field: string): Record<string, string> {
  const parameters = new Map<string, string>();
  for (let count = 0; !reader.atEnd; count += 1) {
    if (count === MAX_PARAMETERS) throw reader.failure(field, `at most ${MAX_PARAMETERS} parameters`);
    const first = reader.peek();
    if (first !== undefined && startsText(first)) {
      const name = readTextString(reader, field).toLowerCase();
      parameters.set(name, readUntyped(reader, field));
    } else {
      const start = reader.offset;
      if (reader.octet(field) !== (TYPE | 0x80))
        throw reader.failure(field, 'a parameter (82 type, or text)', start);
      parameters.set('type', readMedia(reader, field));
    }
  }
  return Object.fromEntries(parameters);
}

function writeParameter(writer: OctetWriter, name: string, text: string): void {
  if (name === 'type') {
    writeConstrainedMedia(writer.octet(TYPE | 0x80), text);
    return;
  }
  if (!isToken(name)) throw new ConfigurationError(`invalid parameter name "${name}": expected a token`);
  writeTextString(writer, name);
  writeTextValue(writer, text);
}

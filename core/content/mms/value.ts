/** What reads and writes the value of one MMS header field. */

import { readDate, writeDate } from '../wsp/date.js';
import { readEncodedString, writeEncodedString } from '../wsp/encoded-string.js';
import { readInteger, readShortInteger, writeLongInteger, writeShortInteger } from '../wsp/integers.js';
import { hexOctet, type OctetReader } from '../wsp/octet-reader.js';
import type { OctetWriter } from '../wsp/octet-writer.js';
import { readTextString, writeTextString } from '../wsp/text.js';
import { formatVersion, parseVersion } from '../wsp/version.js';

export interface MmsValue<T> {
  /** Undefined: the value's form is right, but it is none that is known. */
  read(reader: OctetReader, field: string): T | undefined;
  write(writer: OctetWriter, value: T): void;
}

export const textString: MmsValue<string> = { read: readTextString, write: writeTextString };

export const encodedString: MmsValue<string> = { read: readEncodedString, write: writeEncodedString };

/** Sizes: a long-integer, of whatever length. A short-integer is read as well. */
export const longInteger: MmsValue<number> = { read: readInteger, write: writeLongInteger };

export const date: MmsValue<Date> = { read: readDate, write: writeDate };

/** `1.2` */
export const version: MmsValue<string> = {
  read: (reader, field) => formatVersion(readShortInteger(reader, field)),
  write: (writer, value) => writeShortInteger(writer, parseVersion(value)),
};

/** One octet from 80 on, by its place in `names`. */
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

/** The header fields of an MMS PDU, one by one: what each is called, how it is read and written. */

import type { OctetReader } from '../wsp/octet-reader.js';
import type { OctetWriter } from '../wsp/octet-writer.js';
import { type MmsFieldName, mmsFieldCode } from './field-names.js';
import type { MmsValue } from './value.js';

interface Entry<T, Required extends boolean> {
  readonly name: MmsFieldName;
  readonly required: Required;
  /** @returns undefined where the value is to be kept raw: it is none that is known, or the field came before. */
  read(reader: OctetReader, before: T | undefined): T | undefined;
  write(writer: OctetWriter, value: T): void;
}

/** In the order of writing; X-Mms-Message-Type, which every PDU starts with, is not listed. */
export type MmsLayout<Fields> = {
  readonly [K in keyof Fields]-?: Entry<Required<Fields>[K], object extends Pick<Fields, K> ? false : true>;
};

export function required<T>(name: MmsFieldName, value: MmsValue<T>): Entry<T, true> {
  return { ...single(name, value), required: true };
}

export function optional<T>(name: MmsFieldName, value: MmsValue<T>): Entry<T, false> {
  return { ...single(name, value), required: false };
}

/** A field that may stand any number of times: one for each value. */
export function repeated<T>(name: MmsFieldName, value: MmsValue<T>): Entry<readonly T[], false> {
  const { read, write } = single(name, value);
  return {
    name,
    required: false,
    read(reader, before = []) {
      const next = read(reader, undefined);
      return next === undefined ? undefined : [...before, next];
    },
    write(writer, values) {
      for (const one of values) write(writer, one);
    },
  };
}

function single<T>(name: MmsFieldName, value: MmsValue<T>): Omit<Entry<T, boolean>, 'required'> {
  return {
    name,
    read(reader, before) {
      const read = value.read(reader, name);
      return before === undefined ? read : undefined;
    },
    write: (writer, given) => value.write(writer.octet(mmsFieldCode(name) | 0x80), given),
  };
}

/** The fields of an MMS PDU as tshark prints them. */

import type { MmsTime } from '../../core/content/mms/values.js';
import type { Dissected } from './wsp-capture.js';

/** One value for each field; the last one of a repeated field. */
export function seenFields(packet: Dissected, fields: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    fields.flatMap((field) => packet.values(field).map((value) => [field, comparable(field, value)])),
  );
}

/** tshark formats a date as `Jan 24, 2024 09:48:48.000000000 UTC`. */
function comparable(field: string, value: string): string {
  return /\.(abs|date|expires)$/.test(field) ? isoDate(value) : value;
}

export function isoDate(value: string): string {
  return new Date(value.replace('.000000000', '')).toISOString();
}

/** Without undefined values. */
export function expectedFields(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([field, value]) => (value === undefined ? [] : [[field, value]])),
  );
}

/** An enumerated value: 80 plus its index. */
export function enumerated<Name extends string>(
  names: readonly Name[],
  name: Name | undefined,
): string | undefined {
  const index = name === undefined ? -1 : names.indexOf(name);
  return index < 0 ? undefined : `0x${(0x80 + index).toString(16)}`;
}

export function yesOrNo(value: boolean | undefined): string | undefined {
  return value === undefined ? undefined : value ? '0x80' : '0x81';
}

export function moment(field: string, value: MmsTime | undefined): Record<string, string> {
  if (value === undefined) return {};
  return 'at' in value
    ? { [`${field}.abs`]: value.at.toISOString() }
    : { [`${field}.rel`]: `${value.seconds}.000000000` };
}

/** A point in time, absolute or from now (OMA-TS-MMS_ENC 7.3.20): X-Mms-Expiry, X-Mms-Reply-Charging-Deadline. */

import { MAX_SECONDS, readDate, readSeconds, writeDate } from '../wsp/date.js';
import { writeLongInteger } from '../wsp/integers.js';
import { readFramed, writeFramed } from '../wsp/value-length.js';
import type { MmsValue } from './value.js';

/** `seconds` count from the moment the PDU was received. */
export type MmsTime = { readonly seconds: number } | { readonly at: Date };

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

/** The moment that a time stands for. @param receivedAt when the PDU came; what lies past the last date there is gives that date. */
export function absoluteTime(value: MmsTime, receivedAt: Date): Date {
  if ('at' in value) return value.at;
  return new Date(Math.min(receivedAt.getTime() + value.seconds * 1000, MAX_SECONDS * 1000));
}

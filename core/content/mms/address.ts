/** From-value (OMA-TS-MMS_ENC 7.3.21), and addresses as people read them. */

import { readEncodedString, writeEncodedString } from '../wsp/encoded-string.js';
import { readFramed, writeFramed } from '../wsp/value-length.js';
import type { MmsValue } from './value.js';

const ADDRESS_PRESENT = 0x80;
const INSERT_ADDRESS = 0x81;

/** Not known where the address is hidden: the token that asks the MMSC to insert it tells nothing to a device. */
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

/** In place of the sender's address: the MMSC is to insert it, since a device may not know its own. */
const INSERT = 'insert-address';

/** The address, or `insert-address`. */
export const fromOrInsert: MmsValue<string> = {
  read: (reader, field) => from.read(reader, field) ?? INSERT,
  write(writer, address) {
    if (address === INSERT) writeFramed(writer, (value) => value.octet(INSERT_ADDRESS));
    else from.write(writer, address);
  },
};

/** `+15550100/TYPE=PLMN` as `+15550100`; a mail address as it is (OMA-TS-MMS_ENC 8). */
export function displayAddress(address: string): string {
  return address.replace(/\/TYPE=[A-Za-z0-9]+$/i, '');
}

/**
 * Wire fixtures: hexadecimal files, named by their section of the wire-format reference. `lenient` ones have a malformed
 * part that costs only itself.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { readUintvar } from '../../core/content/wsp/integers.js';
import { OctetReader } from '../../core/content/wsp/octets.js';

export type FixtureKind = 'valid' | 'lenient' | 'broken';

const folder = new URL('./fixtures/', import.meta.url);

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
}

export function toHex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}

export function fixture(kind: FixtureKind, name: string): Uint8Array {
  return fromHex(readFileSync(new URL(`${kind}/${name}.hex`, folder), 'utf8'));
}

/** Names of the hexadecimal fixtures that start with `prefix`. */
export function fixtureNames(kind: FixtureKind, prefix: string): string[] {
  return readdirSync(new URL(`${kind}/`, folder))
    .filter((file) => file.startsWith(prefix) && file.endsWith('.hex'))
    .map((file) => file.replace(/\.hex$/, ''));
}

/** The body of a connectionless WSP Push PDU: TID, 06, length of the headers, headers, body. */
export function pushBody(pdu: Uint8Array): Uint8Array {
  const reader = new OctetReader(pdu, 'WSP Push');
  reader.octets(2, 'TID and type');
  reader.octets(readUintvar(reader, 'headers length'), 'headers');
  return reader.rest();
}

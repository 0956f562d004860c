/** IP packets with checksums (RFC 791, RFC 8200) for the messages of a trace. */

import ipaddr from 'ipaddr.js';

export const TCP = 6;
export const UDP = 17;
export type ProtocolNumber = typeof TCP | typeof UDP;

/** Offset of the checksum in the UDP and TCP headers (RFC 768, RFC 9293). */
const CHECKSUM_AT: Record<ProtocolNumber, number> = { [TCP]: 16, [UDP]: 6 };
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const HOPS = 64;
const IPV6_ADDRESS = 16;

/** Addresses of hosts. A host that the trace names by its domain name gets an address of 192.0.2.0/24 (RFC 5737). */
export class HostAddresses {
  readonly #named = new Map<string, number[]>();

  of(host: string): number[] {
    if (ipaddr.isValid(host)) return ipaddr.process(host).toByteArray();
    const known = this.#named.get(host);
    if (known) return known;
    const address = [192, 0, 2, (this.#named.size % 254) + 1];
    this.#named.set(host, address);
    return address;
  }
}

/** @param payload the header of UDP or TCP and its data. Its checksum is written here. */
export function ipPacket(
  protocol: ProtocolNumber,
  from: readonly number[],
  to: readonly number[],
  payload: Buffer,
): Buffer {
  const six = from.length === IPV6_ADDRESS || to.length === IPV6_ADDRESS;
  const ends = Buffer.from([...(six ? mapped(from) : from), ...(six ? mapped(to) : to)]);
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(payload.length, 0);
  pseudo.writeUInt32BE(protocol, 4);
  const sum = checksum(Buffer.concat([ends, pseudo, payload]));
  // RFC 768: zero means that there is no checksum, so a checksum of zero is sent as 0xffff.
  payload.writeUInt16BE(sum === 0 ? 0xffff : sum, CHECKSUM_AT[protocol]);
  const header = six
    ? ipv6Header(protocol, ends, payload.length)
    : ipv4Header(protocol, ends, payload.length);
  return Buffer.concat([header, payload]);
}

function ipv4Header(protocol: ProtocolNumber, ends: Buffer, length: number): Buffer {
  const header = Buffer.alloc(IPV4_HEADER);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(IPV4_HEADER + length, 2);
  header.writeUInt8(HOPS, 8);
  header.writeUInt8(protocol, 9);
  ends.copy(header, 12);
  header.writeUInt16BE(checksum(header), 10);
  return header;
}

function ipv6Header(protocol: ProtocolNumber, ends: Buffer, length: number): Buffer {
  const header = Buffer.alloc(IPV6_HEADER);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(length, 4);
  header.writeUInt8(protocol, 6);
  header.writeUInt8(HOPS, 7);
  ends.copy(header, 8);
  return header;
}

/** An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), for a packet between the two families. */
function mapped(address: readonly number[]): readonly number[] {
  return address.length === IPV6_ADDRESS
    ? address
    : [...new Array<number>(10).fill(0), 0xff, 0xff, ...address];
}

/** RFC 1071: ones' complement of the ones' complement sum of 16-bit words. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  if (bytes.length % 2 === 1) sum += bytes.readUInt8(bytes.length - 1) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

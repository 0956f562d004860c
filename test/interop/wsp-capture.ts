/** A capture of WSP Push PDUs over UDP, which tshark dissects. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerCommand } from '../support/programs/peers.js';

/** WAP Push, connectionless (IANA wap-push). */
const WAP_PUSH_PORT = 2948;
const GATEWAY_PORT = 9200;
/** Packets start at the IP header. */
const LINKTYPE_RAW = 101;

/** @returns one connectionless Push PDU: TID, 06, length of the headers, content type by code, body */
export function pushPdu(transactionId: number, contentType: number, body: Uint8Array): Uint8Array {
  return Uint8Array.of(transactionId, 0x06, 1, contentType | 0x80, ...body);
}

export interface Dissected {
  /** Values of a field anywhere in the packet, as tshark prints them. */
  values(field: string): string[];
  /** The errors that tshark reports in the packet. */
  malformed: string[];
}

/** The packets that tshark decodes from the PDUs. */
export function dissect(pdus: readonly Uint8Array[]): Dissected[] {
  const packets: unknown = JSON.parse(tsharkJson(capture(pdus)));
  if (!Array.isArray(packets)) throw new Error('tshark gave no packets');
  return packets.map((packet) => {
    const found = new Map<string, string[]>();
    collect(packet, found);
    return {
      values: (field) => found.get(field) ?? [],
      malformed: [...found.keys()].filter((key) => key.includes('malformed')),
    };
  });
}

/** Uses a file, because Node.js passes standard input to a child as a socket, which tshark does not read. */
function tsharkJson(pcap: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'sip-push-tshark-'));
  try {
    const file = join(folder, 'capture.pcap');
    writeFileSync(file, pcap);
    const run = spawnSync(peerCommand('tshark'), ['-r', file, '-T', 'json', '--no-duplicate-keys'], {
      maxBuffer: 256 << 20,
      // Dates in UTC, whatever the time zone of the machine.
      env: { ...process.env, TZ: 'UTC' },
    });
    if (run.status !== 0) throw new Error(`tshark ended with ${run.status}: ${run.stderr}`);
    return run.stdout.toString();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function collect(node: unknown, found: Map<string, string[]>): void {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    const values = found.get(key) ?? [];
    if (typeof value === 'string') values.push(value);
    else if (Array.isArray(value)) values.push(...value.filter((item) => typeof item === 'string'));
    found.set(key, values);
    collect(value, found);
  }
}

function capture(pdus: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(0xffff, 16);
  header.writeUInt32LE(LINKTYPE_RAW, 20);
  return Buffer.concat([header, ...pdus.map(packet)]);
}

function packet(pdu: Uint8Array, second: number): Buffer {
  const record = Buffer.alloc(16 + 20 + 8);
  const length = 20 + 8 + pdu.length;
  record.writeUInt32LE(second, 0);
  record.writeUInt32LE(length, 8);
  record.writeUInt32LE(length, 12);
  // IPv4, no options, UDP, loopback to loopback.
  record.writeUInt8(0x45, 16);
  record.writeUInt16BE(length, 18);
  record.writeUInt8(64, 24);
  record.writeUInt8(17, 25);
  record.set([127, 0, 0, 1, 127, 0, 0, 1], 28);
  record.writeUInt16BE(GATEWAY_PORT, 36);
  record.writeUInt16BE(WAP_PUSH_PORT, 38);
  record.writeUInt16BE(8 + pdu.length, 40);
  return Buffer.concat([record, pdu]);
}

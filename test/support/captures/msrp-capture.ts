/**
 * The MSRP frames of a capture, as tshark sees them.
 *
 * tshark 4.0 reassembles a frame from several TCP segments, but reads only the first of several frames in one segment.
 * So the streams are split into frames here by the end-line alone (RFC 4975 §7.1), and each frame is dissected
 * separately. The dissector counts the end-line as part of the body. It rejects a `;` within the first octets of a body,
 * and ends the body at a line that starts with seven hyphens: captured content must contain neither.
 */

import { rm, writeFile } from 'node:fs/promises';
import { FAULT_FIELDS, isMalformed, readFields } from './dissection.js';

/** A frame as dissected by tshark. */
export interface DissectedFrame {
  /** Recognized protocols, such as `msrp:data`. */
  protocols: string;
  method: string;
  status: string;
  /** Transaction identifiers in the start line and the end-line; equal in a valid frame. */
  transactionIds: string[];
  messageId: string;
  byteRange: string;
  contentType: string;
  flag: string;
  /** Size of the body in bytes. */
  bytes: number;
  malformed: boolean;
}

const FIELDS = [
  ...['frame.protocols', 'msrp.method', 'msrp.status.code', 'msrp.transaction.id', 'msrp.messageid'],
  ...['msrp.byte.range', 'msrp.content.type', 'msrp.cnt.flg', 'data.len'],
  ...FAULT_FIELDS,
] as const;

/** @param file a capture. @param port TCP port with MSRP in both directions. */
export async function dissectMsrp(file: string, port: number): Promise<DissectedFrame[]> {
  const pdus = `${file}.msrp.pcap`;
  try {
    const frames = [...(await streamsOf(file, port)).values()].flatMap(framesOf);
    await writeFile(pdus, exportedPdus(frames));
    const rows = await readFields(pdus, 'frame', FIELDS, []);
    if (rows.length !== frames.length)
      throw new Error(`tshark read ${rows.length} of ${frames.length} frames`);
    return rows.map(([, ...values]) => {
      const field = (name: (typeof FIELDS)[number]) => values[FIELDS.indexOf(name)] ?? '';
      const transactionIds = field('msrp.transaction.id').split(',');
      const body = Number(field('data.len'));
      return {
        protocols: field('frame.protocols'),
        method: field('msrp.method'),
        status: field('msrp.status.code'),
        transactionIds,
        messageId: field('msrp.messageid'),
        byteRange: field('msrp.byte.range'),
        contentType: field('msrp.content.type'),
        flag: field('msrp.cnt.flg'),
        bytes: body > 0 ? body - endLineLength(transactionIds[0] ?? '') : 0,
        malformed: isMalformed(field),
      };
    });
  } finally {
    await rm(pdus, { force: true });
  }
}

/** The bytes sent by each end of each connection, in order. */
async function streamsOf(file: string, port: number): Promise<Map<string, Buffer>> {
  const names = ['tcp.stream', 'tcp.srcport', 'tcp.seq', 'tcp.payload'];
  const segments = new Map<string, Map<number, Buffer>>();
  for (const [, stream, from, seq, payload = ''] of await readFields(
    file,
    `tcp.port == ${port} && tcp.len > 0`,
    names,
    [],
  )) {
    const key = `${stream} ${from}`;
    const parts = segments.get(key) ?? new Map<number, Buffer>();
    // A repeated sequence number is a retransmission.
    parts.set(Number(seq), Buffer.from(payload, 'hex'));
    segments.set(key, parts);
  }
  return new Map(Array.from(segments, ([key, parts]) => [key, joined(key, parts)]));
}

function joined(key: string, parts: ReadonlyMap<number, Buffer>): Buffer {
  // tshark counts from 1, after the SYN.
  let expected = 1;
  const inOrder = [...parts].sort(([one], [other]) => one - other);
  for (const [seq, bytes] of inOrder) {
    if (seq !== expected) throw new Error(`${key}: missing in the capture: bytes ${expected} to ${seq}`);
    expected += bytes.length;
  }
  return Buffer.concat(inOrder.map(([, bytes]) => bytes));
}

function framesOf(stream: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const id = /^MSRP (\S+) /.exec(stream.toString('latin1', at, at + 80))?.[1];
    if (id === undefined)
      throw new Error(`invalid start of a frame: ${stream.toString('latin1', at, at + 40)}`);
    const line = stream.indexOf(`\r\n-------${id}`, at);
    const end = line + endLineLength(id);
    if (line < 0 || end > stream.length) throw new Error(`frame ${id} is not complete`);
    frames.push(stream.subarray(at, end));
    at = end;
  }
  return frames;
}

/** CRLF, hyphens, identifier, flag, CRLF. */
function endLineLength(id: string): number {
  return 2 + 7 + id.length + 1 + 2;
}

/** A pcap file with Wireshark's link type for exported PDUs: the name of a dissector, then the PDU. */
function exportedPdus(frames: readonly Buffer[]): Buffer {
  const LINKTYPE_WIRESHARK_UPPER_PDU = 252;
  const DISSECTOR_NAME = 12;
  const head = Buffer.alloc(24);
  head.writeUInt32BE(0xa1b2c3d4, 0);
  head.writeUInt16BE(2, 4);
  head.writeUInt16BE(4, 6);
  head.writeUInt32BE(0x40000, 16);
  head.writeUInt32BE(LINKTYPE_WIRESHARK_UPPER_PDU, 20);
  const tags = Buffer.concat([Buffer.of(0, DISSECTOR_NAME, 0, 4), Buffer.from('msrp'), Buffer.alloc(4)]);
  const records = frames.map((frame) => {
    const record = Buffer.alloc(16);
    record.writeUInt32BE(tags.length + frame.length, 8);
    record.writeUInt32BE(tags.length + frame.length, 12);
    return Buffer.concat([record, tags, frame]);
  });
  return Buffer.concat([head, ...records]);
}

/**
 * Writes a trace as a capture for Wireshark (pcap, link type RAW). A trace has no packets: IP, UDP and TCP headers are
 * generated for its messages. Messages over TLS or WebSocket appear as messages over TCP.
 */

import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ConfigurationError } from '../../core/errors.js';
import type { Address } from '../../core/platform/sockets.js';
import { reasonOf } from '../../core/text.js';
import { HostAddresses, ipPacket, type ProtocolNumber, TCP, UDP } from './ip-packet.js';
import type { TracedEvent, TracedMessage } from './read-trace.js';

const MAGIC = 0xa1b2c3d4;
/** Packets that start with their IP header. */
const LINKTYPE_RAW = 101;
const SNAPSHOT_LENGTH = 262_144;
/** Octets of data in one segment: an IP packet has at most 65535 with its headers. */
const SEGMENT = 60_000;
const UDP_HEADER = 8;
const TCP_HEADER = 20;
const FLAGS = { syn: 0x02, ack: 0x10, push: 0x18, synAck: 0x12 } as const;
const WINDOW = 65_535;

/** @throws ConfigurationError if the file cannot be written; the error of `entries`, after the entries before it. */
export async function writePcap(
  file: string,
  entries: AsyncIterable<TracedMessage | TracedEvent>,
): Promise<void> {
  // Pushes and identities are private.
  const stream = createWriteStream(file, { mode: 0o600 });
  let broken: { error: unknown } | undefined;
  async function* readable() {
    try {
      yield* entries;
    } catch (error) {
      broken = { error };
    }
  }
  try {
    await pipeline(pcap(readable()), stream);
  } catch (error) {
    throw new ConfigurationError(`cannot write ${file}: ${reasonOf(error)}`, { cause: error });
  }
  if (broken) throw broken.error;
}

async function* pcap(entries: AsyncIterable<TracedMessage | TracedEvent>): AsyncGenerator<Buffer> {
  yield fileHeader();
  const packets = new Packets();
  for await (const entry of entries) {
    if ('event' in entry) continue;
    for (const packet of packets.of(entry)) yield record(entry.time, packet);
  }
}

function fileHeader(): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt16BE(2, 4);
  header.writeUInt16BE(4, 6);
  header.writeUInt32BE(SNAPSHOT_LENGTH, 16);
  header.writeUInt32BE(LINKTYPE_RAW, 20);
  return header;
}

function record(time: number, packet: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32BE(Math.floor(time / 1000), 0);
  header.writeUInt32BE((time % 1000) * 1000, 4);
  header.writeUInt32BE(packet.length, 8);
  header.writeUInt32BE(packet.length, 12);
  return Buffer.concat([header, packet]);
}

/** Octets that each end of a connection has sent. */
interface Sent {
  in: number;
  out: number;
}

class Packets {
  readonly #hosts = new HostAddresses();
  readonly #connections = new Map<string, Sent>();

  of({ direction, transport, local, remote, bytes }: TracedMessage): Buffer[] {
    const path: Path = direction === 'out' ? { from: local, to: remote } : { from: remote, to: local };
    if (transport === 'UDP') return [this.#packet(UDP, path, Buffer.concat([udpHeader(path, bytes), bytes]))];
    const name = JSON.stringify([local.host, local.port, remote.host, remote.port]);
    const known = this.#connections.get(name);
    const sent = known ?? { in: 1, out: 1 };
    this.#connections.set(name, sent);
    // A trace does not contain which end opened the connection. The end that sends first is assumed.
    const opening = known ? [] : this.#handshake(path);
    const back = direction === 'out' ? sent.in : sent.out;
    const segments: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += SEGMENT) {
      const piece = bytes.subarray(at, at + SEGMENT);
      segments.push(this.#segment(path, FLAGS.push, sent[direction], back, piece));
      sent[direction] += piece.length;
    }
    return [...opening, ...segments];
  }

  #handshake(path: Path): Buffer[] {
    const back: Path = { from: path.to, to: path.from };
    return [
      this.#segment(path, FLAGS.syn, 0, 0),
      this.#segment(back, FLAGS.synAck, 0, 1),
      this.#segment(path, FLAGS.ack, 1, 1),
    ];
  }

  #segment(path: Path, flags: number, sequence: number, acknowledged: number, data = new Uint8Array(0)) {
    const header = Buffer.alloc(TCP_HEADER);
    header.writeUInt16BE(path.from.port, 0);
    header.writeUInt16BE(path.to.port, 2);
    header.writeUInt32BE(sequence % 2 ** 32, 4);
    header.writeUInt32BE(acknowledged % 2 ** 32, 8);
    header.writeUInt8((TCP_HEADER / 4) << 4, 12);
    header.writeUInt8(flags, 13);
    header.writeUInt16BE(WINDOW, 14);
    return this.#packet(TCP, path, Buffer.concat([header, data]));
  }

  #packet(protocol: ProtocolNumber, { from, to }: Path, payload: Buffer): Buffer {
    return ipPacket(protocol, this.#hosts.of(from.host), this.#hosts.of(to.host), payload);
  }
}

interface Path {
  from: Address;
  to: Address;
}

function udpHeader({ from, to }: Path, data: Uint8Array): Buffer {
  const header = Buffer.alloc(UDP_HEADER);
  header.writeUInt16BE(from.port, 0);
  header.writeUInt16BE(to.port, 2);
  header.writeUInt16BE(UDP_HEADER + data.length, 4);
  return header;
}

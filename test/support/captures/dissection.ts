/** Dissects a capture with tshark, an independent implementation: reads fields and finds malformed SIP. */

import { peerCommand } from '../programs/peers.js';
import { runProcess } from '../programs/process.js';

// PI_ERROR and PI_MALFORMED in Wireshark's expert information.
const ERROR = 0x00800000;
const MALFORMED = 0x07000000;
// CRLF CRLF (RFC 5626 3.5.1), after the UDP header.
const LONGEST_KEEP_ALIVE = 4;
const UDP_HEADER = 8;

/** Protocols of the ports in a capture. A port may be in several lists. */
export interface Ports {
  /** SIP over UDP or TCP. */
  sip: readonly number[];
  /** SIP in WebSocket, after an HTTP upgrade. */
  websocket?: readonly number[];
  /** MSRP over TCP, for msrp-capture.ts to read. */
  msrp?: readonly number[];
}

export interface MalformedFrame {
  frame: number;
  /** The problem, and the dissected frame. */
  reason: string;
}

/** For each frame that matches the display filter: its number, then the fields, with multiple values joined by commas. */
export async function readFields(
  file: string,
  filter: string,
  names: readonly string[],
  decodeAs: readonly string[],
  preferences: readonly string[] = [],
): Promise<string[][]> {
  const { code, stdout, stderr } = await runProcess(peerCommand('tshark'), [
    ...['-n', '-r', file, '-Y', filter],
    // Bodies are not dissected, because tests send arbitrary octets as MMS.
    ...['--disable-protocol', 'mmse'],
    ...decodeAs.flatMap((rule) => ['-d', rule]),
    ...preferences.flatMap((preference) => ['-o', preference]),
    ...['-T', 'fields', '-E', 'separator=/t', '-e', 'frame.number'],
    ...names.flatMap((name) => ['-e', name]),
  ]);
  if (code !== 0) throw new Error(`tshark: ${stderr}`);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

export function asSip(ports: Ports): string[] {
  return ports.sip.flatMap((port) => [`udp.port==${port},sip`, `tcp.port==${port},sip`]);
}

function asWebSocket({ websocket = [] }: Ports): string[] {
  return websocket.map((port) => `tcp.port==${port},http`);
}

/**
 * Frames in which tshark reports malformed SIP, or finds no SIP where it is expected.
 *
 * @param filter a display filter that selects frames
 */
export async function findMalformed(file: string, ports: Ports, filter: string): Promise<MalformedFrame[]> {
  const inWebSocket = ports.websocket ? await readFrames(file, 'http || websocket', asWebSocket(ports)) : [];
  const streams = new Set(inWebSocket.map((frame) => frame.tcpStream));
  const { msrp = [] } = ports;
  const notMsrp = msrp.map((port) => ` && !(tcp.port == ${port})`).join('');
  const plain = (await readFrames(file, `(udp || tcp) && !icmp && ${filter}${notMsrp}`, asSip(ports))).filter(
    (frame) => frame.tcpStream === '' || !streams.has(frame.tcpStream),
  );
  return [...plain, ...inWebSocket.filter((frame) => !frame.has('http') || frame.has('websocket'))].flatMap(
    (frame) => {
      const reason = problemOf(frame);
      return reason === undefined ? [] : [{ frame: frame.number, reason: `${reason} (${frame.summary})` }];
    },
  );
}

/** tshark's dissector is lenient: often a malformed part only lacks its fields. */
function problemOf(frame: Frame): string | undefined {
  if (frame.malformed) return `malformed: ${frame.expertMessage}`;
  if (frame.has('sip') && frame.startLine === '' && frame.payloadLength > LONGEST_KEEP_ALIVE)
    return 'no start line';
  if (frame.startLine !== '' && frame.missing.length > 0) {
    return `missing or malformed: ${frame.missing.join(', ')}`;
  }
  if (frame.has('udp') && !frame.has('sip') && frame.payloadLength > LONGEST_KEEP_ALIVE) return 'no SIP';
  return undefined;
}

/** Fields that `isMalformed` asks for. */
export const FAULT_FIELDS = ['_ws.malformed', '_ws.expert.severity', '_ws.expert.group'] as const;

/** Whether tshark reports a malformed frame or an error. */
export function isMalformed(field: (name: (typeof FAULT_FIELDS)[number]) => string): boolean {
  const numbers = (text: string) => text.split(',').map(Number);
  return (
    field('_ws.malformed') !== '' ||
    numbers(field('_ws.expert.severity')).some((severity) => severity >= ERROR) ||
    numbers(field('_ws.expert.group')).includes(MALFORMED)
  );
}

interface Frame {
  number: number;
  has(protocol: string): boolean;
  summary: string;
  startLine: string;
  /** Headers that are mandatory in every message (RFC 3261 §8.1.1). */
  missing: string[];
  malformed: boolean;
  expertMessage: string;
  payloadLength: number;
  tcpStream: string;
}

const FIELDS = [
  'frame.protocols',
  '_ws.col.Info',
  ...FAULT_FIELDS,
  '_ws.expert.message',
  'udp.length',
  'tcp.len',
  'tcp.stream',
  'sip.Request-Line',
  'sip.Status-Line',
  'sip.Via.branch',
  'sip.from.addr',
  'sip.to.addr',
  'sip.Call-ID',
  'sip.CSeq.method',
] as const;

async function readFrames(file: string, filter: string, decodeAs: readonly string[]): Promise<Frame[]> {
  const rows = await readFields(file, filter, FIELDS, decodeAs);
  return rows.map(([number, ...values]) => {
    const field = (name: (typeof FIELDS)[number]) => values[FIELDS.indexOf(name)] ?? '';
    const protocols = new Set(field('frame.protocols').split(':'));
    const udpLength = Number(field('udp.length'));
    return {
      number: Number(number),
      has: (protocol) => protocols.has(protocol),
      summary: field('_ws.col.Info').trim(),
      startLine: field('sip.Request-Line') || field('sip.Status-Line'),
      missing: FIELDS.slice(FIELDS.indexOf('sip.Via.branch')).filter((name) => field(name) === ''),
      malformed: isMalformed(field),
      expertMessage: field('_ws.expert.message'),
      payloadLength: udpLength > 0 ? udpLength - UDP_HEADER : Number(field('tcp.len')),
      tcpStream: field('tcp.stream'),
    };
  });
}

/** a=accept-types and a=accept-wrapped-types (RFC 4975 8.6, 9): media types, ranges (`image/*`), or `*`. */

import { ConfigurationError, MalformedError } from '../errors.js';
import {
  type Attributes,
  MAX_PATH,
  type MediaLine,
  type MediaSection,
  newOrigin,
  parseDescription,
  writeDescription,
} from './description.js';
import { type FileDescription, readFile } from './file-description.js';

/** A parameter's value may be quoted, with blanks in it. */
const ENTRY = /(?:[^\s"]|"[^"]*")+/g;
const WRITABLE = /^(?:[!#-~]|"[ !#-~]*")+$/;

/** As written, in the order of preference. */
export function parseAcceptTypes(value: string): string[] {
  return value.match(ENTRY) ?? [];
}

/** @throws ConfigurationError */
export function formatAcceptTypes(types: readonly string[]): string {
  for (const type of types) {
    if (!WRITABLE.test(type)) {
      throw new ConfigurationError(`accept-types: ${JSON.stringify(type)} is no media type or range`);
    }
  }
  // RFC 4975 9: everything is `*` here, not `*/*` as in Accept.
  return types.map((type) => (type === '*/*' ? '*' : type)).join(' ');
}

/**
 * Whether a list has `type` in it. Case and parameters do not count. Of accept-types: as a message of its own; of
 * accept-wrapped-types: inside a container that accept-types has (RFC 4975 8.6).
 */
export function acceptsType(acceptTypes: readonly string[], type: string): boolean {
  const wanted = essence(type);
  if (!wanted.includes('/')) return false;
  return acceptTypes.map(essence).some((range) => {
    if (range === '*' || range === '*/*' || range === wanted) return true;
    return range.endsWith('/*') && wanted.startsWith(range.slice(0, -1));
  });
}

function essence(type: string): string {
  return (type.split(';', 1)[0] ?? '').trim().toLowerCase();
}

/** One m= line for MSRP, as either end describes it (RFC 4975 8, RFC 4145, RFC 8122). */

/**
 * RFC 4975 8.1. There is none for WebSocket: RFC 7977 registers a transport of MSRP URIs (`…;ws`) and no protocol of
 * SDP, as RFC 8857 does for BFCP. What the first URI of the path says counts.
 */
export type MsrpProtocol = 'TCP/MSRP' | 'TCP/TLS/MSRP';

/** RFC 4145 4. */
export type Setup = 'active' | 'passive' | 'actpass' | 'holdconn';

/** RFC 3264 5.1, of whoever wrote it. */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export interface MsrpMedia extends MediaLine {
  type: 'message';
  protocol: MsrpProtocol;
  /** Of the c= line: IPv4, IPv6 or a name. Empty when the port is 0 and there is none. */
  host: string;
  /** MSRP URIs, the next hop first, the end last. Empty only when the port is 0. */
  path: readonly string[];
  /** Media types, ranges, or `*`; empty when nothing is said. */
  acceptTypes: readonly string[];
  /** What is taken inside a container only (RFC 4975 8.6). */
  acceptWrappedTypes: readonly string[];
  direction: Direction;
  setup?: Setup;
  /** Bytes of a message. */
  maxSize?: number;
  /** `sha-256 4A:AD:…`, of the certificate. */
  fingerprints: readonly string[];
  /** i=: of the file, for people. */
  description?: string;
  file?: FileDescription;
}

const SETUPS: readonly Setup[] = ['active', 'passive', 'actpass', 'holdconn'];
const DIRECTIONS: readonly Direction[] = ['sendonly', 'recvonly', 'inactive', 'sendrecv'];
const PROTOCOL = /^TCP\/(?:TLS\/)?MSRP$/i;
const MSRP_URI = /^msrps?:\/\/[!-~]+$/i;
const FINGERPRINT = /^([a-z0-9-]{1,32})[ \t]+([0-9a-f]{2}(?::[0-9a-f]{2}){0,127})$/i;

export function isMsrp({ type, protocol }: MediaLine): boolean {
  return type.toLowerCase() === 'message' && PROTOCOL.test(protocol);
}

/** @param index of the line in its description. @throws MalformedError */
export function readMsrpMedia(section: MediaSection, index: number): MsrpMedia {
  const { port, protocol, formats, attributes, host, description } = section;
  const setup = attributes.get('setup')?.toLowerCase();
  const knownSetup = SETUPS.find((known) => known === setup);
  const maxSize = parseSize(attributes.get('max-size'));
  const media: MsrpMedia = {
    type: 'message',
    port,
    protocol: /tls/i.test(protocol) ? 'TCP/TLS/MSRP' : 'TCP/MSRP',
    formats,
    host: host ?? '',
    path: parsePath(attributes.get('path') ?? '', index),
    acceptTypes: parseAcceptTypes(attributes.get('accept-types') ?? ''),
    acceptWrappedTypes: parseAcceptTypes(attributes.get('accept-wrapped-types') ?? ''),
    direction: attributes.find(DIRECTIONS) ?? 'sendrecv',
    setup: knownSetup,
    maxSize,
    fingerprints: parseFingerprints(attributes),
    description,
  };
  const file = readFile(attributes);
  if (file) media.file = file;
  // RFC 4975 8.2, RFC 8866 5.7. A closed line is of no interest any more.
  if (port !== 0 && media.path.length === 0) throw new MalformedError(`m= line ${index + 1} has no a=path`);
  if (port !== 0 && host === undefined) throw new MalformedError(`m= line ${index + 1} has no c= line`);
  return media;
}

function parsePath(value: string, index: number): string[] {
  const uris = value === '' ? [] : value.split(/[ \t]+/);
  if (uris.length > MAX_PATH) {
    throw new MalformedError(`a=path of m= line ${index + 1} has more than ${MAX_PATH} URIs`);
  }
  if (!uris.every((uri) => MSRP_URI.test(uri))) {
    throw new MalformedError(`a=path of m= line ${index + 1} is no list of MSRP URIs`);
  }
  return uris;
}

/** One that is no number, or past counting, is no bound. */
function parseSize(value: string | undefined): number | undefined {
  const size = value !== undefined && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(size) ? size : undefined;
}

/** RFC 8122 5: there may be several. Upper-case octets; what is none is left out. */
function parseFingerprints(attributes: Attributes): string[] {
  return attributes.getAll('fingerprint').flatMap((value) => {
    const [, algorithm, octets] = FINGERPRINT.exec(value) ?? [];
    return algorithm && octets ? [`${algorithm.toLowerCase()} ${octets.toUpperCase()}`] : [];
  });
}

/** What a 488 says would be taken instead (8.2.1-01; RFC 3261 21.4.26, RFC 3264 9). */

export interface SupportedMedia {
  /** Media types, ranges, or `*`. */
  acceptTypes: readonly string[];
  /** Bytes of a message. */
  maxSize?: number;
}

/** @param supported with the address of this end. @throws ConfigurationError */
export function buildSupported({
  host,
  acceptTypes,
  maxSize,
}: SupportedMedia & { host: string }): Uint8Array {
  const attributes = [
    `accept-types:${formatAcceptTypes(acceptTypes)}`,
    ...(maxSize === undefined ? [] : [`max-size:${maxSize}`]),
    // RFC 5547 8.5: without a selector, that files may be offered.
    'file-selector',
  ];
  // RFC 3264 9: capabilities, not media: port zero.
  const media = { type: 'message', port: 0, protocol: 'TCP/MSRP', formats: '*', attributes };
  return writeDescription(newOrigin(), host, { start: 0, stop: 0 }, [media]);
}

/** Of all lines for MSRP together; undefined where there is none. @throws MalformedError */
export function parseSupported(body: Uint8Array): SupportedMedia | undefined {
  const lines = parseDescription(body).media.filter(isMsrp).map(readMsrpMedia);
  if (lines.length === 0) return undefined;
  const sizes = lines.flatMap(({ maxSize }) => maxSize ?? []);
  return {
    acceptTypes: [...new Set(lines.flatMap(({ acceptTypes }) => acceptTypes))],
    ...(sizes.length === 0 ? {} : { maxSize: Math.max(...sizes) }),
  };
}

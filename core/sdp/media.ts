/** m= lines for MSRP (RFC 4975 §8, RFC 4145, RFC 8122), and the capabilities in a 488. */

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

/** An entry of accept-types: the value of a parameter can be quoted and contain blanks. */
const ENTRY = /(?:[^\s"]|"[^"]*")+/g;
const WRITABLE = /^(?:[!#-~]|"[ !#-~]*")+$/;

/** a=accept-types or a=accept-wrapped-types (RFC 4975 §8.6): media types, ranges (`image/*`) or `*`, in order of preference. */
export function parseAcceptTypes(value: string): string[] {
  return value.match(ENTRY) ?? [];
}

/** @throws ConfigurationError */
export function formatAcceptTypes(types: readonly string[]): string {
  for (const type of types) {
    if (!WRITABLE.test(type)) {
      throw new ConfigurationError(
        `invalid accept-types ${JSON.stringify(type)}: expected a media type or range`,
      );
    }
  }
  // RFC 4975 §9: the range of all types is `*`, not `*/*` as in Accept.
  return types.map((type) => (type === '*/*' ? '*' : type)).join(' ');
}

/**
 * Whether a list contains `type`, without regard to case and parameters: accept-types for a message, accept-wrapped-types for
 * content of a container (RFC 4975 §8.6).
 */
export function acceptsType(acceptTypes: readonly string[], type: string): boolean {
  const wanted = essence(type);
  if (!wanted.includes('/')) return false;
  return acceptTypes.map(essence).some((range) => {
    if (range === '*' || range === '*/*' || range === wanted) return true;
    return range.endsWith('/*') && wanted.startsWith(range.slice(0, -1));
  });
}

/** The container that MSRP endpoints use (RFC 4975 §8.6). */
const CONTAINER = 'message/cpim';

/**
 * The types of content that a line carries: by itself, or in a container (RFC 4975 §8.6). `contained`: some are in a container.
 */
export function carriedTypes({
  acceptTypes,
  acceptWrappedTypes,
}: Pick<MsrpMedia, 'acceptTypes' | 'acceptWrappedTypes'>): { types: readonly string[]; contained: boolean } {
  if (acceptWrappedTypes.length === 0 || !acceptsType(acceptTypes, CONTAINER)) {
    return { types: acceptTypes, contained: false };
  }
  const direct = acceptTypes.filter((type) => essence(type) !== CONTAINER);
  return { types: [...direct, ...acceptWrappedTypes], contained: true };
}

function essence(type: string): string {
  return (type.split(';', 1)[0] ?? '').trim().toLowerCase();
}

/**
 * RFC 4975 §8.1. RFC 7977 registers no protocol of SDP for WebSocket (RFC 8857 does for BFCP): the transport of the first URI
 * in the path (`…;ws`) selects it.
 */
export type MsrpProtocol = 'TCP/MSRP' | 'TCP/TLS/MSRP';

/** RFC 4145 §4. */
export type Setup = 'active' | 'passive' | 'actpass' | 'holdconn';

/** RFC 3264 §5.1, for the writer of the line. */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export interface MsrpMedia extends MediaLine {
  type: 'message';
  protocol: MsrpProtocol;
  /** From the c= line: IPv4, IPv6 or a name. Empty if the port is 0 and there is none. */
  host: string;
  /** MSRP URIs, the next hop first, the end last. Empty only if the port is 0. */
  path: readonly string[];
  /** Media types, ranges, or `*`; empty without a=accept-types. */
  acceptTypes: readonly string[];
  /** Types that are accepted inside a container only (RFC 4975 §8.6). */
  acceptWrappedTypes: readonly string[];
  direction: Direction;
  setup?: Setup;
  /** The largest message, in bytes. */
  maxSize?: number;
  /** Fingerprints of the certificate, `sha-256 4A:AD:…`. */
  fingerprints: readonly string[];
  /** i=: a description of the file for people. */
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

/** @param index the index of the line in its description. @throws MalformedError */
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
  // RFC 4975 §8.2, RFC 8866 §5.7. A closed line needs neither.
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
    throw new MalformedError(`invalid a=path of m= line ${index + 1}: expected MSRP URIs`);
  }
  return uris;
}

/** An invalid or unsafe number is ignored. */
function parseSize(value: string | undefined): number | undefined {
  const size = value !== undefined && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(size) ? size : undefined;
}

/** There can be several (RFC 8122 §5), in upper case; invalid ones are ignored. */
function parseFingerprints(attributes: Attributes): string[] {
  return attributes.getAll('fingerprint').flatMap((value) => {
    const [, algorithm, octets] = FINGERPRINT.exec(value) ?? [];
    return algorithm && octets ? [`${algorithm.toLowerCase()} ${octets.toUpperCase()}`] : [];
  });
}

/** The capabilities in a 488 (8.2.1-01; RFC 3261 §21.4.26, RFC 3264 §9). */
export interface SupportedMedia {
  /** Media types, ranges, or `*`. */
  acceptTypes: readonly string[];
  /** The largest message, in bytes. */
  maxSize?: number;
}

/** @throws ConfigurationError */
export function buildSupported({
  host,
  acceptTypes,
  maxSize,
}: SupportedMedia & { host: string }): Uint8Array {
  const attributes = [
    `accept-types:${formatAcceptTypes(acceptTypes)}`,
    ...(maxSize === undefined ? [] : [`max-size:${maxSize}`]),
    // RFC 5547 §8.5: an empty selector declares support for files.
    'file-selector',
  ];
  // RFC 3264 §9: port zero, because these are capabilities, not media.
  const media = { type: 'message', port: 0, protocol: 'TCP/MSRP', formats: '*', attributes };
  return writeDescription(newOrigin(), host, { start: 0, stop: 0 }, [media]);
}

/** The capabilities of all lines for MSRP; undefined if there is none. @throws MalformedError */
export function parseSupported(body: Uint8Array): SupportedMedia | undefined {
  const lines = parseDescription(body).media.filter(isMsrp).map(readMsrpMedia);
  if (lines.length === 0) return undefined;
  const sizes = lines.flatMap(({ maxSize }) => maxSize ?? []);
  return {
    acceptTypes: [...new Set(lines.flatMap(({ acceptTypes }) => acceptTypes))],
    maxSize: sizes.length === 0 ? undefined : Math.max(...sizes),
  };
}

/** What a receiver of files answers (RFC 3264 6, RFC 5547 8.2.2 and 8.3; TS 8.2.1). */

import { ConfigurationError } from '../errors.js';
import { formatAcceptTypes } from './accept-types.js';
import { type FileDescription, type FileRange, writeFile } from './file-description.js';
import { hadRange } from './had.js';
import type { MsrpMedia } from './media.js';
import type { MsrpOffer, OtherMedia } from './offer.js';
import type { Origin } from './origin.js';
import { type WrittenMedia, writeDescription } from './write.js';

export interface AnswerDescription {
  origin: Origin;
  /** Where this end is: IPv4, IPv6 or a name. */
  host: string;
  /** One for each line of the offer, in its order. */
  lines: readonly AnswerLine[];
}

export type AnswerLine =
  | AcceptingLine
  /** Port zero, and nothing else (8.2.1-04). Closed lines, and those that are not for MSRP, are refused whatever is said. */
  | { type: 'refused' }
  /** Port zero: its file has come before, whole. As refused, where the offer does not have its size and SHA-1. */
  | { type: 'had' };

/** Of an end that receives (8.2.1-06), and connects to its peer (8.2.1-08). What describes the file is the offer's. */
export interface AcceptingLine {
  type: 'accepted';
  port: number;
  path: readonly string[];
  acceptTypes: readonly string[];
  /** Bytes of a message that is taken. */
  maxSize?: number;
  /** `sha-256 4A:AD:…`, of the certificate, with TLS. */
  fingerprints?: readonly string[];
  /** What is to come of the file; absent: all that was offered. */
  range?: FileRange;
}

/** @throws ConfigurationError for what cannot be written, and when the number of lines is another than the offer's. */
export function buildAnswer(offer: MsrpOffer, { origin, host, lines }: AnswerDescription): Uint8Array {
  if (lines.length !== offer.media.length) {
    throw new ConfigurationError(`SDP: ${lines.length} lines do not answer ${offer.media.length}`);
  }
  const media = offer.media.map((offered, index) => answered(offered, lines[index] ?? { type: 'refused' }));
  // RFC 3264 6: t= is the offer's.
  return writeDescription(origin, host, offer.timing, media);
}

function answered(offered: MsrpMedia | OtherMedia, line: AnswerLine): WrittenMedia {
  const { type, protocol, formats } = offered;
  const refused = { type, port: 0, protocol, formats, attributes: [] };
  if (!('path' in offered) || offered.port === 0) return refused;
  if (line.type === 'accepted') {
    return { ...refused, port: line.port, attributes: accepting(offered, line) };
  }
  const range = line.type === 'had' ? hadRange(offered.file) : undefined;
  return range && offered.file
    ? { ...refused, attributes: writeFile(described(offered.file, range)) }
    : refused;
}

function accepting({ direction, file }: MsrpMedia, line: AcceptingLine): string[] {
  const { path, acceptTypes, maxSize, fingerprints = [], range } = line;
  return [
    // RFC 3264 6.1: an end that does not send has nothing for us to receive.
    direction === 'sendonly' || direction === 'sendrecv' ? 'recvonly' : 'inactive',
    'setup:active',
    `accept-types:${formatAcceptTypes(acceptTypes)}`,
    ...(maxSize === undefined ? [] : [`max-size:${maxSize}`]),
    `path:${path.join(' ')}`,
    ...fingerprints.map((fingerprint) => `fingerprint:${fingerprint}`),
    ...(file ? writeFile(described(file, range)) : []),
  ];
}

/** RFC 5547 8.3: the selector and the transfer are the offer's; dates say nothing to whoever has them. */
function described(
  { selector, transferId, disposition, range: offered }: FileDescription,
  asked?: FileRange,
) {
  const range = asked ?? offered;
  return {
    selector,
    ...(transferId === undefined ? {} : { transferId }),
    ...(disposition === undefined ? {} : { disposition }),
    ...(range === undefined ? {} : { range }),
  };
}

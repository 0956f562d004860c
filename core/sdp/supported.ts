/** What a 488 says would be taken instead (8.2.1-01; RFC 3261 21.4.26, RFC 3264 9). */

import { formatAcceptTypes } from './accept-types.js';
import { parseDescription } from './description.js';
import { isMsrp, readMsrpMedia } from './media.js';
import { newOrigin } from './origin.js';
import { writeDescription } from './write.js';

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

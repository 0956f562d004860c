/** Session descriptions as bytes. Nothing that is written here can begin a line of its own. */

import { type SessionDescription, write } from 'sdp-transform';
import { ConfigurationError } from '../errors.js';
import type { MediaLine, Timing } from './description.js';
import { MAX_LINE, MAX_MEDIA } from './limits.js';
import type { Origin } from './origin.js';

export interface WrittenMedia extends MediaLine {
  /** i= */
  description?: string;
  /** `name` or `name:value`, in this order. */
  attributes: readonly string[];
}

const CONTROL = /\p{Cc}/u;
const HOST = /^[0-9A-Za-z._:-]{1,255}$/;

/** @param host IPv4, IPv6 without brackets, or a name. @throws ConfigurationError */
export function writeDescription(
  { id, version }: Origin,
  host: string,
  timing: Timing,
  media: readonly WrittenMedia[],
): Uint8Array {
  if (!HOST.test(host))
    throw new ConfigurationError(`SDP: ${JSON.stringify(host)} is no address or host name`);
  if (media.length > MAX_MEDIA) {
    throw new ConfigurationError(`SDP: ${media.length} media lines; at most ${MAX_MEDIA} are written`);
  }
  const ipVer = host.includes(':') ? 6 : 4;
  const description: SessionDescription = {
    version: 0,
    origin: { username: '-', sessionId: id, sessionVersion: version, netType: 'IN', ipVer, address: host },
    // RFC 3264 5.
    name: '-',
    connection: { version: ipVer, ip: host },
    timing,
    media: media.map(({ type, port, protocol, formats, description: text, attributes }) => ({
      type: safe(type),
      port,
      protocol: safe(protocol),
      payloads: safe(formats),
      ...(text === undefined ? {} : { description: text.replace(/\p{Cc}+/gu, ' ').slice(0, MAX_LINE / 2) }),
      rtp: [],
      fmtp: [],
      // sdp-transform's place for attributes that it does not know.
      invalid: attributes.map((value) => ({ value: safe(value) })),
    })),
  };
  return new TextEncoder().encode(write(description));
}

function safe(text: string): string {
  if (CONTROL.test(text)) {
    throw new ConfigurationError(`SDP: a control character in ${JSON.stringify(text.slice(0, 200))}`);
  }
  return text;
}

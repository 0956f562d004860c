/** Builds file offers as text, and reads the answers. */

import { createHash } from 'node:crypto';
import type { SipMessage } from '../../../core/sip/message/message.js';

export const FILE = 'application/octet-stream';

/** Lines of a session description: the session level, and each m= section. */
export interface Sections {
  session: string[];
  media: string[][];
}

export function sectionsOf({ body }: Pick<SipMessage, 'body'>): Sections {
  const [session = '', ...media] = Buffer.from(body)
    .toString()
    .split(/\r\n(?=m=)/);
  const lines = (text: string) => text.split('\r\n').filter((line) => line !== '');
  return { session: lines(session), media: media.map(lines) };
}

/** The value of an attribute of an m= line. */
export function attribute(section: readonly string[] | undefined, name: string): string | undefined {
  return section?.find((line) => line.startsWith(`a=${name}:`))?.slice(name.length + 3);
}

/** A file as described in an offer. */
export interface Offered {
  content?: Uint8Array;
  type?: string;
  name?: string;
  /** Overrides the value of the content; null omits the attribute. */
  size?: number | null;
  sha1?: string | null;
  transferId?: string;
  /** Value of a=file-range. */
  range?: string;
  /** Value of a=accept-types; the media type by default. */
  acceptTypes?: string;
  /** Omits the file attributes, for a session with messages. */
  messages?: boolean;
  port?: number;
  protocol?: string;
  path?: string;
  direction?: string;
  setup?: string;
  /** Further lines, `a=…`. */
  lines?: readonly string[];
}

let serial = 0;

/** A new path `msrp://127.0.0.1:…/…;tcp`. */
export function senderPath({ port }: { port: number }, scheme = 'msrp'): string {
  return `${scheme}://127.0.0.1:${port}/sender${++serial};tcp`;
}

/** An m= section for MSRP as written by a sender (TS 8.2.2). */
export function mediaOf(at: { port: number }, offered: Offered = {}): string {
  const { type = FILE, protocol = 'TCP/MSRP', direction = 'sendonly', setup = 'passive' } = offered;
  const lines = [
    `m=message ${offered.port ?? at.port} ${protocol} *`,
    `a=${direction}`,
    `a=setup:${setup}`,
    `a=accept-types:${offered.acceptTypes ?? type}`,
    `a=path:${offered.path ?? senderPath(at)}`,
    ...(offered.messages ? [] : fileLines({ ...offered, type })),
    ...(offered.lines ?? []),
  ];
  return lines.join('\r\n');
}

export function fileLines({ content, type = FILE, name, size, sha1, transferId, range }: Offered): string[] {
  const bytes = size === undefined ? content?.length : size;
  const digest = sha1 === undefined ? content && sha1Of(content) : sha1;
  const selector = [
    ...(name === undefined ? [] : [`name:"${name}"`]),
    `type:${type}`,
    ...(bytes === undefined || bytes === null ? [] : [`size:${bytes}`]),
    ...(digest === undefined || digest === null ? [] : [`hash:sha-1:${digest}`]),
  ];
  return [
    `a=file-selector:${selector.join(' ')}`,
    ...(transferId === undefined ? [] : [`a=file-transfer-id:${transferId}`]),
    ...(range === undefined ? [] : [`a=file-range:${range}`]),
  ];
}

/** The hash in the format of a file-selector. */
export function sha1Of(content: Uint8Array): string {
  const digest = createHash('sha1').update(content).digest('hex').toUpperCase();
  return digest.replace(/..(?=.)/g, '$&:');
}

export function descriptionOf(media: readonly string[], host = '127.0.0.1', version = 1): string {
  const family = host.includes(':') ? 'IP6' : 'IP4';
  const session = [
    'v=0',
    `o=psa 1 ${version} IN ${family} ${host}`,
    's=-',
    `c=IN ${family} ${host}`,
    't=0 0',
  ];
  return `${[...session, ...media].join('\r\n')}\r\n`;
}

export function bytes(size: number, factor = 7): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * factor) % 251);
}

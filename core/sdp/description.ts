/** Bounds on what one session description may cost before anything is known of who sent it. */

import { parse, type SessionDescription, write } from 'sdp-transform';
import { ConfigurationError, MalformedError } from '../errors.js';

/** A whole body, bytes. A media line with its file takes some 700: 128 of them are 90 KB. */
export const MAX_BYTES = 262_144;

/** One line, characters, folded parts included. A file name of 255 bytes takes 765 when all are percent-encoded. */
export const MAX_LINE = 8_192;

/** Lines: 128 files with 16 lines each are 2,048. */
export const MAX_LINES = 4_096;

/** Media lines, open and closed ones (RFC 3264 8.2: a closed one stays). */
export const MAX_MEDIA = 128;

/** URIs in a path. Each is a relay: RFC 4976 knows one or two at each side. */
export const MAX_PATH = 32;

/** The lines of a session description (RFC 8866 5), with what real senders do to them. */

export interface Line {
  /** `m` of `m=…`. */
  type: string;
  value: string;
}

const LINE = /^([A-Za-z])=(.*)$/s;

/**
 * Blanks around lines, and around values, do not count. What has no `x=` goes on with the attribute above it: the
 * samples of TS appendix B.4 and of RFC 5547 9 are folded.
 * @throws MalformedError
 */
export function splitLines(body: Uint8Array): Line[] {
  if (body.length > MAX_BYTES) {
    throw new MalformedError(`SDP of ${body.length} bytes; at most ${MAX_BYTES} are read`);
  }
  // RFC 8866 5: parsers are to take a bare LF too; sdp-transform takes a bare CR.
  const texts = new TextDecoder().decode(body).split(/\r\n|[\r\n]/, MAX_LINES + 1);
  if (texts.length > MAX_LINES) throw new MalformedError(`SDP of more than ${MAX_LINES} lines`);
  const lines: Line[] = [];
  for (const [index, text] of texts.entries()) {
    if (text.length > MAX_LINE) throw tooLong(index);
    const trimmed = text.trim();
    if (trimmed !== '') addLine(lines, trimmed, index);
  }
  return lines;
}

function addLine(lines: Line[], text: string, index: number): void {
  const [, type, value = ''] = LINE.exec(text) ?? [];
  if (type !== undefined) {
    lines.push({ type: type.toLowerCase(), value: value.trim() });
    return;
  }
  const above = lines.at(-1);
  if (above?.type !== 'a') throw new MalformedError(`SDP line ${index + 1} has no type: a letter and =`);
  above.value += ` ${text}`;
  if (above.value.length > MAX_LINE) throw tooLong(index);
}

function tooLong(index: number): MalformedError {
  return new MalformedError(`SDP line ${index + 1} has more than ${MAX_LINE} characters`);
}

/** The `a=` lines of a session or of a media line. */

export class Attributes {
  readonly #values = new Map<string, string[]>();

  /** @param inherited of the session: they hold for a media line that has no such attribute of its own. */
  constructor(private readonly inherited?: Attributes) {}

  /** Of `name` or `name:value`. */
  add(text: string): void {
    const colon = text.indexOf(':');
    const name = (colon < 0 ? text : text.slice(0, colon)).trim().toLowerCase();
    // The sample of TS B.4 has `a=setup: passive`.
    const value = colon < 0 ? '' : text.slice(colon + 1).trim();
    const values = this.#values.get(name);
    if (values) values.push(value);
    else this.#values.set(name, [value]);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Which of names that exclude each other is there. */
  find<Name extends string>(names: readonly Name[]): Name | undefined {
    return names.find((name) => this.#values.has(name)) ?? this.inherited?.find(names);
  }

  /** The first; empty when the attribute has no value. */
  get(name: string): string | undefined {
    return this.getAll(name)[0];
  }

  getAll(name: string): readonly string[] {
    return this.#values.get(name) ?? this.inherited?.getAll(name) ?? [];
  }
}

/** Whose session description it is, and which one of that session (RFC 8866 5.2). */

export interface Origin {
  /** Digits; one for all descriptions that an agent writes in a session. */
  readonly id: string;
  /** From 0; RFC 3264 8: one more for each description that differs from the one before. */
  readonly version: number;
}

/** Of a new session. */
export function newOrigin(): Origin {
  // RFC 3264 5: it fits a signed integer of 64 bits; 53 of them are read without loss anywhere.
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return { id: String((high & 0x1f_ffff) * 2 ** 32 + low), version: 0 };
}

/** Of the next description in the same session. */
export function nextOrigin({ id, version }: Origin): Origin {
  return { id, version: version + 1 };
}

/**
 * A session description as RFC 8866 has it, whatever its media are. Generic lines are sdp-transform's; attributes are
 * kept as text, since it takes of one that is there twice (`fingerprint`) the last, and of a blank in one nothing.
 */

export interface Timing {
  start: number;
  stop: number;
}

/** An m= line. */
export interface MediaLine {
  /** `message` for MSRP. */
  type: string;
  /** 0: refused, or closed. */
  port: number;
  protocol: string;
  /** `*` for MSRP. */
  formats: string;
}

export interface MediaSection extends MediaLine {
  attributes: Attributes;
  /** c= of the line, or else of the session: IPv4, IPv6 or a name. */
  host: string | undefined;
  /** i= */
  description: string | undefined;
}

export interface Description {
  /** Of the o= line. */
  origin: { id: string; version: string };
  timing: Timing;
  media: MediaSection[];
}

/** sdp-transform knows no port counts (`49170/2`), and ends a protocol at a hyphen (`UDP/MBMS-FEC/RTP/AVP`). */
const MEDIA =
  /^([!-.0-~]{1,64})[ \t]+(\d{1,5})(?:\/\d{1,5})?[ \t]+([!-~]{1,64})(?:[ \t]+([!-~](?:[ -~]*[!-~])?))?$/;

/** A host name, IPv4 or IPv6; `_` is in names of containers. */
const HOST = /^[0-9A-Za-z._:-]{1,255}$/;

/** @throws MalformedError */
export function parseDescription(body: Uint8Array): Description {
  const lines = splitLines(body);
  if (lines[0]?.type !== 'v' || lines[0].value !== '0') throw new MalformedError('SDP begins with v=0');
  const { generic, media } = readSections(lines);
  const { origin, timing, connection, media: parsed } = parse(generic.join('\r\n'));
  if (!origin) throw new MalformedError('SDP has no o= line, or one that cannot be read');
  return {
    origin: { id: String(origin.sessionId), version: String(origin.sessionVersion) },
    timing: { start: seconds(timing?.start), stop: seconds(timing?.stop) },
    media: media.map(({ line, attributes }, index) => {
      const own = parsed[index];
      return {
        ...line,
        attributes,
        host: hostOf((own?.connection ?? connection)?.ip),
        description: own?.description === undefined ? undefined : String(own.description),
      };
    }),
  };
}

interface Sections {
  /** For sdp-transform. */
  generic: string[];
  media: { line: MediaLine; attributes: Attributes }[];
}

function readSections(lines: readonly Line[]): Sections {
  const session = new Attributes();
  const sections: Sections = { generic: [], media: [] };
  let attributes = session;
  for (const { type, value } of lines) {
    if (type === 'a') {
      attributes.add(value);
    } else if (type === 'm') {
      const line = parseMediaLine(value, sections.media.length);
      attributes = new Attributes(session);
      sections.media.push({ line, attributes });
      sections.generic.push(`m=${line.type} ${line.port} - *`);
    } else {
      sections.generic.push(`${type}=${value}`);
    }
  }
  return sections;
}

function parseMediaLine(value: string, index: number): MediaLine {
  if (index === MAX_MEDIA) throw new MalformedError(`SDP of more than ${MAX_MEDIA} m= lines`);
  const [, type, digits, protocol, formats = '*'] = MEDIA.exec(value) ?? [];
  const port = Number(digits);
  if (type === undefined || protocol === undefined || port > 65_535) {
    throw new MalformedError(`m= line ${index + 1} is not "type port protocol formats"`);
  }
  return { type, port, protocol, formats };
}

function hostOf(address: unknown): string | undefined {
  // RFC 8866 5.7: a multicast address has its TTL behind it. sdp-transform makes numbers of digits.
  const [host = ''] = String(address ?? '').split('/', 1);
  return HOST.test(host) ? host : undefined;
}

/** What is no number of seconds is 0: no bound (RFC 8866 5.9). */
function seconds(value: unknown): number {
  const number = Number(value);
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}

/** Session descriptions as bytes. Nothing that is written here can begin a line of its own. */

export interface WrittenMedia extends MediaLine {
  /** i= */
  description?: string;
  /** `name` or `name:value`, in this order. */
  attributes: readonly string[];
}

const CONTROL = /\p{Cc}/u;

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
      description: text === undefined ? undefined : text.replace(/\p{Cc}+/gu, ' ').slice(0, MAX_LINE / 2),
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

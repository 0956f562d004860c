/**
 * Session descriptions (RFC 8866) of any media. sdp-transform parses generic lines; attributes stay text, because
 * it keeps only the last of a repeated one (`fingerprint`), and loses one with a blank.
 */

import { parse, type SessionDescription, write } from 'sdp-transform';
import { ConfigurationError, MalformedError } from '../errors.js';

/** A body, in bytes. A media line with its file has about 700: 128 of them have 90 KB. */
export const MAX_BYTES = 262_144;

/** A line, in characters, with its folded parts. A file name of 255 bytes has 765 if all are percent-encoded. */
export const MAX_LINE = 8_192;

/** Lines: 128 files with 16 lines each have 2,048. */
export const MAX_LINES = 4_096;

/** Media lines, with closed ones, which an offer keeps (RFC 3264 §8.2). */
export const MAX_MEDIA = 128;

/** URIs in a path. Each but the last is a relay; RFC 4976 has one or two at each side. */
export const MAX_PATH = 32;

export interface Line {
  /** `m` of `m=…`. */
  type: string;
  value: string;
}

const LINE = /^([A-Za-z])=(.*)$/s;

/**
 * Blanks around lines and values are ignored. Text without `x=` continues the attribute above it, because the samples of TS
 * appendix B.4 and RFC 5547 §9 are folded.
 * @throws MalformedError
 */
export function splitLines(body: Uint8Array): Line[] {
  if (body.length > MAX_BYTES) {
    throw new MalformedError(`SDP has ${body.length} bytes: expected at most ${MAX_BYTES}`);
  }
  // RFC 8866 §5: parsers also accept a bare LF; sdp-transform accepts a bare CR.
  const texts = new TextDecoder().decode(body).split(/\r\n|[\r\n]/, MAX_LINES + 1);
  if (texts.length > MAX_LINES) throw new MalformedError(`SDP has more than ${MAX_LINES} lines`);
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
  if (above?.type !== 'a') throw new MalformedError(`invalid SDP line ${index + 1}: expected a letter and =`);
  above.value += ` ${text}`;
  if (above.value.length > MAX_LINE) throw tooLong(index);
}

function tooLong(index: number): MalformedError {
  return new MalformedError(`SDP line ${index + 1} has more than ${MAX_LINE} characters`);
}

/** The `a=` lines of a session or a media line. */
export class Attributes {
  readonly #values = new Map<string, string[]>();

  /** @param inherited attributes of the session, for those that a media line does not have. */
  constructor(private readonly inherited?: Attributes) {}

  /** Adds `name` or `name:value`. */
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

  /** The present one of names that exclude each other. */
  find<Name extends string>(names: readonly Name[]): Name | undefined {
    return names.find((name) => this.#values.has(name)) ?? this.inherited?.find(names);
  }

  /** The first value; empty for an attribute without one. */
  get(name: string): string | undefined {
    return this.getAll(name)[0];
  }

  getAll(name: string): readonly string[] {
    return this.#values.get(name) ?? this.inherited?.getAll(name) ?? [];
  }
}

export interface Origin {
  /** Digits; the same for all descriptions of a session. */
  readonly id: string;
  /** From 0; one more for each changed description (RFC 3264 §8). */
  readonly version: number;
}

/** The origin of a new session (RFC 8866 §5.2). */
export function newOrigin(): Origin {
  // RFC 3264 §5 requires a signed integer of 64 bits; every parser reads 53 bits without loss.
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return { id: String((high & 0x1f_ffff) * 2 ** 32 + low), version: 0 };
}

/** The origin of the next description in the same session. */
export function nextOrigin({ id, version }: Origin): Origin {
  return { id, version: version + 1 };
}

export interface Timing {
  start: number;
  stop: number;
}

/** An m= line. */
export interface MediaLine {
  /** `message` for MSRP. */
  type: string;
  /** 0: refused or closed. */
  port: number;
  protocol: string;
  /** `*` for MSRP. */
  formats: string;
}

export interface MediaSection extends MediaLine {
  attributes: Attributes;
  /** c= of the line or the session: IPv4, IPv6 or a name. */
  host: string | undefined;
  /** i= */
  description: string | undefined;
}

export interface Description {
  /** From the o= line. */
  origin: { id: string; version: string };
  timing: Timing;
  media: MediaSection[];
}

/** sdp-transform does not support port counts (`49170/2`), or a hyphen in a protocol (`UDP/MBMS-FEC/RTP/AVP`). */
const MEDIA =
  /^([!-.0-~]{1,64})[ \t]+(\d{1,5})(?:\/\d{1,5})?[ \t]+([!-~]{1,64})(?:[ \t]+([!-~](?:[ -~]*[!-~])?))?$/;

/** A host name, IPv4 or IPv6; names of containers can contain `_`. */
const HOST = /^[0-9A-Za-z._:-]{1,255}$/;

/** @throws MalformedError */
export function parseDescription(body: Uint8Array): Description {
  const lines = splitLines(body);
  if (lines[0]?.type !== 'v' || lines[0].value !== '0')
    throw new MalformedError('invalid SDP: expected v=0 first');
  const { generic, media } = readSections(lines);
  const { origin, timing, connection, media: parsed } = parse(generic.join('\r\n'));
  if (!origin) throw new MalformedError('SDP has no valid o= line');
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
  /** The lines for sdp-transform. */
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
  if (index === MAX_MEDIA) throw new MalformedError(`SDP has more than ${MAX_MEDIA} m= lines`);
  const [, type, digits, protocol, formats = '*'] = MEDIA.exec(value) ?? [];
  const port = Number(digits);
  if (type === undefined || protocol === undefined || port > 65_535) {
    throw new MalformedError(`invalid m= line ${index + 1}: expected "type port protocol formats"`);
  }
  return { type, port, protocol, formats };
}

function hostOf(address: unknown): string | undefined {
  // RFC 8866 §5.7: a TTL can follow the address. sdp-transform returns digits as numbers.
  const [host = ''] = String(address ?? '').split('/', 1);
  return HOST.test(host) ? host : undefined;
}

/** An invalid number of seconds is 0: no bound (RFC 8866 §5.9). */
function seconds(value: unknown): number {
  const number = Number(value);
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}

export interface WrittenMedia extends MediaLine {
  /** i= */
  description?: string;
  /** `name` or `name:value`, in order. */
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
    throw new ConfigurationError(
      `invalid host ${JSON.stringify(host)} for SDP: expected an address or a host name`,
    );
  if (media.length > MAX_MEDIA) {
    throw new ConfigurationError(`SDP has ${media.length} media lines: expected at most ${MAX_MEDIA}`);
  }
  const ipVer = host.includes(':') ? 6 : 4;
  const description: SessionDescription = {
    version: 0,
    origin: { username: '-', sessionId: id, sessionVersion: version, netType: 'IN', ipVer, address: host },
    // RFC 3264 §5.
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
      // sdp-transform writes unknown attributes from here.
      invalid: attributes.map((value) => ({ value: safe(value) })),
    })),
  };
  return new TextEncoder().encode(write(description));
}

/** Text without control characters cannot begin another line. @throws ConfigurationError */
function safe(text: string): string {
  if (CONTROL.test(text)) {
    throw new ConfigurationError(
      `invalid text for SDP ${JSON.stringify(text.slice(0, 200))}: expected no control characters`,
    );
  }
  return text;
}

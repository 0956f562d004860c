/** Bounds on what one session description may cost before anything is known of who sent it. */

import { MalformedError } from '../errors.js';

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

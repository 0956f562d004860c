/** The lines of a session description (RFC 8866 5), with what real senders do to them. */

import { MalformedError } from '../errors.js';
import { MAX_BYTES, MAX_LINE, MAX_LINES } from './limits.js';

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

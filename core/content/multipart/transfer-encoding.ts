/** Content-Transfer-Encoding of a part (RFC 2045 §6). The body is decoded when the part is read; parts are written without it. */

import { decodeLatin1 } from '../charset.js';
import { type HeaderList, headerOf, withoutHeader } from '../http-headers.js';
import { OctetWriter } from '../wsp/octets.js';

export const TRANSFER_ENCODING = 'Content-Transfer-Encoding';
/** Encodings that leave the octets as they are. */
const IDENTITIES = new Set(['', '7bit', '8bit', 'binary']);

/** Decodes the octets of a body as they arrive. */
interface TransferDecoder {
  decode(octets: Uint8Array): Uint8Array;
  /** The octets that are left at the end of the body. */
  finish(): Uint8Array;
}

const decoders = new Map<string, () => TransferDecoder>([
  ['base64', () => new Base64Decoder()],
  ['quoted-printable', () => new QuotedPrintableDecoder()],
]);

export interface TransferEncoding {
  /** Absent if the octets of the body are the content. */
  readonly decoder?: TransferDecoder;
  /** The headers that describe the decoded body. */
  readonly headers: HeaderList;
  /** Why the body is not decoded. */
  readonly problem?: string;
}

/** How the body of a part with these headers is decoded. */
export function transferEncodingOf(headers: HeaderList): TransferEncoding {
  const written = headerOf(headers, TRANSFER_ENCODING) ?? '';
  const encoding = /^[\w-]*/.exec(written.trim().toLowerCase())?.[0] ?? '';
  const decoder = decoders.get(encoding)?.();
  if (decoder) return { decoder, headers: withoutHeader(headers, TRANSFER_ENCODING) };
  if (IDENTITIES.has(encoding)) return { headers };
  return {
    headers,
    problem: `unknown ${TRANSFER_ENCODING} ${JSON.stringify(written.slice(0, 40))}: the body is not decoded`,
  };
}

/** Whether the octets of a part with these headers are its content. */
export function isPlainTransfer(headers: HeaderList): boolean {
  return IDENTITIES.has((headerOf(headers, TRANSFER_ENCODING) ?? '').trim().toLowerCase());
}

/** A whole body, decoded. A new array. */
export function decodedBody({ decoder }: TransferEncoding, octets: Uint8Array): Uint8Array {
  if (!decoder) return octets.slice();
  return new OctetWriter().octets(decoder.decode(octets)).octets(decoder.finish()).finish();
}

/** A body that arrives in pieces, decoded. @param next the next octets; undefined at the end */
export function decodedPieces(
  { decoder }: TransferEncoding,
  next: () => Promise<Uint8Array | undefined>,
): () => Promise<Uint8Array | undefined> {
  if (!decoder) return next;
  let ended = false;
  return async () => {
    while (!ended) {
      const octets = await next();
      ended = octets === undefined;
      const decoded = octets ? decoder.decode(octets) : decoder.finish();
      if (decoded.length > 0) return decoded;
    }
    return undefined;
  };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const NONE = 0xff;
const PAD = 0x3d;
const values = new Uint8Array(256).fill(NONE);
for (const [value, character] of [...ALPHABET].entries()) values[character.charCodeAt(0)] = value;

/** RFC 2045 §6.8: octets outside of the alphabet are ignored. */
class Base64Decoder implements TransferDecoder {
  #bits = 0;
  #count = 0;

  decode(octets: Uint8Array): Uint8Array {
    const decoded = new Uint8Array(Math.ceil(octets.length * 0.75) + 1);
    let length = 0;
    for (const octet of octets) {
      const value = values[octet] ?? NONE;
      // Padding ends a group of four. Some senders concatenate encoded pieces.
      if (octet === PAD) this.#count = 0;
      if (value === NONE) continue;
      this.#bits = ((this.#bits << 6) | value) & 0xffff;
      this.#count += 6;
      if (this.#count < 8) continue;
      this.#count -= 8;
      decoded[length] = this.#bits >> this.#count;
      length += 1;
    }
    return decoded.subarray(0, length);
  }

  finish(): Uint8Array {
    return new Uint8Array();
  }
}

/** Octets of an encoded line. */
const MAX_ENCODED_LINE = 76;
/** Octets of an unfinished line that wait for its end. */
const MAX_LINE = 65_536;

/** RFC 2045 §6.7: blanks at the end of a line are padding, and an invalid sequence stands for itself. */
class QuotedPrintableDecoder implements TransferDecoder {
  #line = '';

  decode(octets: Uint8Array): Uint8Array {
    const lines = (this.#line + decodeLatin1(octets)).split('\n');
    const last = lines.pop() ?? '';
    const decoded = lines.map((line) => {
      const end = line.endsWith('\r') ? '\r\n' : '\n';
      const text = withoutBlanks(end === '\n' ? line : line.slice(0, -1));
      return text.endsWith('=') ? sequences(text.slice(0, -1)) : sequences(text) + end;
    });
    this.#line = last;
    if (last.length > MAX_LINE) {
      const piece = last.slice(0, -MAX_ENCODED_LINE);
      // A sequence is not divided: the beginning of one stays with the rest.
      const open = /=[0-9A-Fa-f]?$/.exec(piece)?.[0] ?? '';
      this.#line = open + last.slice(-MAX_ENCODED_LINE);
      decoded.push(sequences(piece.slice(0, piece.length - open.length)));
    }
    return latin1Octets(decoded.join(''));
  }

  finish(): Uint8Array {
    return latin1Octets(sequences(withoutBlanks(this.#line).replace(/=$/, '')));
  }
}

function withoutBlanks(line: string): string {
  let end = line.length;
  while (line[end - 1] === ' ' || line[end - 1] === '\t') end -= 1;
  return line.slice(0, end);
}

function sequences(text: string): string {
  return text.replace(/=([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

function latin1Octets(text: string): Uint8Array {
  const octets = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) octets[at] = text.charCodeAt(at);
  return octets;
}

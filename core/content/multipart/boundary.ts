/** Boundary delimiters of MIME multipart (RFC 2046 §5.1.1). */

import { platform } from '#platform';
import { ConfigurationError, MalformedError } from '../../errors.js';
import type { MediaType } from '../content.js';

const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;
/** Blanks that a gateway can append to a boundary. */
const MAX_PADDING = 64;

export interface Delimiter {
  /** Offset of its end, where the next part starts. */
  readonly end: number;
  /** Whether it is the close delimiter. */
  readonly close: boolean;
  /** Whether its line ends with a bare LF: the multipart can be written in such lines. */
  readonly bare?: boolean;
}

type Match = Delimiter | 'open' | undefined;

/** Whether a multipart with this boundary can be read and written. */
export function isBoundary(text: string): boolean {
  return BOUNDARY.test(text);
}

export class Boundary {
  readonly #line: Uint8Array;

  private constructor(boundary: string) {
    this.#line = new TextEncoder().encode(`--${boundary}`);
  }

  /** The boundary of a received multipart. @throws MalformedError */
  static forReading({ type, parameters: { boundary = '' } }: MediaType): Boundary {
    if (BOUNDARY.test(boundary)) return new Boundary(boundary);
    throw new MalformedError(
      `${type}: invalid boundary ${JSON.stringify(boundary)}: expected 1 to 70 characters`,
    );
  }

  /** The boundary of a multipart to write. @throws ConfigurationError */
  static forWriting({ type, parameters: { boundary = '' } }: MediaType): Boundary {
    if (BOUNDARY.test(boundary)) return new Boundary(boundary);
    throw new ConfigurationError(`${type}: invalid boundary "${boundary}": expected 1 to 70 characters`);
  }

  /** The delimiter before a part. The line end before it is not included. */
  get line(): Uint8Array {
    return Uint8Array.of(...this.#line, CR, LF);
  }

  /** The close delimiter. */
  get closingLine(): Uint8Array {
    return Uint8Array.of(...this.#line, DASH, DASH, CR, LF);
  }

  /**
   * The delimiter at `offset`, which is the start of a line. A line that continues after the boundary is not a delimiter:
   * it can belong to a nested multipart.
   *
   * @param final whether no octets follow.
   * @returns `open` if the following octets decide.
   */
  at(octets: Uint8Array, offset: number, final: boolean): Match {
    const short = final ? undefined : 'open';
    for (const [index, octet] of this.#line.entries()) {
      if (offset + index >= octets.length) return short;
      if (octets[offset + index] !== octet) return undefined;
    }
    let end = offset + this.#line.length;
    if (octets[end] === DASH) {
      if (end + 1 >= octets.length) return short;
      return octets[end + 1] === DASH ? { end: end + 2, close: true } : undefined;
    }
    const padding = end + MAX_PADDING;
    while (end < padding && (octets[end] === 0x20 || octets[end] === 0x09)) end += 1;
    if (octets[end] === LF) return { end: end + 1, close: false, bare: true };
    if (end >= octets.length) return short;
    if (octets[end] !== CR) return undefined;
    if (end + 1 >= octets.length) return short;
    return octets[end + 1] === LF ? { end: end + 2, close: false } : undefined;
  }

  /**
   * The first delimiter after a line end. Octets up to `before` belong to the part. A delimiter, or the beginning of one,
   * can follow.
   *
   * @param bare whether a bare LF is a line end. In other multiparts it is content, such as a text or a picture.
   */
  find(octets: Uint8Array, final: boolean, bare: boolean): { before: number; delimiter?: Delimiter } {
    for (let at = octets.indexOf(LF); at >= 0; at = octets.indexOf(LF, at + 1)) {
      const folded = at > 0 && octets[at - 1] === CR;
      if (!folded && !bare) continue;
      const before = folded ? at - 1 : at;
      const match = this.at(octets, at + 1, final);
      if (match === 'open') return { before };
      if (match) return { before, delimiter: match };
    }
    // LF and a delimiter can follow.
    const open = !final && octets.at(-1) === CR;
    return { before: open ? octets.length - 1 : octets.length };
  }
}

/** The media type with a random boundary of 128 bits. */
export function withBoundary({ type, parameters }: MediaType): MediaType {
  return { type, parameters: { ...parameters, boundary: platform.randomHex(16) } };
}

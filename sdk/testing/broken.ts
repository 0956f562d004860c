/** Builders of broken content. */

import type { StreamBody } from './body.js';
import { turns } from './test-clock.js';

/** Turns of the event loop that content takes from a sender to an application, through the disk. */
const DELIVERY_TURNS = 100;

const encoder = new TextEncoder();

/** The first `length` bytes; half of them by default. */
export function truncated(octets: Uint8Array, length = Math.floor(octets.length / 2)): Uint8Array {
  return octets.slice(0, length);
}

/** A copy with one bit flipped, counted from the highest bit of the first byte; a bit in the middle by default. */
export function bitFlipped(octets: Uint8Array, bit = Math.floor(octets.length / 2) * 8): Uint8Array {
  // Not slice(), which does not copy a Buffer.
  const copy = Uint8Array.from(octets);
  const at = bit >> 3;
  copy[at] = (copy[at] ?? 0) ^ (0x80 >> (bit & 7));
  return copy;
}

/** All copies with one bit flipped, or every `step`th of them. */
export function* bitFlips(octets: Uint8Array, step = 1): Generator<Uint8Array> {
  for (let bit = 0; bit < octets.length * 8; bit += step) yield bitFlipped(octets, bit);
}

/** Text in UTF-16, which is not valid UTF-8. */
export function wrongCharset(text: string): Uint8Array {
  const octets = new Uint8Array(2 + text.length * 2);
  const view = new DataView(octets.buffer);
  view.setUint16(0, 0xfeff);
  for (let index = 0; index < text.length; index++) view.setUint16(2 + index * 2, text.charCodeAt(index));
  return octets;
}

/** `size` bytes, to exceed a limit. */
export function oversized(size: number): Uint8Array {
  return new Uint8Array(size).fill(0x78);
}

/** An empty body. */
export function empty(): Uint8Array {
  return new Uint8Array();
}

/**
 * `size` bytes that compress to a thousandth, so that they fit in a MESSAGE. Push it with `encoding: 'gzip'` in pager
 * mode.
 */
export function bomb(size = 500_000): Uint8Array {
  return new Uint8Array(size);
}

/** Session mode: the sender aborts the transfer after `length` bytes; half of them by default. */
export function brokenOff(octets: Uint8Array, length = Math.floor(octets.length / 2)): StreamBody {
  return {
    announced: octets,
    chunkBytes: Math.max(1, length),
    async *chunks() {
      yield octets.slice(0, length);
      // Waits until the application has received the sent part.
      await turns(DELIVERY_TURNS);
      throw new Error('the test sender aborted the transfer');
    },
  };
}

/** Session mode: the content has the announced size, and its digest does not match. */
export function corrupted(octets: Uint8Array): StreamBody {
  return {
    announced: octets,
    async *chunks() {
      yield bitFlipped(octets);
    },
  };
}

/** In session mode: `octets` are sent, `announced` were offered. */
export function wrongLength(octets: Uint8Array | string, announced: Uint8Array | string): StreamBody {
  const sent = typeof octets === 'string' ? encoder.encode(octets) : octets;
  return {
    announced: typeof announced === 'string' ? encoder.encode(announced) : announced,
    async *chunks() {
      yield sent;
    },
  };
}

/** Content whose pieces the test sends one by one. */
export interface SlowBody extends StreamBody {
  /** Sends the next piece. */
  next(): void;
  /** Sends the remaining pieces. */
  finish(): void;
}

/** Session mode: `pieces` of equal size; each is sent when `next` is called. */
export function slow(octets: Uint8Array, pieces = 4): SlowBody {
  const size = Math.max(1, Math.ceil(octets.length / pieces));
  let allowed = 0;
  let wake = () => {};
  return {
    announced: octets,
    chunkBytes: size,
    async *chunks() {
      for (let piece = 0; piece * size < octets.length; piece++) {
        while (piece >= allowed) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        yield octets.slice(piece * size, (piece + 1) * size);
      }
    },
    next() {
      allowed++;
      wake();
    },
    finish() {
      allowed = Number.POSITIVE_INFINITY;
      wake();
    },
  };
}

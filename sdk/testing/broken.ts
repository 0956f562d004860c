/** Content as applications meet it on a bad day: each builder says what is wrong with it. */

import type { StreamBody } from './body.js';
import { turns } from './test-clock.js';

/** Turns of the event loop from a sender to an application, by way of the disk. */
const TURNS_ON_THE_WAY = 100;

const encoder = new TextEncoder();

/** The first `length` octets; half of them when absent. */
export function truncated(octets: Uint8Array, length = Math.floor(octets.length / 2)): Uint8Array {
  return octets.slice(0, length);
}

/** One bit is the other, counted from the first octet's highest; one in the middle when absent. */
export function bitFlipped(octets: Uint8Array, bit = Math.floor(octets.length / 2) * 8): Uint8Array {
  const copy = octets.slice();
  const at = bit >> 3;
  copy[at] = (copy[at] ?? 0) ^ (0x80 >> (bit & 7));
  return copy;
}

/** Every copy of `octets` that has one bit flipped, or every `step`th: a parser has to end at each of them. */
export function* bitFlips(octets: Uint8Array, step = 1): Generator<Uint8Array> {
  for (let bit = 0; bit < octets.length * 8; bit += step) yield bitFlipped(octets, bit);
}

/** Text in UTF-16, whatever its media type says: no valid UTF-8. */
export function wrongCharset(text: string): Uint8Array {
  const octets = new Uint8Array(2 + text.length * 2);
  const view = new DataView(octets.buffer);
  view.setUint16(0, 0xfeff);
  for (let index = 0; index < text.length; index++) view.setUint16(2 + index * 2, text.charCodeAt(index));
  return octets;
}

/** Exactly `size` octets of the letter x: one more than a limit, say. */
export function oversized(size: number): Uint8Array {
  return new Uint8Array(size).fill(0x78);
}

/** Nothing at all. */
export function empty(): Uint8Array {
  return new Uint8Array();
}

/**
 * `size` octets that compress to a thousandth: push it with `encoding: 'gzip'`, in pager mode. That much fits a MESSAGE.
 */
export function bomb(size = 500_000): Uint8Array {
  return new Uint8Array(size);
}

/** In session mode: the sender breaks off after `length` octets; half of them when absent. */
export function brokenOff(octets: Uint8Array, length = Math.floor(octets.length / 2)): StreamBody {
  return {
    announced: octets,
    chunkBytes: Math.max(1, length),
    async *chunks() {
      yield octets.slice(0, length);
      // What has gone is there, and has been given to the application.
      await turns(TURNS_ON_THE_WAY);
      throw new Error('the sender of the test broke off');
    },
  };
}

/** In session mode: as long as was announced, and one bit is wrong, so that its digest is not the one offered. */
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

/** Content that comes as slowly as a test says. */
export interface SlowBody extends StreamBody {
  /** Lets one more piece go. */
  next(): void;
  /** Lets all the rest go. */
  finish(): void;
}

/** In session mode: `pieces` of equal size, each sent when `next` is called. */
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

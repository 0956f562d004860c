/** Content codings both ways, and what they are not allowed to do to a receiver. */

import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryContent, readAll } from '../../../core/content/content.js';
import {
  decodeStream,
  encodedContent,
  parseContentEncoding,
  RATIO_FREE,
  UnknownCodingError,
} from '../../../core/content/content-coding.js';
import { LimitError, MalformedError } from '../../../core/errors.js';
import { nestedBomb } from '../../support/bombs.js';

const TEXT = Buffer.from('<si><indication href="http://example.com/">News</indication></si>\n'.repeat(500));
const MiB = 1024 * 1024;

function chunked(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + size));
      at += size;
    },
  });
}

const unfold = (bytes: Uint8Array, codings = 'gzip', limit = 10 * MiB, size = 65_536) =>
  readAll(decodeStream(chunked(bytes, size), parseContentEncoding(codings), limit), limit);

function withWrongCheck(bytes: Buffer): Buffer {
  return bytes.fill(0, bytes.length - 8, bytes.length - 4);
}

describe('undone', () => {
  it.each([
    ['gzip', gzipSync(TEXT)],
    ['x-gzip', gzipSync(TEXT)],
    ['GZIP', gzipSync(TEXT)],
    ['deflate', deflateSync(TEXT)],
    ['deflate', deflateRawSync(TEXT)],
    ['identity', TEXT],
    ['deflate, gzip', gzipSync(deflateSync(TEXT))],
    ['', TEXT],
  ])('%s, whole and in single bytes', async (codings, bytes) => {
    expect(TEXT.equals(await unfold(bytes, codings))).toBe(true);
    expect(TEXT.equals(await unfold(bytes, codings, MiB, 1))).toBe(true);
  });

  it('nothing stays nothing', async () => {
    expect(await unfold(gzipSync(Buffer.alloc(0)))).toHaveLength(0);
  });

  it.each([
    ['cut short', gzipSync(TEXT).subarray(0, 100), 'gzip'],
    ['cut within its check', gzipSync(TEXT).subarray(0, -3), 'gzip'],
    ['of another coding', deflateSync(TEXT), 'gzip'],
    ['no code at all', TEXT, 'deflate'],
    ['empty', Buffer.alloc(0), 'gzip'],
    ['with a wrong check', withWrongCheck(gzipSync(TEXT)), 'gzip'],
  ])('%s: malformed', async (_title, bytes, coding) => {
    await expect(unfold(bytes, coding)).rejects.toThrow(MalformedError);
  });

  it('an error of the source is its own', async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new LimitError('the source has had enough')),
    });
    await expect(readAll(decodeStream(broken, ['gzip'], MiB), MiB)).rejects.toThrow(/had enough/);
  });

  it.each(['br', 'gzip, compress', 'gzip, gzip, gzip', 'gzip;q=1'])('%s is not known', (value) => {
    expect(() => parseContentEncoding(value)).toThrow(UnknownCodingError);
  });
});

describe('bounds', () => {
  it('stops at the limit, however little came in', async () => {
    await expect(unfold(gzipSync(Buffer.alloc(MiB)), 'gzip', 1000)).rejects.toThrow(LimitError);
    await expect(unfold(gzipSync(TEXT), 'gzip', TEXT.length)).resolves.toHaveLength(TEXT.length);
  });

  it('stops at the ratio, past what is harmless', async () => {
    await expect(unfold(gzipSync(Buffer.alloc(RATIO_FREE)))).resolves.toHaveLength(RATIO_FREE);
    await expect(unfold(gzipSync(Buffer.alloc(5 * MiB)))).rejects.toThrow(/more than 250 for one/);
  });

  it('a 1 MB file that unfolds to 10 GB is stopped early, in little memory', async () => {
    const bomb = nestedBomb();
    expect(bomb.length).toBeLessThan(MiB);
    // What unfolding holds lies outside the heap; the resident set would count other tests' garbage too.
    const held = () => process.memoryUsage().external;
    const before = held();
    let peak = 0;
    const source = chunked(bomb, 65_536);
    const watched = decodeStream(source, ['gzip', 'gzip'], 100 * 1024 * MiB);
    const reading = (async () => {
      for await (const _ of watched) peak = Math.max(peak, held() - before);
    })();
    await expect(reading).rejects.toThrow(LimitError);
    expect(peak).toBeLessThan(64 * MiB);
  });

  it('whoever has had enough, wherever that is, leaves nothing behind that throws', async () => {
    const uncaught: unknown[] = [];
    const note = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', note);
    const bomb = gzipSync(Buffer.alloc(20 * MiB));
    const content = memoryContent({ type: 'text/plain', parameters: {} }, bomb);
    const folded = await encodedContent(content, 'gzip');
    // Time for what reads ahead: none, some, and so much that all its buffers are full.
    const pauses = [0, 1, 50].map((turns) => async () => {
      for (let turn = 0; turn < turns; turn++) await setImmediate();
    });
    const unfolding = (limit: number) => decodeStream(chunked(bomb, 65_536), ['gzip'], limit);
    for (const pause of [promisify(process.nextTick), ...pauses]) {
      for (let chunks = 1; chunks <= 20; chunks++) {
        for (const stream of [unfolding(100 * MiB), unfolding(chunks * 16_384), folded.open()]) {
          const reader = stream.getReader();
          const read = async () => {
            for (let count = 0; count < 2 * chunks; count++) {
              await reader.read();
              await pause();
            }
          };
          await read().catch(() => {});
          await reader.cancel().catch(() => {});
        }
      }
    }
    await setImmediate();
    process.off('uncaughtException', note);
    expect(uncaught).toEqual([]);
  });

  it('nothing is unfolded before it is asked for', async () => {
    const stream = decodeStream(chunked(gzipSync(Buffer.alloc(200 * MiB)), MiB), ['gzip'], 1024 * MiB);
    const before = process.memoryUsage().arrayBuffers;
    const reader = stream.getReader();
    await reader.read();
    await setImmediate();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * MiB);
    await reader.cancel();
  });
});

describe('done', () => {
  it('whatever it is, it comes back; ranges are of the compressed bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 5000 }),
        fc.constantFrom('gzip' as const, 'deflate' as const),
        async (bytes, coding) => {
          const content = await encodedContent(
            memoryContent({ type: 'text/plain', parameters: {} }, bytes),
            coding,
          );
          const whole = await content.bytes(100_000);
          expect(whole).toHaveLength(content.size ?? -1);
          expect(await unfold(whole, coding)).toEqual(bytes);
          const range = await readAll(content.open({ start: 3, end: 9 }), 100);
          expect(range).toEqual(whole.subarray(3, 10));
        },
      ),
      { numRuns: 50 },
    );
  });
});

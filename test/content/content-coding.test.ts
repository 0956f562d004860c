/** Content codings in both directions, and their limits. */

import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryContent, readAll } from '../../core/content/content.js';
import {
  decodeStream,
  encodedContent,
  parseContentEncoding,
  RATIO_FREE,
  UnknownCodingError,
} from '../../core/content/content-coding.js';
import { LimitError, MalformedError } from '../../core/errors.js';
import { nestedBomb } from '../support/bombs.js';

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

const decode = (bytes: Uint8Array, codings = 'gzip', limit = 10 * MiB, size = 65_536) =>
  readAll(decodeStream(chunked(bytes, size), parseContentEncoding(codings), limit), limit);

function withWrongCheck(bytes: Buffer): Buffer {
  return bytes.fill(0, bytes.length - 8, bytes.length - 4);
}

describe('decoding', () => {
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
    expect(TEXT.equals(await decode(bytes, codings))).toBe(true);
    expect(TEXT.equals(await decode(bytes, codings, MiB, 1))).toBe(true);
  });

  it('empty content stays empty', async () => {
    expect(await decode(gzipSync(Buffer.alloc(0)))).toHaveLength(0);
  });

  it.each([
    ['truncated data', gzipSync(TEXT).subarray(0, 100), 'gzip'],
    ['data truncated in its checksum', gzipSync(TEXT).subarray(0, -3), 'gzip'],
    ['data of another coding', deflateSync(TEXT), 'gzip'],
    ['uncompressed data', TEXT, 'deflate'],
    ['empty', Buffer.alloc(0), 'gzip'],
    ['a wrong checksum', withWrongCheck(gzipSync(TEXT)), 'gzip'],
  ])('%s: malformed', async (_title, bytes, coding) => {
    await expect(decode(bytes, coding)).rejects.toThrow(MalformedError);
  });

  it('passes on an error from the source', async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new LimitError('the source is at its limit')),
    });
    await expect(readAll(decodeStream(broken, ['gzip'], MiB), MiB)).rejects.toThrow(/at its limit/);
  });

  it.each(['br', 'gzip, compress', 'gzip, gzip, gzip', 'gzip;q=1'])('refuses %s', (value) => {
    expect(() => parseContentEncoding(value)).toThrow(UnknownCodingError);
  });
});

describe('limits', () => {
  it('stops at the limit for any input size', async () => {
    await expect(decode(gzipSync(Buffer.alloc(MiB)), 'gzip', 1000)).rejects.toThrow(LimitError);
    await expect(decode(gzipSync(TEXT), 'gzip', TEXT.length)).resolves.toHaveLength(TEXT.length);
  });

  it('stops at the ratio after the first megabyte', async () => {
    await expect(decode(gzipSync(Buffer.alloc(RATIO_FREE)))).resolves.toHaveLength(RATIO_FREE);
    await expect(decode(gzipSync(Buffer.alloc(5 * MiB)))).rejects.toThrow(
      /expected at most 250 times as many/,
    );
  });

  it('a 1 MB file that expands to 10 GB is stopped early, with little memory', async () => {
    const bomb = nestedBomb();
    expect(bomb.length).toBeLessThan(MiB);
    // Decompressors use memory outside the heap; the resident set would include the garbage of other tests.
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

  it('cancelling at any point leaves no unhandled errors', async () => {
    const uncaught: unknown[] = [];
    const note = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', note);
    const bomb = gzipSync(Buffer.alloc(20 * MiB));
    const content = memoryContent({ type: 'text/plain', parameters: {} }, bomb);
    const folded = await encodedContent(content, 'gzip');
    // Lets read-ahead buffers stay empty, fill partly, and fill completely.
    const pauses = [0, 1, 50].map((turns) => async () => {
      for (let turn = 0; turn < turns; turn++) await setImmediate();
    });
    const decoding = (limit: number) => decodeStream(chunked(bomb, 65_536), ['gzip'], limit);
    for (const pause of [promisify(process.nextTick), ...pauses]) {
      for (let chunks = 1; chunks <= 20; chunks++) {
        for (const stream of [decoding(100 * MiB), decoding(chunks * 16_384), folded.open()]) {
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

  it('does not decode ahead of the reader', async () => {
    const stream = decodeStream(chunked(gzipSync(Buffer.alloc(200 * MiB)), MiB), ['gzip'], 1024 * MiB);
    const before = process.memoryUsage().arrayBuffers;
    const reader = stream.getReader();
    await reader.read();
    await setImmediate();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * MiB);
    await reader.cancel();
  });
});

describe('encoding', () => {
  it('is decoded back; ranges count compressed bytes', async () => {
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
          expect(await decode(whole, coding)).toEqual(bytes);
          const range = await readAll(content.open({ start: 3, end: 9 }), 100);
          expect(range).toEqual(whole.subarray(3, 10));
        },
      ),
      { numRuns: 50 },
    );
  });
});

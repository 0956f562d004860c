import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { platform } from '#platform';
import { readAll } from '../../core/content/content.js';

const MiB = 1024 * 1024;

function endless(chunk: Uint8Array) {
  const seen = { pulled: 0, cancelled: false };
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      seen.pulled += 1;
      controller.enqueue(chunk);
    },
    cancel() {
      seen.cancelled = true;
    },
  });
  return { seen, stream };
}

it.each([
  ['gzip', gunzipSync],
  ['deflate', inflateSync],
  ['deflate-raw', inflateRawSync],
] as const)('%s survives a round trip', async (format, reference) => {
  const text = Buffer.from('a line that comes again\n'.repeat(10_000));
  const source = () => new Blob([text]).stream();
  const compressed = await readAll(platform.compress(source(), format), MiB);
  expect(text.equals(reference(compressed))).toBe(true);
  const back = await readAll(platform.decompress(platform.compress(source(), format), format), MiB);
  expect(text.equals(back)).toBe(true);
});

it.each(['compress', 'decompress'] as const)('%s: reports an error from its source', async (way) => {
  const source = new ReadableStream<Uint8Array>({ pull: (to) => to.error(new Error('the disk failed')) });
  await expect(readAll(platform[way](source, 'gzip'), MiB)).rejects.toThrow('the disk failed');
});

it('reads little ahead, and cancels its source when it is cancelled', async () => {
  const random = Buffer.from(platform.randomHex(32 * 1024), 'hex');
  const { seen, stream } = endless(random);
  const reader = platform.compress(stream, 'gzip').getReader();
  for (let chunks = 0; chunks < 10; chunks++) await reader.read();
  expect(seen.pulled).toBeLessThan(20);
  await reader.cancel();
  await expect.poll(() => seen.cancelled).toBe(true);
});

import { describe, expect, it } from 'vitest';
import { type ByteRange, memoryContent } from '../../core/content/content.js';
import { LimitError } from '../../core/errors.js';

const type = { type: 'application/octet-stream', parameters: {} };
const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251);

/** toEqual is slow for this number of bytes. */
function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length).toBe(expected.length);
  expect(Buffer.compare(actual, expected)).toBe(0);
}

async function read(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

describe('content in memory', () => {
  it('can be opened repeatedly', async () => {
    const content = memoryContent(type, bytes);
    expect(content.size).toBe(200_000);
    expectBytes(await read(content.open()), bytes);
    expectBytes(await read(content.open()), bytes);
  });

  it.each<[ByteRange, number, number]>([
    [{ start: 0 }, 0, 200_000],
    [{ start: 199_999 }, 199_999, 200_000],
    [{ start: 200_000 }, 0, 0],
    [{ start: 5, end: 4 }, 0, 0],
    [{ start: 5, end: 5 }, 5, 6],
    [{ start: 65_530, end: 65_545 }, 65_530, 65_546],
    [{ start: 10, end: 9_000_000 }, 10, 200_000],
  ])('returns the range %j, including its last byte', async (range, from, to) => {
    expectBytes(await read(memoryContent(type, bytes).open(range)), bytes.subarray(from, to));
  });

  it.each([{ start: -1 }, { start: 1.5 }, { start: Number.NaN }, { start: 5, end: 3 }])(
    'has no range %j',
    (range) => {
      expect(() => memoryContent(type, bytes).open(range)).toThrow(RangeError);
    },
  );

  it('is returned as a whole up to a limit', async () => {
    const content = memoryContent(type, bytes);
    expectBytes(await content.bytes(200_000), bytes);
    await expect(content.bytes(199_999)).rejects.toThrow(LimitError);
  });

  it('is not changed by its readers, not even as a Buffer', async () => {
    const content = memoryContent(type, Buffer.from('hello'));
    (await content.bytes(10)).fill(0);
    for await (const chunk of content.open()) chunk.fill(0);
    expect(new TextDecoder().decode(await content.bytes(10))).toBe('hello');
  });

  it('can be empty', async () => {
    const content = memoryContent(type, new Uint8Array());
    expect(await read(content.open())).toEqual(new Uint8Array());
    expect(await content.bytes(0)).toEqual(new Uint8Array());
  });
});

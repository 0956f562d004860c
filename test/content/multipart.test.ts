import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Content, type MediaType, memoryContent } from '../../core/content/content.js';
import { formatMediaType } from '../../core/content/media-type.js';
import { withBoundary } from '../../core/content/multipart/boundary.js';
import { leafParts } from '../../core/content/multipart/leaf-parts.js';
import {
  decodeMultipart,
  encodeMultipart,
  isMultipart,
  readMultipart,
  writeMultipart,
} from '../../core/content/multipart/multipart.js';
import type { Part, StreamedParts } from '../../core/content/multipart/part.js';
import { partOfType } from '../../core/content/multipart/part-of-type.js';
import { transferEncodingOf } from '../../core/content/multipart/transfer-encoding.js';
import { ConfigurationError, MalformedError } from '../../core/errors.js';
import { fixture, fixtureNames, fromHex, toHex } from './fixture.js';
import { octetsOf, streamOf } from './streams.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const wsp: MediaType = { type: 'application/vnd.wap.multipart.related', parameters: {} };
const mime: MediaType = { type: 'multipart/mixed', parameters: { boundary: 'b' } };

const message: Part[] = [
  {
    type: { type: 'application/smil', parameters: {} },
    headers: [
      ['Content-ID', '<smil>'],
      ['Content-Location', 's.smil'],
    ],
    body: utf8('<smil><body><par><img src="a.jpg"/><text src="t.txt"/></par></body></smil>'),
  },
  {
    type: { type: 'image/jpeg', parameters: { name: 'a.jpg' } },
    headers: [
      ['Content-ID', '<img>'],
      ['Content-Location', 'a.jpg'],
    ],
    body: fromHex('ffd8ff0d0a2d2d00'),
  },
  {
    type: { type: 'text/plain', parameters: { charset: 'utf-8', name: 't.txt' } },
    headers: [['Content-Disposition', 'attachment;filename=t.txt']],
    body: utf8('Grüße\r\n'),
  },
];

async function collect(parts: StreamedParts): Promise<Part[]> {
  const collected: Part[] = [];
  for await (const { size, body, ...head } of parts) {
    const octets = await octetsOf(body);
    if (size !== undefined) expect(octets.length).toBe(size);
    collected.push({ ...head, body: octets });
  }
  return collected;
}

/** Reads both ways, with the stream in chunks of `size`. */
async function readBothWays(type: MediaType, octets: Uint8Array, size = octets.length): Promise<Part[]> {
  const parts = decodeMultipart(type, octets);
  expect(await collect(readMultipart(type, streamOf(octets, size)))).toEqual(parts);
  return parts;
}

async function refusedBothWays(type: MediaType, octets: Uint8Array): Promise<void> {
  expect(() => decodeMultipart(type, octets)).toThrow(MalformedError);
  await expect(collect(readMultipart(type, streamOf(octets)))).rejects.toThrow(MalformedError);
}

describe('WSP multipart', () => {
  it.each([
    ['8.1-multipart', message],
    ['8.1-multipart-empty', []],
    [
      '8.1-multipart-empty-part',
      [{ type: { type: 'text/plain', parameters: {} }, headers: [], body: utf8('') }],
    ],
  ])('decodes and encodes %s', async (name, parts) => {
    const octets = fixture('valid', name);
    expect(await readBothWays(wsp, octets)).toEqual(parts);
    expect(await readBothWays(wsp, octets, 1)).toEqual(parts);
    expect(toHex(encodeMultipart(wsp, parts))).toBe(toHex(octets));
    const contents = parts.map(({ type, headers, body }) => ({
      headers,
      content: memoryContent(type, body),
    }));
    expect(toHex(await octetsOf(writeMultipart(wsp, contents)))).toBe(toHex(octets));
  });

  it('ignores octets after the last part', async () => {
    expect(await readBothWays(wsp, Uint8Array.of(...fixture('valid', '8.1-multipart'), 1, 2))).toEqual(
      message,
    );
  });

  it.each(fixtureNames('broken', '8.1'))('%s is malformed', async (name) => {
    await refusedBothWays(wsp, fixture('broken', name));
  });

  it.each([
    ['8.1-multipart-header-without-end', 'text/plain', 'Content-Location at offset 4'],
    ['8.1-multipart-headers-of-no-octets', 'application/octet-stream', 'Content-Type at offset 0'],
  ])('%s: the part is read without what is malformed, with a warning', async (name, type, warning) => {
    const [part] = await readBothWays(wsp, fixture('lenient', name));
    expect(part).toMatchObject({ type: { type }, headers: [] });
    expect(part?.warnings?.[0]).toContain(`WSP multipart, part 1 of 1, headers: ${warning}`);
  });

  it('is malformed when truncated at any octet', async () => {
    const octets = fixture('valid', '8.1-multipart');
    for (let length = 0; length < octets.length; length += 1) {
      await refusedBothWays(wsp, octets.subarray(0, length));
    }
  });

  it('reports the part, the offset and what was expected', async () => {
    const octets = fixture('valid', '8.1-multipart').subarray(0, -1);
    await expect(collect(readMultipart(wsp, streamOf(octets)))).rejects.toThrow(
      'WSP multipart, part 3 of 3: data: expected 1 more octets, found the end',
    );
  });

  it('refuses to write content of unknown or wrong size', async () => {
    const content = memoryContent(wsp, utf8('abc'));
    const { size: _size, ...unsized } = content;
    const write = (original: Content) => octetsOf(writeMultipart(wsp, [{ headers: [], content: original }]));
    await expect(write(unsized)).rejects.toThrow('needs content of known size');
    await expect(write({ ...content, size: 2 })).rejects.toThrow(
      'the content has more bytes: expected its size 2',
    );
    await expect(write({ ...content, size: 4 })).rejects.toThrow(
      'the content has 3 bytes: expected its size 4',
    );
  });
});

describe('MIME multipart', () => {
  it('is written as in RFC 2046', async () => {
    const parts = message.slice(1, 2);
    const octets = Uint8Array.of(
      ...utf8(
        '--b\r\nContent-Type: image/jpeg;name=a.jpg\r\nContent-ID: <img>\r\nContent-Location: a.jpg\r\n\r\n',
      ),
      ...fromHex('ffd8ff0d0a2d2d00'),
      ...utf8('\r\n--b--\r\n'),
    );
    expect(toHex(encodeMultipart(mime, parts))).toBe(toHex(octets));
    expect(await readBothWays(mime, octets)).toEqual(parts);
  });

  it.each([
    ['a preamble and an epilogue', 'before\r\n--bx\r\n--b\r\n\r\nA\r\n--b--\r\nafter\r\n--b\r\n', ['A']],
    ['white space after the boundary', '--b \t\r\n\r\nA\r\n--b  \r\n\r\nB\r\n--b-- \r\n', ['A', 'B']],
    ['no line end after the last boundary', '--b\r\n\r\nA\r\n--b--', ['A']],
    ['an empty body', '--b\r\n\r\n\r\n--b--', ['']],
    ['an empty body without its line end', '--b\r\n\r\n--b--', ['']],
    ['a body of line ends', '--b\r\n\r\n\r\n\r\n\r\n--b--', ['\r\n\r\n']],
    ['a body that ends with CR', '--b\r\n\r\nA\r\r\n--b--', ['A\r']],
    [
      'lines that only begin with the boundary',
      '--b\r\n\r\n--bc\r\n\r\n--b-\r\nA\r\n--b--',
      ['--bc\r\n\r\n--b-\r\nA'],
    ],
    ['the boundary within a line', '--b\r\n\r\nA--b--\r\n --b\r\n--b--', ['A--b--\r\n --b']],
    ['the boundary after a bare LF', '--b\r\n\r\nA\n--b--\r\n--b--', ['A\n--b--']],
    ['header lines with bare LF', '--b\nX: 1\n\nA\r\n--b--', ['A']],
    ['no part', '--b--', []],
    ['lines that end with LF', 'before\n--b\nX: 1\n\nA\nB\n--b\n\n\n--b--\nafter', ['A\nB', '']],
    ['lines that end with LF, and CRLF in a body', '--b\n\nA\r\nB\r\r\n--b--\n', ['A\r\nB\r']],
  ])('with %s', async (_name, text, bodies) => {
    for (const size of [1, 2, 3, 1000]) {
      const parts = await readBothWays(mime, utf8(text), size);
      expect(parts.map(({ body }) => new TextDecoder().decode(body))).toEqual(bodies);
    }
  });

  it('reads headers that are folded, empty or absent', async () => {
    const text =
      '--b\r\nX-A : 1\r\n  2\r\nX-B:\r\ncontent-type:\r\n Image/PNG; name="a"\r\n\r\n\r\n--b\r\n\r\n\r\n--b--';
    expect(await readBothWays(mime, utf8(text))).toMatchObject([
      {
        type: { type: 'image/png', parameters: { name: 'a' } },
        headers: [
          ['X-A', '1 2'],
          ['X-B', ''],
        ],
      },
      { type: { type: 'text/plain', parameters: {} }, headers: [] },
    ]);
  });

  it.each([
    ['nothing', ''],
    ['no boundary', 'text\r\n'],
    ['no last boundary', '--b\r\n\r\nA\r\n--b\r\n\r\nB\r\n'],
    ['no empty line after headers', '--b\r\nX-A: 1\r\n'],
    ['too many headers', `--b\r\n${'X: 1\r\n'.repeat(129)}\r\nA\r\n--b--`],
    ['headers that are too long', `--b\r\n${`X: ${'1'.repeat(900)}\r\n`.repeat(20)}\r\nA\r\n--b--`],
    ['too many parts', `${'--b\r\n\r\n\r\n'.repeat(1025)}--b--`],
  ])('refuses %s', async (_name, text) => {
    await refusedBothWays(mime, utf8(text));
  });

  it.each([
    ['a line that is not a header', 'hello\r\nX-A: 1', 'text/plain', 'invalid header "hello"'],
    ['a name that is not a token', 'a b: c\r\nX-A: 1', 'text/plain', 'invalid header "a b: c"'],
    ['an unreadable type', 'Content-Type: x\r\nX-A: 1', 'text/plain', 'invalid Content-Type "x"'],
    ['a repeated parameter', 'X-A: 1\r\nContent-Type: a/b; c=1; c=2', 'a/b', 'malformed parameter "c"'],
    ['an open quotation mark', 'X-A: 1\r\nContent-Type: a/b; c="d', 'a/b', 'malformed parameter'],
    [
      'an unknown encoding',
      'X-A: 1\r\nContent-Transfer-Encoding: x-uue',
      'text/plain',
      'unknown Content-Transfer',
    ],
  ])('reads a part with %s, with a warning', async (_name, head, type, warning) => {
    const [part, ...others] = await readBothWays(mime, utf8(`--b\r\n${head}\r\n\r\nA\r\n--b--`), 3);
    expect(part).toMatchObject({
      type: { type },
      headers: [['X-A', '1']].concat(part?.headers.slice(1) as []),
    });
    expect(part?.body).toEqual(utf8('A'));
    expect(part?.warnings?.[0]).toContain(`multipart/mixed, part 1: `);
    expect(part?.warnings?.[0]).toContain(warning);
    expect(others).toEqual([]);
  });

  it.each([
    ['base64', 'R3LD\r\nvMOfZQ==\r\n', 'Grüße'],
    ['BASE64 (comment)', '!R3LDvMOf!ZQ', 'Grüße'],
    ['quoted-printable', 'Gr=C3=BC=\r\n=C3=9Fe=20 \t\r\n=4 =zz=', 'Grüße \r\n=4 =zz'],
    ['8bit', 'Grüße=41', 'Grüße=41'],
  ])('undoes the Content-Transfer-Encoding %s', async (encoding, text, decoded) => {
    const octets = utf8(`--b\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${text}\r\n--b--`);
    for (const size of [1, 2, 5, 1000]) {
      const [part] = await readBothWays(mime, octets, size);
      expect(new TextDecoder().decode(part?.body)).toBe(decoded);
      expect(part?.headers.length).toBe(encoding === '8bit' ? 1 : 0);
      expect(part?.warnings).toBeUndefined();
    }
  });

  it('decodes a quoted-printable line without an end as it arrives', async () => {
    const { decoder } = transferEncodingOf([['Content-Transfer-Encoding', 'quoted-printable']]);
    const piece = utf8('=C3=BC '.repeat(12_000));
    const sizes = [0, 1, 2, 3].map(() => decoder?.decode(piece).length ?? 0);
    for (const size of sizes) expect(Math.abs(size - 36_000)).toBeLessThan(100);
    const rest = [decoder?.decode(utf8('=\r')), decoder?.decode(utf8('\n.')), decoder?.finish()];
    const left = Buffer.concat(rest.map((octets) => octets ?? utf8('')));
    expect(sizes.reduce((sum, size) => sum + size, left.length)).toBe(144_001);
    expect(left.toString()).toMatch(/ü \.$/);
  });

  it('refuses to write a part with a Content-Transfer-Encoding, because its octets are written as they are', async () => {
    const headers = [['Content-Transfer-Encoding', 'base64']] as const;
    const type = { type: 'a/b', parameters: {} };
    for (const multipart of [mime, wsp]) {
      expect(() => encodeMultipart(multipart, [{ type, headers, body: utf8('x') }])).toThrow(
        ConfigurationError,
      );
      const content = memoryContent(type, utf8('x'));
      await expect(octetsOf(writeMultipart(multipart, [{ headers, content }]))).rejects.toThrow(
        ConfigurationError,
      );
    }
  });

  it('is malformed when truncated before the end of its last boundary', async () => {
    const octets = encodeMultipart(mime, message);
    for (let length = 0; length < octets.length - 2; length += 1) {
      await refusedBothWays(mime, octets.subarray(0, length));
    }
  });

  it.each<Record<string, string>>([
    {},
    { boundary: '' },
    { boundary: 'ends with a space ' },
    { boundary: 'x'.repeat(71) },
    { boundary: 'ä' },
  ])('refuses an invalid boundary: %o', async (parameters) => {
    const type = { type: 'multipart/mixed', parameters };
    await refusedBothWays(type, utf8('--\r\n\r\n\r\n----'));
    expect(() => encodeMultipart(type, [])).toThrow(ConfigurationError);
    await expect(octetsOf(writeMultipart(type, []))).rejects.toThrow(ConfigurationError);
  });

  it('refuses to write a part that contains the boundary, and a header of two lines', () => {
    const part = (text: string, value = 'x'): Part[] => [
      { type: { type: 'a/b', parameters: {} }, headers: [['X-A', value]], body: utf8(text) },
    ];
    expect(() => encodeMultipart(mime, part('--b'))).not.toThrow();
    for (const text of ['--b\r\n', '--b--', 'x\r\n--b--x']) {
      expect(() => encodeMultipart(mime, part(text)), text).toThrow(ConfigurationError);
    }
    expect(() => encodeMultipart(mime, part('x', 'a\r\nB: c'))).toThrow(ConfigurationError);
    expect(() => encodeMultipart(mime, [{ ...part('x')[0], headers: [['a b', '']] } as Part])).toThrow(
      ConfigurationError,
    );
  });

  it('gets a new boundary each time', () => {
    const [one, other] = [withBoundary(mime), withBoundary(mime)];
    expect(one.parameters.boundary).toMatch(/^[0-9a-f]{32}$/);
    expect(one.parameters.boundary).not.toBe(other.parameters.boundary);
  });
});

describe('nested multiparts', () => {
  const plain = (text: string): Part => ({
    type: { type: 'text/plain', parameters: {} },
    headers: [],
    body: utf8(text),
  });
  const nested = (type: MediaType, ...parts: Part[]): Part => ({
    type,
    headers: [],
    body: encodeMultipart(type, parts),
  });
  const inner: MediaType = { type: 'multipart/alternative', parameters: { boundary: 'i' } };

  async function leavesOf(type: MediaType, parts: Part[]): Promise<string[]> {
    const texts: string[] = [];
    for await (const { body } of leafParts(readMultipart(type, streamOf(encodeMultipart(type, parts), 5)))) {
      texts.push(new TextDecoder().decode(await octetsOf(body)));
    }
    return texts;
  }

  it('are replaced by their parts, in order', async () => {
    const parts = [plain('1'), nested(inner, plain('2'), nested(wsp, plain('3'), plain('4'))), plain('5')];
    expect(await leavesOf(mime, parts)).toEqual(['1', '2', '3', '4', '5']);
    expect(await leavesOf(wsp, parts)).toEqual(['1', '2', '3', '4', '5']);
  });

  it('stay parts without a boundary, and below eight levels', async () => {
    const unreadable = { ...plain('--i--'), type: { type: 'multipart/mixed', parameters: {} } };
    expect(await leavesOf(mime, [unreadable, plain('2')])).toEqual(['--i--', '2']);
    let deep = plain('deep');
    for (let level = 0; level < 9; level += 1) deep = nested(wsp, deep);
    const [leaf] = await leavesOf(mime, [deep]);
    expect(leaf).not.toBe('deep');
    expect(leaf).toContain('deep');
  });

  it('are searched for a type as deep as they are read', () => {
    const within = (levels: number): Part => {
      let part = plain('found');
      for (let level = 0; level < levels; level += 1) {
        part = nested({ type: 'multipart/mixed', parameters: { boundary: `${level}-edge` } }, part);
      }
      return part;
    };
    const found = (levels: number) => {
      const { type, body } = within(levels);
      return partOfType('text/plain', formatMediaType(type), body);
    };
    expect(found(8)).toEqual(utf8('found'));
    expect(found(9)).toBeUndefined();
  });
});

describe('both', () => {
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    // Pieces of MIME delimiters.
    fc
      .array(fc.constantFrom('\r', '\n', '\r\n', '--', '--b', '--bo', 'b', ' ', 'x'), { maxLength: 20 })
      .map((pieces) => utf8(pieces.join(''))),
  );
  const parts: fc.Arbitrary<Part[]> = fc.array(
    fc.record({
      type: fc.constantFrom<MediaType>(
        { type: 'image/jpeg', parameters: { name: 'a b.jpg' } },
        { type: 'text/plain', parameters: { charset: 'utf-8' } },
        { type: 'x/y', parameters: {} },
      ),
      headers: fc.constantFrom<Part['headers']>(
        [],
        [['Content-ID', '<a>']],
        [
          ['Content-Location', 'a.jpg'],
          ['X-Own', 'ü 1'],
        ],
      ),
      body: bodies,
    }),
    { maxLength: 5 },
  );
  const types = fc.constantFrom(wsp, { type: 'multipart/mixed', parameters: { boundary: 'bound' } });

  it('are read back in chunks of any size', async () => {
    await fc.assert(
      fc.asyncProperty(types, parts, fc.integer({ min: 1, max: 40 }), async (type, original, size) => {
        const contents = original.map(({ type: partType, headers, body }) => ({
          headers,
          content: memoryContent(partType, body),
        }));
        const octets = encodeMultipart(type, original);
        expect(toHex(await octetsOf(writeMultipart(type, contents)))).toBe(toHex(octets));
        expect(await readBothWays(type, octets, size)).toEqual(original);
      }),
      { numRuns: 300 },
    );
  });

  it('reads the same parts both ways from any octets, or throws MalformedError', async () => {
    await fc.assert(
      fc.asyncProperty(types, bodies, async (type, octets) => {
        let parts: Part[] | undefined;
        try {
          parts = decodeMultipart(type, octets);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError);
        }
        const streamed = collect(readMultipart(type, streamOf(octets, 7)));
        if (parts) expect(await streamed).toEqual(parts);
        else await expect(streamed).rejects.toThrow(MalformedError);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([wsp, mime])(
    'a part that is not read is skipped, and fails for a later reader: $type',
    async (type) => {
      const parts = readMultipart(type, streamOf(encodeMultipart(type, message), 5));
      const first = await parts.next();
      const second = await parts.next();
      expect(second.value?.type.type).toBe('image/jpeg');
      await expect(octetsOf(first.value?.body ?? streamOf(utf8('')))).rejects.toThrow(ConfigurationError);
      await second.value?.body.cancel();
      const third = await parts.next();
      expect(await octetsOf(third.value?.body ?? streamOf(utf8('')))).toEqual(message[2]?.body);
      expect((await parts.next()).done).toBe(true);
    },
  );

  it.each([wsp, mime])(
    'a reader that stops early cancels the stream, before the first part or in one: $type',
    async (type) => {
      // More than the lookahead.
      const large = { type: { type: 'a/b', parameters: {} }, headers: [], body: new Uint8Array(40_000) };
      const octets = encodeMultipart(type, [...message, large]);
      for (const partCount of [0, 1, 2]) {
        let cancelled = 0;
        const parts = readMultipart(
          type,
          streamOf(octets, 8, () => {
            cancelled += 1;
          }),
        );
        let body: ReadableStream<Uint8Array> | undefined;
        for (let count = 0; count < partCount; count += 1) body = (await parts.next()).value?.body;
        await parts.return();
        expect(cancelled).toBe(1);
        expect((await parts.next()).done).toBe(true);
        // A truncated body must not look complete.
        if (body) await expect(octetsOf(body)).rejects.toThrow(ConfigurationError);
      }
    },
  );

  it.each([wsp, mime])('fails like its stream: $type', async (type) => {
    const octets = encodeMultipart(type, message);
    const failing = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(octets.subarray(0, 60)),
      pull: (controller) => controller.error(new Error('connection lost')),
    });
    await expect(collect(readMultipart(type, failing))).rejects.toThrow('connection lost');
  });

  it('refuse other media types', () => {
    expect(isMultipart('application/vnd.wap.multipart.mixed')).toBe(true);
    expect(isMultipart('multipart/related')).toBe(true);
    expect(isMultipart('text/plain')).toBe(false);
    expect(() => decodeMultipart({ type: 'text/plain', parameters: {} }, utf8(''))).toThrow(
      ConfigurationError,
    );
  });

  it.each([wsp, mime])('streams 5 MiB with little memory, without reading ahead: $type', async (type) => {
    const CHUNK = 65_536;
    const size = 5 << 20;
    const original = encodeMultipart(type, [
      { type: { type: 'video/3gpp', parameters: {} }, headers: [], body: new Uint8Array(size) },
    ]);
    let offset = 0;
    const stream = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          controller.enqueue(original.subarray(offset, offset + CHUNK));
          offset += CHUNK;
          if (offset >= original.length) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    let read = 0;
    for await (const { body } of readMultipart(type, stream)) {
      for await (const octets of body) {
        read += octets.length;
        expect(offset - read).toBeLessThanOrEqual(2 * CHUNK);
      }
    }
    expect(read).toBe(size);
  });

  it.each([
    ['WSP', wsp, (size: number) => Uint8Array.of(1, 1, 0xff, 0xff, 0x7f, 0x83, ...new Uint8Array(size))],
    ['CR LF', mime, (size: number) => utf8(`--b\r\n\r\n${'\r\n'.repeat(size / 2)}`)],
    ['incomplete boundaries', mime, (size: number) => utf8(`--b\r\n\r\n${'\r\n--b-'.repeat(size / 6)}`)],
    ['white space after the boundary', mime, (size: number) => utf8(`--b\r\n\r\n\r\n--b${' '.repeat(size)}`)],
    ['headers', mime, (size: number) => utf8(`--b\r\n${'X:\r\n'.repeat(size / 4)}`)],
  ])('rejects 60 KB of %s in chunks of an octet', async (_name, type, make) => {
    const octets = make(60_000);
    await expect(collect(readMultipart(type, streamOf(octets, 1)))).rejects.toThrow(MalformedError);
  });
});

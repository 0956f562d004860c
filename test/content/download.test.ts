/** Downloads of external content. */

import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readlink } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import type { ExternalBody } from '../../core/content/external-body.js';
import { Download } from '../../core/content/fetch/download.js';
import { FetchError, type FetchFailure } from '../../core/content/fetch/fetch-error.js';
import { GuardedFetch } from '../../core/content/fetch/guarded-fetch.js';
import { defined } from '../../core/defined.js';
import type { Spool } from '../../core/platform/files.js';
import { nestedBomb } from '../support/bombs.js';
import { endless, type HttpAnswer, TestHttpServer } from '../support/pages/http-server.js';

const MiB = 1024 * 1024;
const CONTENT = randomBytes(700_000);

let server: Awaited<ReturnType<typeof TestHttpServer.start>>;
let spool: Spool;
beforeEach(async () => {
  server = await TestHttpServer.start((_request, response) => response.end(CONTENT));
  spool = await platform.openSpool();
});
afterEach(async () => {
  await server.close();
  await spool.close();
});

const sha1 = (bytes: Uint8Array) => platform.hash('sha-1', bytes);

function download(reference: Partial<ExternalBody> = {}, limit = 10 * MiB, where: Spool = spool): Download {
  const whole = { url: server.url(), type: { type: 'image/png', parameters: {} }, headers: {}, ...reference };
  return new Download(
    new GuardedFetch({ allow: ['http://127.0.0.1:*'], maxSize: limit }),
    where,
    whole,
    limit,
  );
}

const { signal } = new AbortController();

async function failure(work: Promise<unknown>): Promise<[FetchFailure, boolean]> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FetchError)) throw new Error(`no FetchError: ${error}`);
  return [error.code, error.transient];
}

async function arrived(work: ReturnType<Download['attempt']>): Promise<Buffer> {
  const { content, sha256 } = await work;
  const bytes = await content.bytes(10 * MiB);
  expect(content.size).toBe(bytes.length);
  expect(sha256).toBe(platform.hash('sha-256', bytes));
  return Buffer.from(bytes);
}

/** toEqual needs a second for this number of elements. */
function expectSame(found: Uint8Array, expected: Buffer): void {
  expect(expected.equals(found), 'the same bytes').toBe(true);
}

describe('content', () => {
  it('8.1.1-04: is unchanged, verified by size and hash, and can be opened at any offset', async () => {
    const { content } = await download({ size: CONTENT.length, hash: sha1(CONTENT) }).attempt(signal);
    expect(content.type.type).toBe('image/png');
    expectSame(await content.bytes(MiB), CONTENT);
    const part = await new Response(content.open({ start: 100, end: 199 })).arrayBuffer();
    expectSame(new Uint8Array(part), CONTENT.subarray(100, 200));
  });

  it('outlives its file if it is small', async () => {
    server.answer = (_request, response) => response.end('small');
    const small = download();
    const { content } = await small.attempt(signal);
    await small.remove();
    expect(Buffer.from(await content.bytes(100)).toString()).toBe('small');
  });

  it.each<[string, FetchFailure, Partial<ExternalBody>]>([
    ['another size', 'size-mismatch', { size: CONTENT.length + 1 }],
    ['more than the size', 'size-mismatch', { size: 1000 }],
    ['another hash', 'hash-mismatch', { size: CONTENT.length, hash: sha1(Buffer.from('other')) }],
  ])('8.1.1-04: of %s is refused permanently', async (_title, code, reference) => {
    expect(await failure(download(reference).attempt(signal))).toEqual([code, false]);
  });

  it('8.1.1-04: beyond the limit is refused, declared or not, or endless', async () => {
    expect(await failure(download({}, 1000).attempt(signal))).toEqual(['too-large', false]);
    server.answer = (_request, response) =>
      void response.writeHead(200, { 'content-length': 2 * MiB }).flushHeaders();
    expect(await failure(download({}, MiB).attempt(signal))).toEqual(['too-large', false]);
    server.answer = endless();
    expect(await failure(download({}, MiB).attempt(signal))).toEqual(['too-large', false]);
  });

  it.each([
    [404, false],
    [410, false],
    [403, false],
    [206, false],
    [304, false],
    [408, true],
    [429, true],
    [500, true],
    [503, true],
  ])('status %i is transient: %s', async (status, transient) => {
    server.answer = (_request, response) => response.writeHead(status, { 'retry-after': '7' }).end();
    const error = await download()
      .attempt(signal)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'status', status, transient, retryAfter: 7 });
  });
});

describe('compressed content', () => {
  const text = Buffer.from('one line like the other\n'.repeat(10_000));

  it.each([
    ['by the server only', { 'content-encoding': 'gzip' }, {}, { size: text.length, hash: sha1(text) }],
    [
      'by its sender, which declares it in the reference',
      {},
      { 'content-encoding': 'gzip' },
      { size: gzipSync(text).length, hash: sha1(gzipSync(text)) },
    ],
    [
      'by its sender, with a Content-Encoding of the server',
      { 'content-encoding': 'gzip' },
      { 'content-encoding': 'gzip' },
      { size: gzipSync(text).length, hash: sha1(gzipSync(text)) },
    ],
  ])('8.1.1-04: %s', async (_title, head, headers, expected) => {
    server.answer = (_request, response) => response.writeHead(200, head).end(gzipSync(text));
    expectSame(await arrived(download({ headers, ...expected }).attempt(signal)), text);
  });

  it('is refused if the hash matches neither form', async () => {
    server.answer = (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'deflate' }).end(deflateSync(text));
    const wrong = { size: text.length, hash: sha1(CONTENT) };
    expect(await failure(download(wrong).attempt(signal))).toEqual(['hash-mismatch', false]);
  });

  it.each([
    ['data that is not gzip', 'gzip', text],
    ['an unknown coding', 'br', text],
  ])('%s: malformed', async (_title, coding, bytes) => {
    server.answer = (_request, response) =>
      response.writeHead(200, { 'content-encoding': coding }).end(bytes);
    expect(await failure(download().attempt(signal))).toEqual(['malformed', false]);
  });

  it('8.1.1-04: 1 MB that expands to 10 GB is stopped, with at most 64 MiB of additional memory', async () => {
    const bomb = nestedBomb();
    server.answer = (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end(bomb);
    const before = process.memoryUsage().rss;
    let peak = 0;
    const watching = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss - before);
    }, 1);
    try {
      expect(await failure(download({}, 1024 * MiB).attempt(signal))).toEqual(['decoded-too-large', false]);
    } finally {
      clearInterval(watching);
    }
    expect(peak).toBeLessThan(64 * MiB);
  });
});

describe('a resumed download', () => {
  /** Sends half of the content and disconnects; the second time it sends everything. */
  const halves =
    (etag: string | undefined, onSecond: (request: IncomingMessage, response: ServerResponse) => void) =>
    (request: IncomingMessage, response: ServerResponse) => {
      if (server.requests.length > 1) return onSecond(request, response);
      response.writeHead(200, { 'content-length': CONTENT.length, ...defined({ etag }) });
      response.write(CONTENT.subarray(0, 300_000), () => response.destroy());
    };
  const rest = (request: IncomingMessage, response: ServerResponse) => {
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1]);
    expect(request.headers['if-range']).toBe('"v1"');
    const contentRange = `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}`;
    response.writeHead(206, { 'content-range': contentRange, etag: '"v1"' }).end(CONTENT.subarray(start));
  };
  const reference = { size: CONTENT.length, hash: sha1(CONTENT) };

  it('8.1.1-04: continues where it stopped if the entity tag is strong', async () => {
    server.answer = halves('"v1"', rest);
    const resumed = download(reference);
    expect(await failure(resumed.attempt(signal))).toEqual(['unreachable', true]);
    expectSame(await arrived(resumed.attempt(signal)), CONTENT);
    expect(server.requests[1]).toMatch(/^GET \/ bytes=[1-9]\d+-$/);
  });

  it.each([
    ['a weak entity tag', 'W/"v1"'],
    ['none', undefined],
  ])('starts again with %s', async (_title, etag) => {
    server.answer = halves(etag, (_request, response) => response.end(CONTENT));
    const resumed = download(reference);
    expect(await failure(resumed.attempt(signal))).toEqual(['unreachable', true]);
    expectSame(await arrived(resumed.attempt(signal)), CONTENT);
    expect(server.requests[1]).toBe('GET /');
  });

  it('starts again if the content has changed', async () => {
    server.answer = halves('"v1"', (_request, response) =>
      response.writeHead(200, { etag: '"v2"' }).end(CONTENT),
    );
    const resumed = download(reference);
    await failure(resumed.attempt(signal));
    expectSame(await arrived(resumed.attempt(signal)), CONTENT);
  });

  it.each([
    ['a range that was not requested', 206, 'bytes 0-99/700000'],
    ['an unsatisfiable range', 416, 'bytes */700000'],
  ])('starts again after %s', async (_title, status, contentRange) => {
    server.answer = halves('"v1"', (_request, response) => {
      server.answer = (_again, answer) => answer.end(CONTENT);
      response.writeHead(status, { 'content-range': contentRange }).end('nonsense');
    });
    const resumed = download(reference);
    await failure(resumed.attempt(signal));
    expect(await failure(resumed.attempt(signal))).toEqual(['unreachable', true]);
    expectSame(await arrived(resumed.attempt(signal)), CONTENT);
  });

  it('has one limit for all attempts', async () => {
    server.answer = halves('"v1"', (request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1]);
      response.writeHead(206, { 'content-range': `bytes ${start}-` });
      endless()(request, response);
    });
    const resumed = download({}, MiB);
    await failure(resumed.attempt(signal));
    expect(await failure(resumed.attempt(signal))).toEqual(['too-large', false]);
  });
});

const half = (_request: IncomingMessage, response: ServerResponse) => {
  response.writeHead(200, { 'content-length': CONTENT.length, etag: '"v1"' });
  response.write(CONTENT.subarray(0, 300_000), () => response.destroy());
};

it.runIf(process.platform === 'linux').each<[string, HttpAnswer, 'fulfilled' | 'rejected']>([
  ['an error', (_request, response) => response.writeHead(503).end(), 'rejected'],
  ['half of the content', half, 'rejected'],
  ['the content', (_request, response) => response.end(CONTENT), 'fulfilled'],
])('uses no descriptor after an attempt that ends with %s', async (_, answer, status) => {
  const folder = await mkdtemp(join(tmpdir(), 'sip-push-download-'));
  const own = await platform.openSpool(folder);
  server.answer = answer;
  const downloads = Array.from({ length: 20 }, () => download({}, MiB, own));
  const results = await Promise.allSettled(
    downloads.map((each) => each.attempt(new AbortController().signal)),
  );
  expect(new Set(results.map((result) => result.status))).toEqual(new Set([status]));
  const descriptors = await readdir('/proc/self/fd');
  const open = await Promise.all(
    descriptors.map((each) => readlink(`/proc/self/fd/${each}`).catch(() => '')),
  );
  expect(open.filter((path) => path.startsWith(folder))).toEqual([]);
  server.answer = (_request, response) => response.end(CONTENT);
  for (const each of downloads) expectSame(await arrived(repeated(each)), CONTENT);
  await own.close();
});

/** The server does not resume: the second attempt fails, and the third one starts from the beginning. */
const repeated = (each: Download) => each.attempt(signal).catch(() => each.attempt(signal));

it('a failure of the local disk is transient', async () => {
  await spool.close();
  expect(await failure(download().attempt(signal))).toEqual(['spool', true]);
});

/** The HTTP server of the sender (8.1.2-03a): ranges, limits and expiry of publications. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import { type Content, memoryContent } from '../../core/content/content.js';
import { LimitError } from '../../core/errors.js';
import type { HttpRequest } from '../../core/platform/http.js';
import type { LevelStore } from '../../core/platform/level.js';
import { SenderContents } from '../../core/sender/outbox/contents.js';
import type { RemovedPublication } from '../../core/sender/publications.js';
import { Publisher, type PublishOptions, parseByteRange } from '../../core/sender/publisher.js';
import { Records } from '../../core/store/records.js';
import { systemClock } from '../../core/time/clock.js';
import { makeCertificates } from '../support/certificates.js';
import { PATIENCE_MS, until } from '../support/wait.js';

const TYPE = { type: 'text/plain', parameters: { charset: 'utf-8' } };
const BYTES = Buffer.from('0123456789');

let publisher: Publisher;
beforeEach(async () => {
  publisher = await Publisher.open({ host: '127.0.0.1', port: 0 });
});
afterEach(async () => {
  vi.useRealTimers();
  await publisher.close();
});

/** The content of a push of its own. */
const publishing = (content: Content = memoryContent(TYPE, BYTES)) => ({
  owner: platform.randomHex(8),
  content,
  lifetime: 60,
});
const publish = (content?: Content) => publisher.publish(publishing(content));

/** A publisher as that of a long-running sender. */
interface KeptPublisher {
  publisher: Publisher;
  removed: RemovedPublication[];
  errors: Error[];
  close(): Promise<void>;
}

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sip-push-publisher-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  return folder;
}

async function openKept(
  options: Partial<PublishOptions> & { folder?: string; store?: LevelStore },
): Promise<KeptPublisher> {
  const { folder: path, store = await platform.openStore(), ...publishing } = options;
  const errors: Error[] = [];
  const removed: RemovedPublication[] = [];
  const onError = (error: Error) => errors.push(error);
  const contents = await SenderContents.open({ path, onError });
  const records = new Records(store, systemClock, () => {});
  const opened = await Publisher.open(
    { host: '127.0.0.1', port: 0, ...publishing },
    { contents, records, onError, onRemoved: (each) => removed.push(each) },
  );
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= opened.close().then(async () => {
      await contents.close();
      await records.close();
    });
    return closed;
  };
  cleanups.push(close);
  return { publisher: opened, removed, errors, close };
}

async function get(url: string, headers: Record<string, string> = {}, method: HttpRequest['method'] = 'GET') {
  const response = await platform.request({
    method,
    url: new URL(url),
    headers,
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  return { ...response, text: await new Response(response.body).text() };
}

describe('a publication', () => {
  it('8.1.2-03a: has a random URL, size, hash and expiration', async () => {
    const before = Date.now();
    const [one, other] = [await publish(), await publish()];
    expect(one.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{36}$/);
    expect(other.url).not.toBe(one.url);
    expect(one).toMatchObject({ size: 10, hash: platform.hash('sha-1', BYTES), timesFetched: 0 });
    expect(one.expiration).toBeGreaterThanOrEqual(before + 60_000);
    const answer = await get(one.url);
    expect(answer).toMatchObject({
      status: 200,
      text: '0123456789',
      headers: {
        'content-type': 'text/plain;charset=utf-8',
        'content-length': '10',
        etag: `"${one.hash}"`,
        'accept-ranges': 'bytes',
        'cache-control': 'private, no-store',
      },
    });
  });

  it.each([
    ['bytes=3-5', 206, '345', 'bytes 3-5/10'],
    ['bytes=3-', 206, '3456789', 'bytes 3-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=5-99', 206, '56789', 'bytes 5-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=-0', 416, '', 'bytes */10'],
    ['bytes=5-3', 200, '0123456789', undefined],
    ['bytes=0-1,4-5', 200, '0123456789', undefined],
    ['lines=1-2', 200, '0123456789', undefined],
  ])('%s: %i', async (range, status, text, contentRange) => {
    const answer = await get((await publish()).url, { range });
    expect([answer.status, answer.text, answer.headers['content-range']]).toEqual([
      status,
      text,
      contentRange,
    ]);
  });

  it('serves a range only of the representation in If-Range', async () => {
    const { url, hash } = await publish();
    expect((await get(url, { range: 'bytes=3-', 'if-range': `"${hash}"` })).status).toBe(206);
    expect((await get(url, { range: 'bytes=3-', 'if-range': '"another"' })).status).toBe(200);
  });

  it('answers HEAD, and rejects other methods', async () => {
    const published = await publish();
    const head = await get(published.url, {}, 'HEAD');
    expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', '10']);
    expect((await get(published.url, {}, 'POST')).status).toBe(405);
    expect(published.timesFetched).toBe(0);
  });

  it('can be retrieved and resumed by a web page of any origin', async () => {
    const { url } = await publish();
    const answer = await get(url);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'accept-ranges, content-range, etag',
    });
    const { port } = new URL(url);
    const headers = { Origin: 'https://page.test', 'Access-Control-Request-Headers': 'if-range, range' };
    const preflight = await fetch(`http://127.0.0.1:${port}${new URL(url).pathname}`, {
      method: 'OPTIONS',
      headers,
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toBe('if-range, range');
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
  });

  it('answers 404 after it was withdrawn or expired', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const [withdrawn, expiring] = [await publish(), await publish()];
    withdrawn.withdraw();
    await vi.advanceTimersByTimeAsync(60_000);
    vi.useRealTimers();
    const answers = await Promise.all(
      [withdrawn.url, expiring.url, new URL('/nothing', expiring.url).href].map((url) => get(url)),
    );
    expect(answers.map(({ status, text }) => [status, text])).toEqual(Array(3).fill([404, '']));
  });

  it('is served at most 100 times', async () => {
    const published = await publish();
    for (let count = 0; count < 100; count++) expect((await get(published.url)).status).toBe(200);
    expect((await get(published.url)).status).toBe(410);
    await until(() => expect(published.timesFetched).toBe(100));
  });

  it('is read as the client reads, without buffering', async () => {
    let read = 0;
    const chunk = new Uint8Array(65_536);
    const chunks = 1000;
    const large: Content = {
      type: TYPE,
      open: () => {
        let left = chunks;
        return new ReadableStream(
          {
            pull(controller) {
              if (left-- === 0) return controller.close();
              read += chunk.length;
              controller.enqueue(chunk);
            },
          },
          { highWaterMark: 0 },
        );
      },
      bytes: () => Promise.reject(new Error('too large')),
    };
    const { url, size } = await publish(large);
    expect(size).toBe(chunks * chunk.length);
    read = 0;
    const response = await platform.request({
      method: 'GET',
      url: new URL(url),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const reader = response.body.getReader();
    await reader.read();
    expect(read).toBeLessThan(size / 2);
    await reader.cancel();
  });

  it('of known content reads it once for the hash, and once to keep it', async () => {
    const content = memoryContent(TYPE, BYTES);
    let opened = 0;
    let broken = true;
    const counted: Content = {
      ...content,
      open(range) {
        opened++;
        if (broken) throw new Error('not now');
        return content.open(range);
      },
    };
    await expect(publish(counted)).rejects.toThrow('not now');
    broken = false;
    const published = await Promise.all([publish(counted), publish(counted), publish(counted)]);
    expect(opened).toBe(3);
    expect(new Set(published.map(({ url }) => url)).size).toBe(3);
    expect(published.map(({ hash }) => hash)).toEqual(Array(3).fill(platform.hash('sha-1', BYTES)));
  });

  it('is not in progress if its content cannot be read', async () => {
    const folder = await temporaryFolder();
    const kept = await openKept({ folder });
    const { url } = await kept.publisher.publish(publishing(memoryContent(TYPE, BYTES)));
    await get(url);
    for (const name of await readdir(folder)) await rm(join(folder, name));
    await get(url).catch(() => {});
    await until(() => expect(kept.publisher.unsettled).toBe(0));
  });

  it('is served by https under its public URL', async () => {
    const certificates = await makeCertificates();
    const secure = await Publisher.open({ host: '127.0.0.1', port: 0, tls: certificates });
    const { url } = await secure.publish(publishing());
    expect(url).toMatch(/^https:/);
    const response = await platform.request({
      method: 'GET',
      url: new URL(url),
      ca: certificates.ca,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    expect(await new Response(response.body).text()).toBe('0123456789');
    await secure.close();
    await certificates.remove();
    const proxied = await Publisher.open({
      host: '127.0.0.1',
      port: 0,
      url: 'https://push.operator.test/content/',
    });
    expect((await proxied.publish(publishing())).url).toMatch(
      /^https:\/\/push\.operator\.test\/content\/[0-9a-f]{36}$/,
    );
    await proxied.close();
  });
});

describe('published content', () => {
  it('is served until it expires, even if the file that was published is removed', async () => {
    const content = memoryContent(TYPE, BYTES);
    let removed = false;
    const open: Content['open'] = (range) => {
      if (removed) throw new Error('no such file');
      return content.open(range);
    };
    const { url } = await publish({ ...content, open });
    removed = true;
    expect(await get(url)).toMatchObject({ status: 200, text: '0123456789' });
    expect(await get(url)).toMatchObject({ status: 200, text: '0123456789' });
  });

  it('is stored once, and removed with its last publication', async () => {
    const folder = await temporaryFolder();
    const kept = await openKept({ folder });
    const publications = await Promise.all(
      Array.from({ length: 3 }, () => kept.publisher.publish(publishing(memoryContent(TYPE, BYTES)))),
    );
    expect(await readdir(folder)).toHaveLength(1);
    for (const { withdraw } of publications) withdraw();
    await until(async () => expect(await readdir(folder)).toEqual([]));
  });

  it('is served by the next process at the same URL, until it expires', async () => {
    const folder = await temporaryFolder();
    const store = await platform.openStore();
    const first = await openKept({ folder, store });
    const type = { type: 'image/png', parameters: {} };
    const [published, short, withdrawn] = [
      await first.publisher.publish({ ...publishing(memoryContent(type, BYTES)), coding: 'gzip' }),
      await first.publisher.publish({
        ...publishing(memoryContent(TYPE, Buffer.from('short'))),
        lifetime: 0.001,
      }),
      await first.publisher.publish(publishing(memoryContent(TYPE, Buffer.from('withdrawn')))),
    ];
    withdrawn.withdraw();
    await first.close();
    const { port } = new URL(published.url);
    const next = await openKept({ folder, store, port: Number(port) });
    const answer = await get(published.url, { range: 'bytes=5-', 'if-range': `"${published.hash}"` });
    expect(answer).toMatchObject({
      status: 206,
      text: '56789',
      headers: { 'content-type': 'image/png', 'content-encoding': 'gzip', etag: `"${published.hash}"` },
    });
    expect((await get(short.url)).status).toBe(404);
    expect((await get(withdrawn.url)).status).toBe(404);
    expect(next.errors).toEqual([]);
  });

  it('has one URL for all attempts of a push at an address, which extend its lifetime, even in the next process', async () => {
    const folder = await temporaryFolder();
    const store = await platform.openStore();
    const first = await openKept({ folder, store });
    const attempt = { owner: 'push sip:bob@domain.test', content: memoryContent(TYPE, BYTES), lifetime: 0.5 };
    const { url, expiration } = await first.publisher.publish(attempt);
    const again = await first.publisher.publish({ ...attempt, lifetime: 60 });
    expect(again).toMatchObject({ url, reused: true });
    expect(again.expiration).toBeGreaterThan(expiration + 50_000);
    expect((await first.publisher.publish({ ...attempt, owner: 'push sip:carol@domain.test' })).url).not.toBe(
      url,
    );
    await first.close();
    const next = await openKept({ folder, store, port: Number(new URL(url).port) });
    // Longer than the lifetime of the first attempt.
    await until(() => expect(Date.now()).toBeGreaterThan(expiration));
    expect((await get(url)).status).toBe(200);
    expect(await next.publisher.publish({ ...attempt, lifetime: 60 })).toMatchObject({ url, reused: true });
    const changed = { ...attempt, content: memoryContent(TYPE, Buffer.from('other')) };
    expect((await next.publisher.publish(changed)).url).not.toBe(url);
    expect(await readdir(folder)).toHaveLength(2);
    expect(next.errors).toEqual([]);
  });

  it('whose record or file is damaged is reported and removed', async () => {
    const folder = await temporaryFolder();
    const store = await platform.openStore();
    const first = await openKept({ folder, store });
    await first.publisher.publish(publishing(memoryContent(TYPE, BYTES)));
    await first.close();
    for (const name of await readdir(folder)) await rm(join(folder, name));
    await store.put<string, Uint8Array>('push/published/broken', Buffer.from('{"name":1}'), {
      valueEncoding: 'view',
    });
    const next = await openKept({ folder, store });
    expect(next.errors).toMatchObject([
      { message: 'invalid publication "broken" in the store' },
      { message: expect.stringContaining('unknown content') },
    ]);
    await next.close();
    expect((await openKept({ folder, store })).errors).toEqual([]);
  });

  it.each([
    ['count', { count: 2 }],
    ['bytes', { bytes: 20 }],
  ])(
    'at its limit of %s: retrieved content is removed first, then the oldest, which is reported',
    async (_, limits) => {
      const { publisher, removed } = await openKept(limits);
      const publishText = (text: string) =>
        publisher.publish(publishing(memoryContent(TYPE, Buffer.from(text))));
      const [first, second] = [await publishText('first 4567'), await publishText('second 789')];
      await get(second.url);
      await until(() => expect(second.timesFetched).toBe(1));
      const third = await publishText('third 4567');
      expect(removed).toEqual([]);
      const fourth = await publishText('fourth 789');
      expect(removed).toEqual([{ name: new URL(first.url).pathname.slice(1), expiration: first.expiration }]);
      const answers = await Promise.all([first, second, third, fourth].map(({ url }) => get(url)));
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 200, 200]);
    },
  );

  it('that alone exceeds the limit is refused, and nothing is removed for it', async () => {
    const { publisher } = await openKept({ bytes: 10 });
    const { url } = await publisher.publish(publishing(memoryContent(TYPE, BYTES)));
    await expect(publisher.publish(publishing(memoryContent(TYPE, Buffer.alloc(11))))).rejects.toThrow(
      LimitError,
    );
    expect((await get(url)).status).toBe(200);
  });
});

describe('settled', () => {
  it('resolves when each content was retrieved, in one or several ranges', async () => {
    const [one, other] = [await publish(), await publish()];
    let settled = false;
    const settling = publisher.settled().then(() => {
      settled = true;
    });
    await get(one.url);
    await get(other.url, { range: 'bytes=0-4' });
    await until(() => expect(publisher.unsettled).toBe(1));
    expect([one.timesFetched, other.timesFetched, settled]).toEqual([1, 0, false]);
    await get(other.url, { range: 'bytes=5-' });
    await settling;
    expect(publisher.unsettled).toBe(0);
  });

  it('resolves after expiry, withdrawal or an abort', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await publish();
    const expired = publisher.settled();
    await vi.advanceTimersByTimeAsync(60_000);
    await expired;
    const published = await publish();
    const withdrawn = publisher.settled();
    published.withdraw();
    await withdrawn;
    await publish();
    const ending = new AbortController();
    const ended = publisher.settled(ending.signal);
    ending.abort();
    await ended;
    expect(publisher.unsettled).toBe(1);
  });
});

it('parses ranges of empty content', () => {
  expect(parseByteRange('bytes=0-', 0)).toBe('unsatisfiable');
  expect(parseByteRange(undefined, 0)).toBeUndefined();
  expect(parseByteRange(`bytes=${'9'.repeat(400)}-`, 10)).toBeUndefined();
});

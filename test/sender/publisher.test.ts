/** The HTTP server of the sender (8.1.2-03a): ranges, limits and expiry of publications. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import { type Content, memoryContent } from '../../core/content/content.js';
import type { HttpRequest } from '../../core/platform/http.js';
import { Publisher, parseByteRange } from '../../core/sender/publisher.js';
import { makeCertificates } from '../support/certificates.js';
import { PATIENCE_MS } from '../support/wait.js';

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

const publish = (content: Content = memoryContent(TYPE, BYTES), seconds = 60) =>
  publisher.publish(content, seconds);

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

  it('reports when it was retrieved as a whole, or was withdrawn', async () => {
    const [published, withdrawn] = [await publish(), await publish()];
    let retrieved = false;
    const reported = published.retrieved.then(() => {
      retrieved = true;
    });
    await get(published.url, {}, 'HEAD');
    await get(published.url, { range: 'bytes=0-3' });
    expect(retrieved).toBe(false);
    await get(published.url, { range: 'bytes=4-' });
    await reported;
    withdrawn.withdraw();
    await withdrawn.retrieved;
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
    expect(published.timesFetched).toBe(100);
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

  it('of known content does not read it again for the hash', async () => {
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
    expect(opened).toBe(2);
    expect(new Set(published.map(({ url }) => url)).size).toBe(3);
    expect(published.map(({ hash }) => hash)).toEqual(Array(3).fill(platform.hash('sha-1', BYTES)));
  });

  it('is not in progress if its content cannot be opened', async () => {
    const content = memoryContent(TYPE, BYTES);
    let removed = false;
    const open: Content['open'] = (range) => {
      if (removed) throw new Error('no such file');
      return content.open(range);
    };
    const { url } = await publish({ ...content, open });
    await get(url);
    removed = true;
    expect((await get(url)).status).toBe(500);
    expect(publisher.unsettled).toBe(0);
  });

  it('is served by https under its public URL', async () => {
    const certificates = await makeCertificates();
    const secure = await Publisher.open({ host: '127.0.0.1', port: 0, tls: certificates });
    const { url } = await secure.publish(memoryContent(TYPE, BYTES), 60);
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
    expect((await proxied.publish(memoryContent(TYPE, BYTES), 60)).url).toMatch(
      /^https:\/\/push\.operator\.test\/content\/[0-9a-f]{36}$/,
    );
    await proxied.close();
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
    expect([one.timesFetched, other.timesFetched, publisher.unsettled, settled]).toEqual([1, 0, 1, false]);
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

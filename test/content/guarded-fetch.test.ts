/** HTTP requests to untrusted URLs: permitted origins and limits. */

import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import { readAll } from '../../core/content/content.js';
import { FetchError, type FetchFailure } from '../../core/content/fetch/fetch-error.js';
import { GuardedFetch, type GuardedFetchOptions } from '../../core/content/fetch/guarded-fetch.js';
import type { HttpRequest } from '../../core/platform/http.js';
import { endless, TestHttpServer } from '../support/pages/http-server.js';

let server: Awaited<ReturnType<typeof TestHttpServer.start>>;
beforeEach(async () => {
  server = await TestHttpServer.start((_request, response) => response.end('content'));
});
afterEach(() => server.close());

const NAMED = ['http://127.0.0.1:*', 'http://mmsc.operator.test:*', 'http://other.test:*'];
/** Host names of this test, all of them local. */
const resolve = async () => ['127.0.0.1'];
const fetcher = (options: GuardedFetchOptions = {}) =>
  new GuardedFetch({ allow: NAMED, resolve, ...options });

async function failure(work: Promise<unknown>): Promise<FetchFailure> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FetchError)) throw new Error(`no FetchError: ${error}`);
  expect(error.message).toContain(`${error.code}: `);
  return error.code;
}

/** Reads the body, because some failures appear only then. */
async function body(work: ReturnType<GuardedFetch['fetch']>): Promise<string> {
  return Buffer.from(await readAll((await work).body, Number.POSITIVE_INFINITY)).toString();
}

describe('an HTTP proxy', () => {
  const target = 'http://mmsc.operator.test:8002/a?b=1#c';

  it('receives the whole URL of an http URL, without resolving its name', async () => {
    const resolved: string[] = [];
    const fetch = new GuardedFetch({
      allow: NAMED,
      resolve: async (host) => {
        resolved.push(host);
        return ['127.0.0.1'];
      },
    });
    expect(await body(fetch.fetch(target, { proxy: server.url('/', 'other.test') }))).toBe('content');
    expect(server.requests).toEqual(['GET http://mmsc.operator.test:8002/a?b=1']);
    expect(resolved).toEqual(['other.test']);
  });

  it.each<[string, GuardedFetchOptions, string, FetchFailure]>([
    ['another origin', { allow: ['http://mmsc.operator.test:*'] }, 'http://127.0.0.1:1/', 'not-allowed'],
    [
      'a target that only a wildcard matches',
      { allow: ['http://*:*', 'http://127.0.0.1:*'] },
      'http://127.0.0.1:1/',
      'not-allowed',
    ],
    ['https to the proxy', {}, 'https://127.0.0.1/', 'malformed'],
    ['an invalid URL', {}, 'somewhere', 'malformed'],
  ])('refuses %s', async (_title, options, proxy, code) => {
    expect(await failure(fetcher(options).fetch(target, { proxy }))).toBe(code);
    const secure = target.replace('http:', 'https:');
    expect(await failure(fetcher(options).fetch(secure, { proxy }))).toBe(code);
  });

  it('is asked for a tunnel to the server of an https URL, without resolving its name', async () => {
    const requests: HttpRequest[] = [];
    const fetch = new GuardedFetch({
      allow: ['https://mmsc.operator.test', 'http://127.0.0.1:*'],
      resolve: async () => [],
      request: (request) => {
        requests.push(request);
        return platform.request(request);
      },
    });
    const url = 'https://mmsc.operator.test/';
    expect(await failure(fetch.fetch(url, { proxy: server.url() }))).toBe('unreachable');
    expect(requests.map(({ proxy }) => proxy?.href)).toEqual([server.url()]);
  });
});

describe('permitted addresses', () => {
  it('a named origin, even if it is local', async () => {
    expect(await body(fetcher().fetch(server.url('/a')))).toBe('content');
    expect(await body(fetcher().fetch(server.url('/b', 'mmsc.operator.test')))).toBe('content');
    expect(server.requests).toEqual(['GET /a', 'GET /b']);
  });

  it.each<[string, string, FetchFailure]>([
    ['http', 'http://example.com/', 'not-allowed'],
    ['another port', 'https://example.com:8443/', 'not-allowed'],
    ['another scheme', 'ftp://example.com/', 'not-allowed'],
    ['a file', 'file:///etc/passwd', 'not-allowed'],
    ['an invalid URL', 'somewhere', 'malformed'],
    ['loopback', 'https://127.0.0.1/', 'forbidden-address'],
    ['loopback in another notation', 'https://0177.1/', 'forbidden-address'],
    ['IPv6 loopback', 'https://[::1]/', 'forbidden-address'],
    ['mapped loopback', 'https://[::ffff:127.0.0.1]/', 'forbidden-address'],
    ['loopback by NAT64', 'https://[64:ff9b::7f00:1]/', 'forbidden-address'],
    ["a cloud's metadata", 'https://169.254.169.254/latest/meta-data/', 'forbidden-address'],
  ])('8.1.1-04: refuses %s (%s): %s', async (_title, url, code) => {
    expect(await failure(new GuardedFetch().fetch(url))).toBe(code);
  });

  it.each([
    ['a private address', ['10.0.0.1']],
    ['one private address among public ones', ['93.184.216.34', '192.168.0.1']],
    ['a mapped address', ['::ffff:10.0.0.1']],
    ["a cloud's metadata", ['169.254.169.254']],
  ])('8.1.1-04: refuses a name that resolves to %s', async (_title, addresses) => {
    const guarded = new GuardedFetch({ resolve: async () => addresses });
    expect(await failure(guarded.fetch('https://innocent.test/'))).toBe('forbidden-address');
    const wildcard = new GuardedFetch({ allow: ['http://*:*'], resolve: async () => addresses });
    expect(await failure(wildcard.fetch(server.url('/', 'innocent.test')))).toBe('forbidden-address');
  });

  it('without name resolution (browser): only named hosts and addresses', async () => {
    const withoutResolution = { resolve: async () => undefined };
    const wildcard = new GuardedFetch({ allow: ['http://*.operator.test:*'], ...withoutResolution });
    expect(await failure(wildcard.fetch(server.url('/', 'mmsc.operator.test')))).toBe('not-allowed');
    const anywhere = new GuardedFetch({ allow: ['http://*:*'], ...withoutResolution });
    expect(await failure(anywhere.fetch(server.url('/')))).toBe('forbidden-address');
    const named = new GuardedFetch({ allow: ['http://localhost:*'], ...withoutResolution });
    expect((await named.fetch(server.url('/', 'localhost'))).status).toBe(200);
  });

  it('without redirect targets (browser): follows none', async () => {
    const request = async () => ({ status: 0, headers: {}, body: new Blob().stream() });
    const guarded = new GuardedFetch({ allow: NAMED, request });
    expect(await failure(guarded.fetch(server.url()))).toBe('redirects');
  });

  it('8.1.1-04: connects to the checked address: the name is resolved once', async () => {
    let lookups = 0;
    // DNS rebinding: the second answer differs.
    const rebinding = async () => [++lookups === 1 ? '127.0.0.1' : '127.0.0.2'];
    await body(fetcher({ resolve: rebinding }).fetch(server.url('/', 'mmsc.operator.test')));
    expect(lookups).toBe(1);
    expect(server.requests).toHaveLength(1);
  });

  it('reports an unresolved name and an unreachable host', async () => {
    expect(await failure(fetcher({ resolve: async () => [] }).fetch(server.url('/', 'other.test')))).toBe(
      'unresolved',
    );
    const failing = async () => Promise.reject(new Error('SERVFAIL'));
    expect(await failure(fetcher({ resolve: failing }).fetch(server.url('/', 'other.test')))).toBe(
      'unresolved',
    );
    expect(await failure(fetcher().fetch('http://127.0.0.1:9/'))).toBe('unreachable');
  });
});

describe('redirects', () => {
  const redirect = (to: string, status = 302) => {
    server.answer = (request, response) => {
      if (request.url === '/') response.writeHead(status, { location: to }).end('moved');
      else response.end(`at ${request.url}, ${request.headers.authorization ?? 'no credentials'}`);
    };
  };

  it.each([301, 302, 303, 307, 308])('%i is followed', async (status) => {
    redirect('/there?a=b', status);
    const response = await fetcher().fetch(server.url());
    expect(response.url).toBe(server.url('/there?a=b'));
    expect(await readAll(response.body, 100)).toEqual(
      Uint8Array.from(Buffer.from('at /there?a=b, no credentials')),
    );
  });

  it.each([
    ['loopback', 'https://127.0.0.1/', 'not-allowed'],
    ['another name of loopback', 'http://localhost/', 'not-allowed'],
    ['metadata', 'http://169.254.169.254/latest/meta-data/', 'not-allowed'],
    ['a file', 'file:///etc/passwd', 'not-allowed'],
    ['an invalid URL', 'http://[', 'malformed'],
  ] as const)('8.1.1-04: not to %s', async (_title, to, code) => {
    redirect(to);
    expect(await failure(fetcher().fetch(server.url()))).toBe(code);
    expect(server.requests).toHaveLength(1);
  });

  it('8.1.1-04: a wildcard does not allow a private address', async () => {
    redirect('http://inner.test/');
    const guarded = new GuardedFetch({
      allow: ['http://127.0.0.1:*', 'http://*'],
      resolve: async () => ['10.0.0.1'],
    });
    expect(await failure(guarded.fetch(server.url()))).toBe('forbidden-address');
  });

  it('are limited in number', async () => {
    redirect('/');
    expect(await failure(fetcher().fetch(server.url()))).toBe('redirects');
    expect(server.requests).toHaveLength(6);
  });

  it('do not send credentials to another origin', async () => {
    const headers = { Authorization: 'Bearer secret' };
    redirect('/same');
    expect(await body(fetcher().fetch(server.url(), { headers }))).toBe('at /same, Bearer secret');
    redirect(server.url('/else', 'other.test'));
    expect(await body(fetcher().fetch(server.url(), { headers }))).toBe('at /else, no credentials');
  });

  it('of a POST are returned', async () => {
    redirect('/there');
    const response = await fetcher().fetch(server.url(), { method: 'POST', body: Buffer.from('content') });
    expect(response.status).toBe(302);
    await response.body.cancel();
  });
});

describe('limits', () => {
  it('8.1.1-04: stops at the size limit, whatever was declared', async () => {
    server.answer = endless();
    expect(await failure(body(fetcher({ maxSize: 1_000_000 }).fetch(server.url())))).toBe('too-large');
    expect(await failure(body(fetcher().fetch(server.url(), { maxSize: 1000 })))).toBe('too-large');
  });

  it('stops if the server does not answer, or stalls', async () => {
    server.answer = () => {};
    expect(await failure(fetcher({ timeout: 0.05 }).fetch(server.url()))).toBe('timeout');
    server.answer = (_request, response) => void response.write('content');
    expect(await failure(body(fetcher({ timeout: 0.05 }).fetch(server.url())))).toBe('timeout');
    const never = () => new Promise<string[]>(() => {});
    const waiting = fetcher({ timeout: 0.05, resolve: never }).fetch(server.url('/', 'other.test'));
    expect(await failure(waiting)).toBe('timeout');
  });

  it('stops a body that is too slow', async () => {
    server.answer = (_request, response) => {
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    };
    expect(await failure(body(fetcher({ timeout: 0.1 }).fetch(server.url())))).toBe('timeout');
  });

  it('does not count the time of the reader', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const response = await fetcher({ timeout: 10 }).fetch(server.url());
      await vi.advanceTimersByTimeAsync(60_000);
      expect(await readAll(response.body, 100)).toHaveLength(7);
    } finally {
      vi.useRealTimers();
    }
  });

  it('stops when the caller aborts, before and after the response', async () => {
    const why = new Error('cancelled by the test');
    await expect(fetcher().fetch(server.url(), { signal: AbortSignal.abort(why) })).rejects.toBe(why);
    server.answer = (_request, response) => void response.write('content');
    const ending = new AbortController();
    const response = await fetcher().fetch(server.url(), { signal: ending.signal });
    const reader = response.body.getReader();
    await reader.read();
    ending.abort(why);
    await expect(reader.read()).rejects.toBe(why);
  });

  it('closes the connection when the body is cancelled', async () => {
    let closed = () => {};
    const disconnected = new Promise<void>((resolve) => {
      closed = resolve;
    });
    server.answer = (_request, response) => {
      response.on('close', () => closed());
      response.write(gzipSync('content'));
    };
    const response = await fetcher().fetch(server.url());
    await response.body.cancel();
    await disconnected;
  });
});

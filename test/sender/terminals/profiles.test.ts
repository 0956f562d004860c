/** User Agent Profiles are fetched once (TS 5.2-02), and again according to HTTP caching (RFC 9111). */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GuardedFetch } from '../../../core/content/fetch/guarded-fetch.js';
import { MalformedError } from '../../../core/errors.js';
import { ProfileCache } from '../../../core/sender/terminals/profiles.js';
import { endless, type HttpAnswer, TestHttpServer } from '../../support/pages/http-server.js';

let server: Awaited<ReturnType<typeof TestHttpServer.start>>;
let profiles: ProfileCache<string>;
let errors: string[];
const clock = { time: 0, now: () => clock.time };

beforeEach(async () => {
  errors = [];
  server = await TestHttpServer.start(respondWith({ 'cache-control': 'max-age=60' }));
  profiles = new ProfileCache({
    fetcher: new GuardedFetch({ allow: ['http://127.0.0.1:*'] }),
    parse(document) {
      const text = new TextDecoder().decode(document);
      if (!text.startsWith('<')) throw new MalformedError('no profile');
      return text;
    },
    onError: (_url, error) => errors.push(String(error)),
    clock,
  });
});
afterEach(async () => {
  profiles.close();
  await server.close();
});

function respondWith(headers: Record<string, string>, body = '<profile/>', status = 200): HttpAnswer {
  return (_request, response) => response.writeHead(status, headers).end(body);
}

describe('a profile', () => {
  it('5.2-02: is fetched once for concurrent and later requests', async () => {
    const url = server.url('/phone.xml');
    expect(await Promise.all([profiles.get(url), profiles.get(url), profiles.get(url)])).toEqual(
      Array(3).fill('<profile/>'),
    );
    expect(await profiles.get(url)).toBe('<profile/>');
    expect(server.requests).toEqual(['GET /phone.xml']);
  });

  it('that is not cacheable is fetched each time', async () => {
    server.answer = respondWith({ 'cache-control': 'no-store' });
    await profiles.get(server.url());
    await profiles.get(server.url());
    expect(server.requests).toHaveLength(2);
  });

  it('that is stale is revalidated', async () => {
    const etags: (string | undefined)[] = [];
    server.answer = (request, response) => {
      etags.push(request.headers['if-none-match']);
      const repeated = etags.length > 1;
      response.writeHead(repeated ? 304 : 200, { 'cache-control': 'max-age=0', etag: '"1"' });
      response.end(repeated ? '' : '<profile/>');
    };
    expect(await profiles.get(server.url())).toBe('<profile/>');
    expect(await profiles.get(server.url())).toBe('<profile/>');
    expect(etags).toEqual([undefined, '"1"']);
  });
});

describe('a failure', () => {
  it.each<[string, HttpAnswer, string]>([
    ['a 404', respondWith({}, '', 404), 'HTTP status 404'],
    ['a body that is not a profile', respondWith({}, 'hello'), 'no profile'],
    ['an endless body', endless(), 'too-large'],
  ])('%s: returns undefined, and does not repeat the request at once', async (_title, answer, reason) => {
    server.answer = answer;
    expect(await profiles.get(server.url())).toBeUndefined();
    expect(await profiles.get(server.url())).toBeUndefined();
    expect(errors).toEqual([expect.stringContaining(reason)]);
    server.answer = respondWith({});
    clock.time += 60_000;
    expect(await profiles.get(server.url())).toBe('<profile/>');
  });

  it('sends no request to a forbidden address', async () => {
    expect(await profiles.get('http://169.254.169.254/profile')).toBeUndefined();
    expect(errors).toEqual([expect.stringContaining('not-allowed')]);
  });

  it('is not reported after close', async () => {
    server.answer = () => {};
    const waiting = profiles.get(server.url());
    profiles.close();
    expect(await waiting).toBeUndefined();
    expect(errors).toEqual([]);
  });
});

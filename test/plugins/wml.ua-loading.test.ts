/** Service loadings with the option `load`, and cache operations on the loaded resources. */

import type { ServerResponse } from 'node:http';
import wml from 'sip-push/apps/wml.ua';
import { cacheOperation, type Invalidation, type ServiceLoading, serviceLoading } from 'sip-push/formats';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TestHttpServer } from '../support/pages/http-server.js';
import { AppHost } from './app-host.js';

describe('wml.ua with the option load', () => {
  let host: AppHost;
  let web: Awaited<ReturnType<typeof TestHttpServer.start>>;
  let statuses: number[];

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    // The longest delay before each retry.
    vi.spyOn(Math, 'random').mockReturnValue(0.999_999);
    statuses = [];
    web = await TestHttpServer.start((request, response) => {
      response.writeHead(statuses.shift() ?? 200, { 'content-type': 'text/vnd.wap.wml' }).end(request.url);
    });
  });

  afterEach(async () => {
    await host.stop();
    await web.close();
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  async function start(load: unknown, allow = 'http://127.0.0.1:*'): Promise<void> {
    host = await AppHost.start(wml, load === undefined ? undefined : { load }, { allow: [allow] });
  }

  const load = (path: string, action: ServiceLoading['action'] = 'cache') =>
    host.push({
      type: 'application/vnd.wap.slc',
      body: serviceLoading.toWbxml({ href: web.url(path), action }),
    });
  const invalidate = (...invalidations: Invalidation[]) =>
    host.push({ type: 'application/vnd.wap.coc', body: cacheOperation.toWbxml({ invalidations }) });
  const resources = async () =>
    (await host.runtime.query('wml.ua', 'resources')) as { href: string; [field: string]: unknown }[];
  const hrefs = async () => (await resources()).map(({ href }) => href);
  const octets = (path: string) => host.runtime.query('wml.ua', 'resource', { href: web.url(path) });
  /** Waits until the background tasks have reached `condition`. */
  const until = async (condition: () => boolean | Promise<boolean>) => {
    while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
  };
  const advance = async (milliseconds: number) => {
    host.now += milliseconds;
    await vi.advanceTimersByTimeAsync(milliseconds);
  };
  /** Number of loadings that wait: each is an alarm. */
  const waiting = () => host.stored('push/alarm/');
  const loaded = (count: number) => until(async () => (await resources()).length === count);

  it.each([[undefined], [false], [[]]])('loads nothing without it: %j', async (option) => {
    await start(option);
    for (const action of ['execute-low', 'execute-high', 'cache'] as const) await load('/', action);
    expect(host.events).toHaveLength(3);
    expect(await waiting()).toBe(0);
    await host.restart();
    expect(web.requests).toEqual([]);
  });

  it('loads and stores the resource of each action', async () => {
    await start(true);
    for (const action of ['execute-low', 'execute-high', 'cache'] as const) {
      host.now += 1000;
      expect(await load(`/${action}`, action)).toMatchObject({ accepted: true });
      await until(async () => (await hrefs()).includes(web.url(`/${action}`)));
    }
    expect(web.requests).toEqual(['GET /execute-low', 'GET /execute-high', 'GET /cache']);
    await until(async () => (await waiting()) === 0);
    await host.restart();
    expect(await resources()).toEqual(
      ['cache', 'execute-high', 'execute-low'].map((action, index) => ({
        href: web.url(`/${action}`),
        contentType: 'text/vnd.wap.wml',
        size: action.length + 1,
        loadedAt: `2026-01-01T00:00:0${3 - index}.000Z`,
      })),
    );
    expect(await octets('/cache')).toBe(btoa('/cache'));
    expect(await octets('/else')).toBeNull();
    await expect(host.runtime.query('wml.ua', 'resource')).rejects.toThrow(
      'invalid arguments of query "resource": href: expected the href of a resource',
    );
    expect(web.requests).toHaveLength(3);
  });

  it('loads only for the listed actions', async () => {
    await start(['cache']);
    await load('/high', 'execute-high');
    await load('/low', 'execute-low');
    await load('/cache', 'cache');
    await loaded(1);
    expect(web.requests).toEqual(['GET /cache']);
  });

  it('loads a resource again, and replaces the stored one', async () => {
    await start(true);
    await load('/a');
    await loaded(1);
    await load('/a');
    await until(() => web.requests.length === 2);
    await until(async () => (await waiting()) === 0);
    expect(await resources()).toHaveLength(1);
  });

  it('retries failed loads without delaying others', async () => {
    statuses = [503, 200, 503];
    await start(true);
    await load('/a');
    await until(() => host.logged.length === 1);
    await load('/b');
    await loaded(1);
    await advance(30_000);
    await until(() => host.logged.length === 2);
    await advance(60_000);
    await loaded(2);
    expect(web.requests).toEqual(['GET /a', 'GET /b', 'GET /a', 'GET /a']);
    expect(host.logged).toEqual([
      `${web.url('/a')} was not loaded, retry in 30 s: FetchError: status: the server answered 503`,
      `${web.url('/a')} was not loaded, retry in 60 s: FetchError: status: the server answered 503`,
    ]);
  });

  it('continues after a restart', async () => {
    statuses = [503];
    await start(true);
    await load('/a');
    await until(() => host.logged.length === 1);
    await host.restart();
    await advance(30_000);
    await loaded(1);
    await until(async () => (await waiting()) === 0);
    expect(web.requests).toEqual(['GET /a', 'GET /a']);
  });

  it('loads nothing after the option was removed', async () => {
    statuses = [503];
    await start(true);
    await load('/a');
    await until(() => host.logged.length === 1);
    host.options = { load: ['execute-high'] };
    await host.restart();
    await advance(30_000);
    await until(async () => (await waiting()) === 0);
    expect(web.requests).toEqual(['GET /a']);
  });

  it('loads again what a restart interrupted', async () => {
    await start(true);
    const { answer } = web;
    web.answer = () => {};
    await load('/a');
    await until(() => web.requests.length === 1);
    web.answer = answer;
    await host.restart();
    await loaded(1);
    expect(host.logged).toEqual([]);
  });

  it('stops after eight failures', async () => {
    statuses = Array(20).fill(500);
    await start(true);
    await load('/a');
    for (let failures = 1; failures <= 8; failures += 1) {
      await until(() => host.logged.length >= failures);
      await advance(30_000 * 2 ** (failures - 1));
    }
    await until(async () => (await waiting()) === 0);
    expect(web.requests).toHaveLength(8);
    expect(host.logged.at(-1)).toBe(
      `${web.url('/a')} was not loaded, gave up: FetchError: status: the server answered 500`,
    );
  });

  it.each([
    ['404', 404, /gave up: FetchError: status: the server answered 404$/],
    ['an endless redirect', 302, /gave up: /],
  ])('does not retry a permanent failure: %s', async (_name, status, line) => {
    await start(true);
    web.answer = (_request, response) => response.writeHead(status, { location: web.url('/a') }).end();
    await load('/a');
    await until(() => host.logged.length === 1);
    expect(host.logged[0]).toMatch(line);
    await until(async () => (await waiting()) === 0);
  });

  it('does not fetch from origins that the host does not allow', async () => {
    await start(true, 'https://operator.example');
    await load('/a');
    await host.push({ type: 'text/vnd.wap.sl', body: '<sl href="file:///etc/passwd"/>' });
    await until(() => host.logged.length === 2);
    expect(host.logged.every((line) => line.includes('gave up: '))).toBe(true);
    expect(web.requests).toEqual([]);
  });

  it('emits an event for a URI of more than 4096 characters, and does not load it', async () => {
    await start(true);
    expect(await load(`/${'a'.repeat(4096)}`)).toMatchObject({ accepted: true });
    expect(host.events).toMatchObject([{ kind: 'service-loading' }]);
    expect(host.logged).toEqual([
      expect.stringMatching(/^a URI of \d+ characters was not loaded: too long$/),
    ]);
    expect(await waiting()).toBe(0);
  });

  it('stores no resource that is too large', async () => {
    await start(true);
    web.answer = (_request, response) => response.end(Buffer.alloc(1_048_577));
    await load('/a');
    await until(() => host.logged.length === 1);
    expect(await resources()).toEqual([]);
  });

  it('stores the last 200 resources and the last 32 MiB', async () => {
    await start(true);
    for (let number = 0; number < 205; number += 1) {
      host.now += 1000;
      await load(`/${number}`);
      await until(async () => (await hrefs())[0] === web.url(`/${number}`));
    }
    expect(await host.stored('octets/')).toBe(200);
    expect((await hrefs()).at(-1)).toBe(web.url('/5'));
    web.answer = (_request, response) => response.end(Buffer.alloc(1_048_576));
    for (let number = 0; number < 33; number += 1) {
      host.now += 1000;
      await load(`/large/${number}`);
      await until(async () => (await hrefs())[0] === web.url(`/large/${number}`));
    }
    expect(await hrefs()).toHaveLength(32);
    expect(await host.stored('octets/')).toBe(32);
  });

  it('queues at most 100 loadings: the oldest is dropped', async () => {
    statuses = Array(1000).fill(503);
    await start(true);
    for (let number = 0; number < 105; number += 1) {
      host.now += 1000;
      await load(`/${number}`);
      await until(() => host.logged.filter((line) => line.includes('retry in')).length === number + 1);
    }
    await until(async () => (await waiting()) === 100);
    expect(host.logged.filter((line) => line.includes('gave up'))).toEqual(
      [0, 1, 2, 3, 4].map(
        (number) => `${web.url(`/${number}`)} was not loaded, gave up: more than 100 are waiting`,
      ),
    );
    await host.restart();
    await load('/last');
    await until(async () => (await waiting()) === 100);
    expect(host.logged.filter((line) => line.includes('gave up')).at(-1)).toContain(web.url('/5'));
  });

  it('reads the loadings that wait once, at its start', async () => {
    let lists = 0;
    const counted: typeof wml = {
      ...wml,
      start(services) {
        const { schedule } = services;
        const list = () => {
          lists += 1;
          return schedule.list();
        };
        return wml.start({
          ...services,
          schedule: { at: schedule.at.bind(schedule), cancel: schedule.cancel.bind(schedule), list },
        });
      },
    };
    host = await AppHost.start(counted, { load: true }, { allow: ['http://127.0.0.1:*'] });
    for (const path of ['/a', '/b', '/c']) await load(path);
    await loaded(3);
    expect(lists).toBe(1);
    await host.restart();
    await load('/d');
    await loaded(4);
    expect(lists).toBe(2);
  });

  it('a loading that is dropped during its attempt is not retried', async () => {
    const held: ServerResponse[] = [];
    web.answer = (_request, response) => void held.push(response);
    await start(true);
    for (let number = 0; number < 101; number += 1) {
      host.now += 1000;
      await load(`/${number}`);
    }
    // The host delivers a few alarms at the same time, the first one first.
    await until(() => held.length > 0);
    const requested = held.length;
    held[0]?.writeHead(503).end();
    await until(() => held.length > requested);
    expect(await waiting()).toBe(100);
    expect(host.logged).toEqual([`${web.url('/0')} was not loaded, gave up: more than 100 are waiting`]);
  });

  it.each([
    [{ load: 'yes' }, 'options.load: expected true, false, or a list of execute-low, execute-high, cache'],
    [
      { load: ['cache', 'run'] },
      'options.load: expected true, false, or a list of execute-low, execute-high, cache',
    ],
    [{ laod: true }, 'options: expected an object with load'],
    [[], 'options: expected an object with load'],
  ])('does not start with options %j', async (options, message) => {
    await start(true);
    host.options = options;
    await expect(host.restart()).rejects.toThrow(`wml.ua: ${message}`);
  });

  describe('a cache operation', () => {
    beforeEach(async () => {
      await start(true);
      for (const [index, path] of ['/news/1', '/news/2', '/newspaper', '/weather'].entries()) {
        host.now += 1000;
        await load(path);
        await loaded(index + 1);
      }
    });

    it('on an object removes only that resource', async () => {
      await invalidate(
        { what: 'object', uri: web.url('/news') },
        { what: 'object', uri: web.url('/weather') },
      );
      expect(await hrefs()).toEqual(['/newspaper', '/news/2', '/news/1'].map((path) => web.url(path)));
      expect(await octets('/weather')).toBeNull();
      await host.restart();
      expect(await resources()).toHaveLength(3);
      expect(await host.stored('octets/')).toBe(3);
    });

    it('on a service removes all resources whose URI begins with its URI', async () => {
      await invalidate({ what: 'service', uri: web.url('/news/') });
      expect(await hrefs()).toEqual(['/weather', '/newspaper'].map((path) => web.url(path)));
    });

    it('on an unknown resource emits an event', async () => {
      await invalidate({ what: 'object', uri: 'http://else.example/' });
      expect(host.events.at(-1)).toMatchObject({
        kind: 'cache-operation',
        invalidateObjects: ['http://else.example/'],
        invalidateServices: [],
      });
      expect(await resources()).toHaveLength(4);
    });
  });
});

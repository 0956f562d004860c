/** Services that applications provide for each other: load order, conflicts and lifetime. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PushAppDefinition, PushAppInstance } from '../../../core/app/contract/push-app.js';
import type { AppToLoad } from '../../../core/app/index.js';
import { AppError, ConfigurationError } from '../../../core/errors.js';
import { type Bench, openBench } from '../support.js';

let bench: Bench;
let log: string[];

beforeEach(async () => {
  log = [];
  bench = await openBench();
});

afterEach(() => bench.runtime.stop());

interface Words {
  provides?: string[];
  needs?: string[];
  services?: Record<string, unknown>;
}

function app(id: string, { provides = [], needs = [], services }: Words = {}): PushAppDefinition {
  const made = Object.fromEntries(provides.map((name) => [name, { name: () => `${name} of ${id}` }]));
  return {
    id,
    accepts: ['text/plain'],
    needs,
    provides,
    start(context) {
      log.push(`start ${id}`);
      const injected: Record<string, unknown> = { ...context };
      for (const name of needs) log.push(`${id} has ${(injected[name] as { name(): string }).name()}`);
      const instance: PushAppInstance = {
        receive() {},
        stop: () => void log.push(`stop ${id}`),
        services: services ?? made,
      };
      return instance;
    },
  };
}

const loadAll = (...definitions: PushAppDefinition[]) =>
  bench.runtime.loadAll(definitions.map((definition): AppToLoad => ({ definition })));

const forecast = app('weather.ua', { provides: ['weather.forecast'] });
const news = app('news.ua', { needs: ['weather.forecast'] });

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a service of an application', () => {
  it('is available to applications that need it, in any order of the configuration', async () => {
    await loadAll(app('first.ua'), news, forecast, app('last.ua'));
    expect(log.filter((what) => /news|weather/.test(what))).toEqual([
      'start weather.ua',
      'start news.ua',
      'news.ua has weather.forecast of weather.ua',
    ]);
    expect(bench.runtime.eventAppIds).toEqual(['first.ua', 'last.ua', 'news.ua', 'weather.ua']);
  });

  it('is available to an application that is loaded later', async () => {
    await bench.runtime.load(forecast);
    await bench.runtime.load(news);
    expect(log.at(-1)).toBe('news.ua has weather.forecast of weather.ua');
  });

  it('stops after the applications that need it', async () => {
    await loadAll(
      app('a.ua', { needs: ['b.service'] }),
      app('b.ua', { needs: ['c.service'], provides: ['b.service'] }),
      app('c.ua', { provides: ['c.service'] }),
    );
    log = [];
    await bench.runtime.stop();
    expect(log).toEqual(['stop a.ua', 'stop b.ua', 'stop c.ua']);
  });

  it('cannot be unloaded while it is needed', async () => {
    await loadAll(forecast, news);
    await expect(bench.runtime.unload('weather.ua')).rejects.toThrow(
      'weather.ua cannot be unloaded: news.ua needs its "weather.forecast"; unload news.ua first',
    );
    expect(bench.runtime.eventAppIds).toEqual(['news.ua', 'weather.ua']);
    await bench.runtime.unload('news.ua');
    await bench.runtime.unload('weather.ua');
    expect(bench.runtime.eventAppIds).toEqual([]);
  });
});

describe('reports why applications cannot be loaded', () => {
  it.each<[string, PushAppDefinition[], string]>([
    [
      'no application provides a needed service',
      [app('news.ua', { needs: ['weather.forcast'] }), forecast],
      'news.ua: needs "weather.forcast", which no application of this host provides; did you mean "weather.forecast"?; existing services: clock, fetch, files, log, schedule, storage, weather.forecast; add the application that provides it to "apps"',
    ],
    [
      'two applications provide the same service',
      [forecast, app('other.ua', { provides: ['weather.forecast'] })],
      'weather.ua and other.ua both provide "weather.forecast": expected one provider; remove one of them',
    ],
    [
      'two applications need each other',
      [
        app('a.ua', { needs: ['b.service'], provides: ['a.service'] }),
        app('b.ua', { needs: ['a.service'], provides: ['b.service'] }),
      ],
      'a.ua needs "b.service" of b.ua, b.ua needs "a.service" of a.ua: circular needs; remove one of them',
    ],
    [
      'three applications need each other, and a fourth needs one of them',
      [
        app('x.ua', { needs: ['a.service'] }),
        app('a.ua', { needs: ['b.service'], provides: ['a.service'] }),
        app('b.ua', { needs: ['c.service'], provides: ['b.service'] }),
        app('c.ua', { needs: ['a.service'], provides: ['c.service'] }),
      ],
      'a.ua needs "b.service" of b.ua, b.ua needs "c.service" of c.ua, c.ua needs "a.service" of a.ua: circular needs',
    ],
    [
      'an application needs itself',
      [app('a.ua', { needs: ['a.service'], provides: ['a.service'] })],
      'a.ua needs "a.service" of a.ua: circular needs',
    ],
    [
      'a provided service has a name of the host',
      [app('a.ua', { provides: ['storage'] })],
      'a.ua: invalid provides[0] "storage": expected a name with a dot, like "weather.forecast": names without one are services of the host',
    ],
    [
      'a service is named twice',
      [app('a.ua', { provides: ['a.b', 'a.b'] })],
      'a.ua: duplicate provides[1] "a.b": name each service once',
    ],
    [
      '`provides` is not a list',
      [{ ...app('a.ua'), provides: 'a.b' as never }],
      'a.ua: invalid provides "a.b": expected names of services: provides: [\'weather.forecast\']',
    ],
  ])('%s', async (_, definitions, words) => {
    const error = await errorOf(loadAll(...definitions));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error)).toContain(words);
  });

  it('rejects a second provider of a loaded service', async () => {
    await bench.runtime.load(forecast);
    await expect(bench.runtime.load(app('other.ua', { provides: ['weather.forecast'] }))).rejects.toThrow(
      'weather.ua and other.ua both provide "weather.forecast"',
    );
  });

  it.each<[string, Words, string]>([
    [
      'it was not made',
      { provides: ['a.b'], services: {} },
      'a.ua: provides "a.b", but start() returned no such service: expected return { services: { \'a.b\': { … } }, … }',
    ],
    [
      'it is not an object',
      { provides: ['a.b'], services: { 'a.b': 'text' } },
      'a.ua: provides "a.b", but start() returned no such service',
    ],
    [
      'another was made',
      { provides: ['a.forecast'], services: { 'a.forecast': {}, 'a.forcast': {} } },
      'a.ua: start() returned the service "a.forcast", which provides does not name; did you mean "a.forecast"?',
    ],
    [
      'it was not announced',
      { services: { 'a.b': {} } },
      'a.ua: start() returned the service "a.b", which provides does not name: expected provides: [\'a.b\']',
    ],
  ])('%s', async (_, words, message) => {
    const error = await errorOf(bench.runtime.load(app('a.ua', words)));
    expect(error).toBeInstanceOf(AppError);
    expect(String(error)).toContain(message);
    expect(bench.runtime.eventAppIds).toEqual([]);
  });
});

/** Applications start at the same time; the host continues without those that are optional. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import type { AppOnPush, AppToLoad } from '../../../core/app/index.js';
import { AppError, ConfigurationError } from '../../../core/errors.js';
import { type Bench, newGate, openBench, settled, testApp } from '../support.js';

const NEVER = new Promise<never>(() => {});

let bench: Bench;

beforeEach(async () => {
  bench = await openBench();
});

afterEach(() => bench.runtime.stop());

type Start = PushAppDefinition['start'];

const started: Start = () => ({ receive() {} });

function app(id: string, start: Start = started, more: Partial<PushAppDefinition> = {}): AppToLoad {
  return { definition: testApp(() => {}, { id, start, ...more }) };
}

const failing = (id: string, more: Partial<PushAppDefinition> = {}) =>
  app(
    id,
    () => {
      throw new Error(`no ${id} today`);
    },
    more,
  );

const provider = (id: string, service: string) =>
  app(id, () => ({ receive() {}, services: { [service]: {} } }), { provides: [service] });

const optional = (one: AppToLoad): AppToLoad => ({ ...one, optional: true });

const warnings = () => bench.logs.filter(({ level }) => level === 'warn').map(({ message }) => message);

describe('applications that are loaded together', () => {
  it('start at the same time', async () => {
    const [one, other] = [newGate(), newGate()];
    const waits = (own: typeof one, for_: typeof one): Start => {
      return async () => {
        own.open();
        await for_.passed;
        return { receive() {} };
      };
    };
    await bench.runtime.loadAll([app('one.ua', waits(one, other)), app('other.ua', waits(other, one))]);
    expect(bench.runtime.eventAppIds).toEqual(['one.ua', 'other.ua']);
  });

  it('start after those whose services they need', async () => {
    const gate = newGate();
    const transferOf = newGate();
    const start = vi.fn(started);
    const slow = app(
      'weather.ua',
      async () => {
        transferOf.open();
        await gate.passed;
        return { receive() {}, services: { 'weather.forecast': {} } };
      },
      { provides: ['weather.forecast'] },
    );
    const loading = bench.runtime.loadAll([app('news.ua', start, { needs: ['weather.forecast'] }), slow]);
    await transferOf.passed;
    expect(start).not.toHaveBeenCalled();
    gate.open();
    await loading;
    expect(start).toHaveBeenCalledOnce();
  });

  it('start one after another if they have the same id, whose order decides', async () => {
    const happened: string[] = [];
    const iari = (name: string): AppToLoad =>
      app(
        'test.ua',
        async () => {
          happened.push(`start ${name}`);
          await new Promise(setImmediate);
          happened.push(`started ${name}`);
          return { receive() {} };
        },
        { iari: `urn:${name}` },
      );
    await bench.runtime.loadAll([iari('a'), iari('b')]);
    expect(happened).toEqual(['start a', 'started a', 'start b', 'started b']);
    expect(bench.runtime.resolve(['test.ua'], 'text/plain')).toMatchObject({ iari: 'urn:a' });
  });

  it('are loaded even if another fails, whose error is thrown', async () => {
    const error = await bench.runtime
      .loadAll([failing('bad.ua'), app('good.ua')])
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect(String(error)).toContain('bad.ua: start() failed: no bad.ua today');
    expect(bench.runtime.eventAppIds).toEqual(['good.ua']);
  });
});

describe('an optional application', () => {
  const circular = (id: string, needs: string, provides: string) =>
    app(id, started, { needs: [needs], provides: [provides] });

  it.each<[string, AppToLoad[], string]>([
    ['does not start', [failing('bad.ua')], 'bad.ua: start() failed: no bad.ua today'],
    [
      'has an invalid definition',
      [{ definition: { ...app('bad.ua').definition, accepts: [] } }],
      'bad.ua: invalid accepts, an empty list',
    ],
    ['has no definition', [{ definition: undefined as never }], 'missing push application'],
    [
      'needs a service that does not exist',
      [app('bad.ua', started, { needs: ['a.b'] })],
      'bad.ua: needs "a.b", which no application of this host provides',
    ],
    [
      'needs the service of one that does not start',
      [optional(failing('provider.ua', { provides: ['a.b'] })), app('bad.ua', started, { needs: ['a.b'] })],
      'bad.ua: needs "a.b" of provider.ua, which was not started',
    ],
    ['has circular needs', [circular('bad.ua', 'a.b', 'a.b')], 'circular needs'],
    [
      'provides the service of another',
      [provider('news.ua', 'news.list'), provider('bad.ua', 'news.list')],
      'news.ua and bad.ua both provide "news.list"',
    ],
    [
      'cannot be distinguished from another',
      [app('good.ua')],
      'good.ua (text/plain) cannot be loaded beside',
    ],
  ])('that %s is reported, and the others start', async (_, apps, words) => {
    const last = apps.length - 1;
    const mixed = apps.map((one, index) => (index === last ? optional(one) : one));
    await bench.runtime.loadAll([app('good.ua'), ...mixed]);
    expect(bench.runtime.eventAppIds).toContain('good.ua');
    expect(bench.runtime.eventAppIds).not.toContain('bad.ua');
    expect(warnings().at(-1)).toMatch(/^the optional application \S+ is left out: /);
    expect(warnings().at(-1)).toContain(words);
  });

  it('that is loaded at its first push is reported if its manifest is invalid', async () => {
    const onPush: AppOnPush = {
      manifest: { id: 'bad.ua', accepts: [] },
      load: async () => app('bad.ua').definition,
      optional: true,
    };
    await bench.runtime.loadAll([onPush, app('good.ua')]);
    expect(bench.runtime.eventAppIds).toEqual(['good.ua']);
    expect(warnings()).toEqual([expect.stringContaining('bad.ua: invalid accepts, an empty list')]);
  });

  it('does not excuse an application that needs it', async () => {
    const needing = app('news.ua', started, { needs: ['a.b'] });
    const loading = bench.runtime.loadAll([optional(failing('bad.ua', { provides: ['a.b'] })), needing]);
    const error = await loading.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error)).toContain('news.ua: needs "a.b" of bad.ua, which was not started');
  });
});

it('stop of the runtime does not wait for a start that never ends', async () => {
  const transferOf = newGate();
  let signal: AbortSignal | undefined;
  const hanging = app('hanging.ua', (context) => {
    signal = context.signal;
    transferOf.open();
    return NEVER;
  });
  const loading = bench.runtime.loadAll([optional(hanging)]).catch((error: unknown) => error);
  await transferOf.passed;
  // A clock that does not move: only the stop ends the start.
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  await bench.runtime.stop();
  vi.useRealTimers();
  expect(String(await loading)).toContain('hanging.ua: start() failed: the runtime is being stopped');
  expect(signal?.aborted).toBe(true);
  expect(warnings()).toEqual([]);
});

describe('pushes that wait for an application that is not loaded', () => {
  const busy: Partial<PushAppDefinition> = { delivery: 'durable', start: () => ({ receive: () => NEVER }) };

  it('are listed for each application, with their number and age', async () => {
    const clock = Date.now();
    await bench.runtime.loadAll([
      { definition: testApp(() => NEVER, { ...busy, id: 'gone.ua' }) },
      { definition: testApp(() => NEVER, { ...busy, id: 'changed.ua', accepts: ['image/*'] }) },
      { definition: testApp(() => NEVER, { ...busy, id: 'kept.ua', iari: 'urn:a' }) },
      { definition: testApp(() => NEVER, { ...busy, id: 'earlier.ua' }) },
    ]);
    vi.useFakeTimers();
    for (const id of ['gone.ua', 'gone.ua', 'kept.ua', 'earlier.ua']) await settled(bench.push({ id }));
    await settled(bench.push({ id: 'changed.ua', type: 'image/png' }));
    expect(bench.runtime.waitingPushes()).toEqual([]);
    await settled(bench.runtime.stop());
    vi.useRealTimers();
    bench = await bench.restart();
    await bench.runtime.loadAll([
      app('changed.ua'),
      { definition: testApp(() => NEVER, { ...busy, id: 'kept.ua', iari: 'urn:a' }) },
      { definition: testApp(() => NEVER, { ...busy, id: 'renamed.ua', replaces: ['earlier.ua'] }) },
    ]);
    const waiting = bench.runtime.waitingPushes();
    // The versions that declare other media types or another id receive the pushes.
    expect(waiting).toMatchObject([{ app: 'gone.ua', count: 2 }]);
    for (const { since } of waiting) expect(since.getTime()).toBeGreaterThanOrEqual(clock);
  });
});

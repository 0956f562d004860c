/** Loading and unloading of applications. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import type { AppHandle } from '../../../core/app/index.js';
import { AppError, ConfigurationError } from '../../../core/errors.js';
import { definePushApp } from '../../../sdk/index.js';
import { type Bench, newGate, openBench, settled, startBench, stopBench, testApp } from '../support.js';

const NEVER = new Promise<never>(() => {});

let bench: Bench;

beforeEach(async () => {
  bench = await startBench();
});

afterEach(() => stopBench(bench));

const app = (more: Partial<PushAppDefinition> = {}) => testApp(() => {}, more);

function expectNothingLoaded(): void {
  expect(bench.runtime.eventAppIds).toEqual([]);
  expect(bench.runtime.acceptedTypes()).toEqual([]);
  expect(bench.runtime.resolve(['test.ua'], 'text/plain')).toBe('unknown');
}

describe('loading', () => {
  it('lists canonical ids, sorted, and accepted types', async () => {
    const changes: string[][] = [];
    const unsubscribe = bench.runtime.onChange(() => changes.push([...bench.runtime.eventAppIds]));
    await bench.runtime.load(app({ id: 'x-wap-application:wml.ua', accepts: ['text/vnd.wap.si', 'a/b'] }));
    await bench.runtime.load(app({ id: 'mms.ua', accepts: ['a/b'] }));
    await bench.runtime.load(app({ id: 'x-wap-vodafone:mms.ua', accepts: ['c/*'] }));
    await settled(bench.runtime.unload('wml.ua'));
    unsubscribe();
    await settled(bench.runtime.unload('mms.ua'));
    expect(changes).toEqual([
      ['wml.ua'],
      ['mms.ua', 'wml.ua'],
      ['mms.ua', 'wml.ua', 'x-wap-vodafone:mms.ua'],
      ['mms.ua', 'x-wap-vodafone:mms.ua'],
    ]);
    expect(bench.runtime.acceptedTypes()).toEqual(['c/*']);
    expect(bench.runtime.acceptedTypes(['mms.ua'])).toEqual([]);
  });

  it('notifies listeners once of several simultaneous changes, even if one of them fails', async () => {
    const changes: string[][] = [];
    bench.runtime.onChange(() => changes.push([...bench.runtime.eventAppIds]));
    await bench.runtime.load(app({ id: 'one.ua' }));
    await bench.runtime.asOneChange(async () => {
      await settled(bench.runtime.unloadAll());
      await bench.runtime.load(app({ id: 'two.ua' }));
    });
    const failing = bench.runtime.asOneChange(async () => {
      await settled(bench.runtime.unloadAll());
      throw new Error('no such file');
    });
    await expect(failing).rejects.toThrow('no such file');
    await bench.runtime.asOneChange(() => Promise.resolve());
    expect(changes).toEqual([['one.ua'], ['two.ua'], []]);
  });

  it('passes to start the options, the signal and only the services that it needs', async () => {
    const start = vi.fn<PushAppDefinition['start']>(() => ({ receive() {} }));
    await bench.runtime.load(app({ needs: ['log', 'clock', 'log'], start }), { servers: [1] });
    const [context] = start.mock.calls[0] ?? [];
    expect(Object.keys(context ?? {}).sort()).toEqual(['clock', 'emit', 'log', 'options', 'signal']);
    expect(context?.options).toEqual({ servers: [1] });
    expect(Reflect.get(context ?? {}, 'clock').now()).toEqual(new Date());
  });

  it('of an application that needs an unknown service names both, and the known services', async () => {
    const needing = (...needs: string[]) => app({ needs: needs as 'log'[] });
    await expect(bench.runtime.load(needing('telephone'))).rejects.toThrow(
      'test.ua: needs "telephone", which is not a service of this host; existing services: clock, fetch, files, log, schedule, storage',
    );
    await expect(bench.runtime.load(needing('log', 'storag'))).rejects.toThrow('did you mean "storage"?');
    await expect(bench.runtime.load(needing('constructor'))).rejects.toThrow(ConfigurationError);
    expectNothingLoaded();
    // Only the record of the run.
    expect(await bench.store.keys().all()).toEqual(['push/run']);
  });

  it.each<[string, PushAppDefinition['start'], string]>([
    [
      'throws',
      () => {
        throw new Error('no database');
      },
      'test.ua: start() failed: no database',
    ],
    ['rejects', () => Promise.reject('a string'), 'test.ua: start() failed: a string'],
    ['never ends', () => NEVER, 'test.ua: start() failed: start() did not end within 10 s'],
    ['returns nothing', () => undefined as never, 'test.ua: start() returned no receive function'],
    ['returns no receive', () => ({}) as never, 'test.ua: start() returned no receive function'],
    [
      'returns a hook with a wrong name',
      () => ({ receive() {}, onAlarm() {} }),
      'test.ua: start() returned "onAlarm", which the host does not know; did you mean "alarm"?',
    ],
    [
      'returns receive with a wrong name',
      () => ({ recieve() {} }) as never,
      'test.ua: start() returned "recieve", which the host does not know; did you mean "receive"?',
    ],
    [
      'returns what the contract does not know',
      () => ({ receive() {}, onMessage() {} }),
      'test.ua: start() returned "onMessage", which the host does not know: expected one of receive, consider, describe, alarm, negotiated, stop, queries, services',
    ],
  ])(
    'of an application whose start %s is an error that names it, and the application is not loaded',
    async (_, start, words) => {
      let signal: AbortSignal | undefined;
      const loading = bench.runtime.load(
        app({
          start(context) {
            signal = context.signal;
            return start(context);
          },
        }),
      );
      const failure = loading.catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(await failure).toBeInstanceOf(AppError);
      expect(String(await failure)).toContain(words);
      expect(signal?.aborted).toBe(true);
      expectNothingLoaded();
      await bench.runtime.load(app());
      expect(await bench.push()).toMatchObject({ accepted: true });
    },
  );

  it('of an application that starts after its deadline stops it', async () => {
    const stop = vi.fn();
    const late = new Promise<void>((resolve) => setTimeout(resolve, 12_000));
    const loading = bench.runtime.load(app({ start: () => late.then(() => ({ receive() {}, stop })) }));
    const failure = loading.catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(await failure).toBeInstanceOf(AppError);
    expect(stop).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(stop).toHaveBeenCalledOnce();
  });

  it('survives a listener that throws', async () => {
    bench.runtime.onChange(() => {
      throw new Error('listener');
    });
    await bench.runtime.load(app());
    expect(bench.runtime.eventAppIds).toEqual(['test.ua']);
    expect(bench.logs.at(-1)?.message).toContain('listener');
  });
});

describe('two applications with one event-app-id', () => {
  it.each<[string, Partial<PushAppDefinition>, Partial<PushAppDefinition>]>([
    ['the same', {}, {}],
    ['the same by its full URN', {}, { id: 'x-wap-application:test.ua' }],
    ['a type within a range', { accepts: ['text/*'] }, { accepts: ['text/plain'] }],
    ['a range over a type', { accepts: ['a/b', 'text/plain'] }, { accepts: ['text/*'] }],
    ['the same IARI', { iari: 'urn:a' }, { iari: 'urn:a' }],
  ])('that cannot be distinguished (%s): the second is an error that names both', async (_, one, other) => {
    await bench.runtime.load(app(one));
    const error = await bench.runtime.load(app(other)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error)).toMatch(/test\.ua \(.*\) cannot be loaded beside test\.ua \(.*\)/);
    expect(bench.runtime.eventAppIds).toEqual(['test.ua']);
  });

  it('are distinguished by media type', async () => {
    const received: string[] = [];
    await bench.runtime.load(testApp(() => void received.push('png'), { accepts: ['image/png'] }));
    await bench.runtime.load(testApp(() => void received.push('text'), { accepts: ['text/*'] }));
    await bench.push({ type: 'text/vnd.wap.sl' });
    await bench.push({ type: 'image/png' });
    expect(received).toEqual(['text', 'png']);
    expect(bench.runtime.resolve(['test.ua'], 'image/gif')).toBe('type');
  });

  it('are distinguished by IARI; one without an IARI receives all other pushes', async () => {
    const named = (iari: string) => app({ iari });
    await bench.runtime.load(named('urn:a'));
    await bench.runtime.load(named('urn:b'));
    const resolve = (iari?: string) => {
      const found = bench.runtime.resolve(['test.ua'], 'text/plain', iari);
      return typeof found === 'string' ? found : (found.iari ?? 'general');
    };
    expect([resolve('urn:a'), resolve('urn:b'), resolve('urn:c'), resolve()]).toEqual([
      'urn:a',
      'urn:b',
      'unknown',
      'urn:a',
    ]);
    await bench.runtime.load(app());
    expect([resolve('urn:a'), resolve('urn:c'), resolve()]).toEqual(['urn:a', 'general', 'general']);
    await settled(bench.runtime.unload('test.ua', 'urn:a'));
    expect([resolve('urn:a'), resolve('urn:b')]).toEqual(['general', 'urn:b']);
  });

  it('have separate storages, which a later version keeps', async () => {
    const counting = (accepts: string[], counts: unknown[]) =>
      definePushApp({
        id: 'test.ua',
        accepts,
        needs: ['storage'],
        start: ({ storage }) => ({
          async receive() {
            const count = Number((await storage.get('n')) ?? 0) + 1;
            await storage.put('n', count);
            counts.push(count);
          },
        }),
      });
    const png: unknown[] = [];
    const text: unknown[] = [];
    await bench.runtime.load(counting(['image/png'], png));
    await bench.runtime.load(counting(['text/plain'], text));
    await bench.push({ type: 'image/png' });
    await bench.push();
    await bench.push();
    await settled(bench.runtime.stop());
    bench = await openBench({ store: bench.store });
    // The order is different, and one application accepts more types.
    await bench.runtime.load(counting(['text/plain'], text));
    await bench.runtime.load(counting(['image/gif', 'image/png'], png));
    await bench.push();
    await bench.push({ type: 'image/gif' });
    expect(text).toEqual([1, 2, 3]);
    expect(png).toEqual([1, 2]);
  });
});

describe('the application of a push', () => {
  it('is the first application in the list that accepts the media type', async () => {
    await bench.runtime.load(app({ id: 'a.ua', accepts: ['a/a'] }));
    await bench.runtime.load(app({ id: 'b.ua', accepts: ['a/a', 'b/b'] }));
    const resolve = (ids: string[], type: string) => {
      const found: AppHandle | string = bench.runtime.resolve(ids, type);
      return typeof found === 'string' ? found : found.eventAppId;
    };
    expect(resolve(['b.ua', 'a.ua'], 'a/a')).toBe('b.ua');
    expect(resolve(['a.ua', 'b.ua'], 'a/a')).toBe('a.ua');
    expect(resolve(['x.ua', 'a.ua', 'b.ua'], 'B/B')).toBe('b.ua');
    expect(resolve(['x-wap-application:a.ua'], 'a/a')).toBe('a.ua');
    expect(resolve(['x.ua', 'a.ua'], 'c/c')).toBe('type');
    expect(resolve(['x.ua'], 'a/a')).toBe('unknown');
    expect(resolve([], 'a/a')).toBe('unknown');
  });
});

describe('unloading', () => {
  it('aborts the signals, then waits for receive, then for stop', async () => {
    const log: string[] = [];
    await bench.runtime.load(
      app({
        start({ signal }) {
          signal.addEventListener('abort', () => log.push('signal'));
          return {
            async receive(push) {
              await new Promise((resolve) => push.signal.addEventListener('abort', resolve));
              log.push('receive');
            },
            async stop() {
              await new Promise((resolve) => setTimeout(resolve, 1_000));
              log.push('stop');
            },
          };
        },
      }),
    );
    const outcome = bench.push();
    await vi.advanceTimersByTimeAsync(0);
    const unloading = bench.runtime.unload('test.ua').then(() => log.push('unloaded'));
    await vi.advanceTimersByTimeAsync(0);
    expectNothingLoaded();
    await vi.advanceTimersByTimeAsync(1_000);
    await unloading;
    expect(log).toEqual(['signal', 'receive', 'stop', 'unloaded']);
    expect(await outcome).toMatchObject({ accepted: true });
  });

  it.each<[string, () => unknown]>([
    ['never ends', () => NEVER],
    [
      'throws',
      () => {
        throw new Error('x');
      },
    ],
    ['rejects', () => Promise.reject(undefined)],
  ])('finishes when stop %s; running deliveries fail', async (_, stop) => {
    await bench.runtime.load(app({ start: () => ({ receive: () => NEVER, stop: stop as () => void }) }));
    const outcome = bench.push();
    await vi.advanceTimersByTimeAsync(0);
    await settled(bench.runtime.unload('test.ua'));
    expect(await outcome).toMatchObject({
      accepted: false,
      kind: 'failed',
      reason: 'test.ua: is being stopped',
    });
    expect(bench.logs.at(-1)).toMatchObject({ level: 'warn', app: 'test.ua' });
  });

  it('waits three seconds for running deliveries before stop', async () => {
    const log: string[] = [];
    const receive = async () => {
      await new Promise((resolve) => setTimeout(resolve, 2_900));
      log.push('received');
    };
    await bench.runtime.load(app({ start: () => ({ receive, stop: () => void log.push('stop') }) }));
    const outcome = bench.push();
    await vi.advanceTimersByTimeAsync(0);
    const unloading = bench.runtime.unload('test.ua');
    await vi.advanceTimersByTimeAsync(0);
    expect(log).toEqual([]);
    await settled(unloading);
    expect(await outcome).toMatchObject({ accepted: true });
    expect(log).toEqual(['received', 'stop']);
  });

  it('delivers nothing to an application that is stopping', async () => {
    const receive = vi.fn();
    await bench.runtime.load(testApp(receive));
    const direct = bench.push();
    await bench.runtime.unload('test.ua');
    expect(await direct).toMatchObject({ accepted: false, kind: 'busy' });
    await bench.runtime.load(testApp(receive, { delivery: 'durable' }));
    const gate = newGate();
    const batch = bench.store.batch.bind(bench.store);
    const writes = vi
      .spyOn(bench.store, 'batch')
      .mockImplementationOnce(
        (...args: unknown[]) => gate.passed.then(() => Reflect.apply(batch, undefined, args)) as never,
      );
    const durable = bench.push();
    await vi.waitFor(() => expect(writes).toHaveBeenCalled());
    const unloaded = bench.runtime.unload('test.ua');
    gate.open();
    await unloaded;
    expect(await durable).toMatchObject({ accepted: true });
    expect(receive).not.toHaveBeenCalled();
    await bench.runtime.load(testApp(receive, { delivery: 'durable' }));
    await vi.advanceTimersByTimeAsync(0);
    expect(receive).toHaveBeenCalledOnce();
  });

  it('of an application that is not loaded is an error', async () => {
    await bench.runtime.load(app());
    await expect(bench.runtime.unload('other.ua')).rejects.toThrow(
      'other.ua is not loaded; loaded applications: test.ua',
    );
    await expect(bench.runtime.unload('test.ua', 'urn:a')).rejects.toThrow(ConfigurationError);
  });

  it('and reloading run one after the other', async () => {
    const log: string[] = [];
    const version = (name: string) =>
      app({
        start: () => {
          log.push(`start ${name}`);
          return {
            receive() {},
            async stop() {
              await new Promise((resolve) => setTimeout(resolve, 100));
              log.push(`stop ${name}`);
            },
          };
        },
      });
    await bench.runtime.load(version('1'));
    const done = Promise.all([bench.runtime.unload('test.ua'), bench.runtime.load(version('2'))]);
    await vi.advanceTimersByTimeAsync(100);
    await done;
    expect(log).toEqual(['start 1', 'stop 1', 'start 2']);
  });
});

describe('stop of the runtime', () => {
  it('ends running deliveries, and does not use the store afterwards', async () => {
    await bench.runtime.load(testApp(() => NEVER, { delivery: 'durable' }));
    await bench.runtime.load(testApp(() => NEVER, { id: 'direct.ua' }));
    const outcomes = [bench.push(), bench.push({ id: 'direct.ua' })];
    await vi.advanceTimersByTimeAsync(0);
    await settled(bench.runtime.stop());
    expect(await Promise.all(outcomes)).toMatchObject([
      { accepted: true },
      { accepted: false, kind: 'failed' },
    ]);
    await bench.store.close();
    await vi.advanceTimersByTimeAsync(10_000_000);
    expect(bench.logs.filter(({ level }) => level === 'error')).toEqual([]);
    await expect(bench.runtime.load(app())).rejects.toThrow('it is closed');
    await settled(bench.runtime.stop());
  });
});

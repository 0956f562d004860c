/** The contract of an application is the same in a worker as without one. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import { PushRuntime } from '../../../core/app/index.js';
import type { WorkerIsolation } from '../../../core/app/isolation/isolated.js';
import { AppError, ConfigurationError } from '../../../core/errors.js';
import { systemClock } from '../../../core/time/clock.js';
import { eventually } from '../../support/wait.js';
import { type Bench, openBench, testApp, transferOf } from '../support.js';
import { app, inWorker } from './support.js';

let bench: Bench;

beforeEach(async () => {
  bench = await openBench({ clock: systemClock });
  await bench.runtime.start();
});

afterEach(() => bench.runtime.stop());

const load = async (source: string, options?: unknown, isolation?: WorkerIsolation) =>
  bench.runtime.load(await inWorker(source, isolation), options);

/** The fields of the events that the application emits with the kind `reported`. */
const emitted = () =>
  bench.events
    .filter(({ kind }) => kind === 'reported')
    .map(({ app: _, kind: __, id: ___, ...fields }) => fields);

/** An application whose `receive` has this body. */
const receiving = (body: string, more = '', head = '') =>
  app(
    `${more} start: (context) => { const { emit, storage, files, fetch, log, clock } = context;
      return { async receive(push) { const { commit, signal } = push; ${body} } }; }`,
    head,
  );

it('reads the definition from the module before start', async () => {
  const definition = await inWorker(`
    export default {
      id: 'x-wap-application:other.ua', accepts: ['text/plain', 'image/*'], delivery: 'durable',
      needs: ['storage'], maxSize: 1000, timeout: 3, iari: 'urn:urn-7:test', replaces: ['old.ua'],
      order: ({ from }) => from, events: { one: true }, queries: { two: true },
      start() { throw new Error('not yet'); },
    };`);
  expect(definition).toMatchObject({
    id: 'x-wap-application:other.ua',
    accepts: ['text/plain', 'image/*'],
    delivery: 'durable',
    needs: ['storage'],
    maxSize: 1000,
    timeout: 3,
    replaces: ['old.ua'],
    order: 'serial',
    events: { one: true },
    queries: { two: true },
    iari: 'urn:urn-7:test',
  });
});

it('agrees with the manifest of its package, which does not name the log of the worker', async () => {
  const definition = await inWorker(app('start: () => ({ receive() {} })'));
  const events = ['accepted', 'reported'];
  await bench.runtime.loadAll([{ definition, manifest: { id: 'test.ua', accepts: ['text/plain'], events } }]);
  expect(bench.runtime.eventAppIds).toEqual(['test.ua']);
});

describe('receive', () => {
  it('receives the push, and accepts it by resolving', async () => {
    await load(
      receiving(`
        const { content, from, mode, headers, fileName, attempt } = push;
        const text = await push.text();
        emit('reported', { from, mode, headers, fileName, attempt, text, options: context.options, size: content.size, type: content.type,
          date: push.receivedAt instanceof Date, frozen: Object.isFrozen(push), aborted: signal.aborted });`),
      { some: ['thing'] },
    );
    const push = { headers: { 'x-wap-content-uri': 'u' }, fileName: 'a.txt' };
    expect(await bench.push(push)).toMatchObject({ accepted: true });
    expect(emitted()).toEqual([
      expect.objectContaining({
        text: 'hello',
        size: 5,
        type: { type: 'text/plain', parameters: {} },
        options: { some: ['thing'] },
        from: 'sip:psa@domain.test',
        mode: 'pager',
        headers: { 'x-wap-content-uri': 'u' },
        fileName: 'a.txt',
        attempt: 1,
        date: true,
        frozen: true,
        aborted: false,
      }),
    ]);
  });

  const refused =
    'const refused = (kind, reason, more) => Object.assign(new Error(reason), { [Symbol.for("sip-push.refusal")]: true, kind, ...more });';

  it.each([
    ['a refusal', 'throw refused("declined", "not today")', { kind: 'declined', reason: 'not today' }],
    [
      'a refusal with a time',
      'throw refused("busy", "x", { retryAfter: 7 })',
      { kind: 'busy', retryAfter: 7 },
    ],
    [
      'an error',
      'throw new TypeError("no such thing")',
      { kind: 'failed', reason: 'test.ua threw: no such thing' },
    ],
    ['a string', 'throw "text"', { kind: 'failed', reason: 'test.ua threw: text' }],
    [
      'what cannot be copied',
      'throw { f() {} }',
      { kind: 'failed', reason: 'test.ua threw: [object Object]' },
    ],
    ['nothing', 'throw undefined', { kind: 'failed', reason: 'test.ua threw: undefined' }],
    [
      'an error that cannot be read',
      'throw Object.defineProperty(new Error("x"), "message", { get() { throw 1; } })',
      { kind: 'failed' },
    ],
  ])('can throw %s', async (_, thrown, outcome) => {
    await load(receiving(thrown, '', refused));
    expect(await bench.push()).toMatchObject({ accepted: false, ...outcome });
  });

  it('has a deadline, and a signal that is aborted then', async () => {
    await load(
      receiving(
        `await new Promise((resolve) => signal.addEventListener('abort', resolve));
         emit('reported', { name: signal.reason.name, message: signal.reason.message });`,
        'timeout: 0.2,',
      ),
    );
    expect(await bench.push()).toMatchObject({ accepted: false, kind: 'failed' });
    await eventually('the signal is aborted', () => emitted()[0]);
    expect(emitted()).toEqual([
      { name: 'TimeoutError', message: 'test.ua did not answer within 0.2 s (timeout)' },
    ]);
  });

  it('opens content repeatedly and by range, and rejects an invalid range at once', async () => {
    const text = 'x'.repeat(100_000);
    await load(
      receiving(`
        const read = async (range) => {
          let size = 0;
          for await (const chunk of push.content.open(range)) size += chunk.length;
          return size;
        };
        const wrong = await Promise.resolve().then(() => push.content.open({ start: -1 })).catch((error) => error.name);
        const limited = await push.content.bytes(10).catch((error) => [error.name, error.message]);
        emit('reported', { all: await read(), part: await read({ start: 10, end: 19 }), rest: await read({ start: 99_990 }),
          wrong, limited });`),
    );
    expect(await bench.push({ text })).toMatchObject({ accepted: true });
    expect(emitted()).toEqual([
      {
        all: 100_000,
        part: 10,
        rest: 10,
        wrong: 'RangeError',
        limited: ['LimitError', 'the content has 100000 bytes: expected at most 10'],
      },
    ]);
  });
});

describe('commit', () => {
  it('ends the push and writes storage in one step', async () => {
    await load(
      receiving(
        `const result = await commit((tx) => {
          tx.put('value', { at: 0, gone: undefined });
          tx.put('bytes', new Uint8Array([9, 1, 2, 3]).subarray(1));
          return tx;
        }).then((tx) => typeof tx.put);
        const again = await commit().catch((error) => error.name);
        emit('reported', { value: await storage.get('value'), bytes: [...(await storage.get('bytes'))], again, result });
        throw new Error('too late to matter');`,
        `needs: ['storage'], delivery: 'durable',`,
      ),
    );
    expect(await bench.push()).toMatchObject({ accepted: true });
    await eventually('an event', () => emitted()[0]);
    expect(emitted()).toEqual([
      { value: { at: 0 }, bytes: [1, 2, 3], again: 'AppError', result: 'function' },
    ]);
    expect(await bench.runtime.deadLetters()).toEqual([]);
  });

  it('rejects an invalid operation, and can be called again', async () => {
    await load(
      receiving(`
        const errors = [];
        for (const write of [(tx) => tx.put(1, 1), (tx) => tx.put('x', 1n), 'x', (tx) => tx.put('x', () => {})]) {
          await commit(write).catch(({ name }) => errors.push(name));
        }
        emit('reported', { errors });`),
    );
    expect(await bench.push()).toMatchObject({ accepted: true });
    expect(emitted()).toEqual([
      { errors: ['ConfigurationError', 'ConfigurationError', 'ConfigurationError', 'ConfigurationError'] },
    ]);
  });
});

describe('services', () => {
  it('storage: lists entries in order, and reads no more than requested', async () => {
    await load(
      receiving(
        `for (let index = 10; index < 60; index++) await storage.put('k' + index, index);
        await storage.put('l', 1);
        await storage.delete('l');
        const all = [];
        for await (const [key, value] of storage.entries({ prefix: 'k', after: 'k20' })) all.push(key, value);
        const first = [];
        for await (const entry of storage.entries()) { first.push(entry); if (first.length === 2) break; }
        const wrong = await storage.put('x', undefined).catch((error) => error.message);
        const range = await storage.entries({ limit: -1 }).next().catch((error) => error.name);
        emit('reported', { count: all.length, last: all.slice(-2), first, missing: await storage.get('no'), wrong, range });`,
        `needs: ['storage'],`,
      ),
    );
    expect(await bench.push()).toMatchObject({ accepted: true });
    expect(emitted()).toEqual([
      {
        count: 78,
        last: ['k59', 59],
        first: [
          ['k10', 10],
          ['k11', 11],
        ],
        wrong: 'storage value for "x" is undefined: expected JSON or a Uint8Array; delete removes a key',
        range: 'ConfigurationError',
      },
    ]);
  });

  it('files: writes, reads and removes files, and discards an incomplete one', async () => {
    await load(
      receiving(
        `const kept = await files.write(push.content.open());
        const read = async (range) => new TextDecoder().decode(await new Response(await files.open(kept.name, range)).arrayBuffer());
        const broken = new ReadableStream({ pull(controller) { controller.error(new RangeError('half')); } });
        const error = await files.write(broken).catch((error) => [error.name, error.message]);
        const odd = await files.write(new ReadableStream({ pull(c) { c.enqueue('text'); } })).catch((error) => error.name);
        emit('reported', { size: kept.size, sha256: kept.sha256.length, all: await read(), part: await read({ start: 1, end: 2 }),
          list: (await files.list()).length, error, odd, missing: await files.open('no').catch((error) => error.name) });
        await files.remove(kept.name);
        emit('reported', { list: (await files.list()).length });`,
        `needs: ['files'],`,
      ),
    );
    expect(await bench.push()).toMatchObject({ accepted: true });
    expect(emitted()).toEqual([
      {
        size: 5,
        sha256: 64,
        all: 'hello',
        part: 'el',
        list: 1,
        error: ['RangeError', 'half'],
        odd: 'MalformedError',
        missing: 'ConfigurationError',
      },
      { list: 0 },
    ]);
  });

  it('fetch: streams both bodies, keeps the code of errors, and obeys the signal', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/slow') return void response.write('x');
      request.pipe(response.setHeader('x-method', request.method ?? ''));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const runtime = await PushRuntime.open({
      store: bench.store,
      emit: (event) => bench.events.push(event),
      fetch: { allow: [origin] },
    });
    await runtime.load(
      await inWorker(
        app(`needs: ['fetch'], start: ({ fetch, emit }) => ({ receive() {}, queries: { async fetch({ origin }) {
          const answer = await fetch(origin, { method: 'POST', body: new TextEncoder().encode('thing') });
          const { url, status, headers } = answer;
          const body = new TextDecoder().decode(await answer.bytes(10));
          const forbidden = await fetch('http://10.0.0.1/').catch(({ name, code, transient }) => ({ name, code, transient }));
          const controller = new AbortController();
          const slow = await fetch(origin + '/slow', { signal: controller.signal });
          const reason = new Error('cancelled');
          controller.abort(reason);
          const cut = await slow.bytes(10).catch((error) => error === reason);
          const ahead = await fetch(origin, { signal: controller.signal }).catch((error) => error === reason);
          return { status, method: headers['x-method'], url, body, forbidden, cut, ahead };
        } } }) `),
      ),
    );
    expect(await runtime.query('test.ua', 'fetch', { origin })).toEqual({
      status: 200,
      method: 'POST',
      url: `${origin}/`,
      body: 'thing',
      forbidden: { name: 'FetchError', code: 'not-allowed', transient: false },
      cut: true,
      ahead: true,
    });
    await runtime.stop();
    server.closeAllConnections();
    server.close();
  });

  it('log: the host logs its lines and its standard output', async () => {
    await load(
      receiving(
        `log.warn('careful'); console.log('printed'); console.error('complained');`,
        `needs: ['log'],`,
      ),
    );
    await bench.push();
    for (const message of ['careful', 'printed', 'complained']) {
      const line = await eventually(message, () => bench.logs.find((record) => record.message === message));
      expect(line.app).toBe('test.ua');
    }
  });

  it('clock: follows the clock of the host, including a test clock', async () => {
    const own = await openBench({ clock: { ...systemClock, now: () => 86_400_000 } });
    await own.runtime.load(
      await inWorker(
        app(
          `needs: ['clock'], start: ({ clock }) => ({ receive() {}, queries: { now: () => clock.now().toISOString() } })`,
        ),
      ),
    );
    expect(await own.runtime.query('test.ua', 'now')).toMatch(/^1970-01-02T00:00:00/);
    await own.runtime.stop();
  });

  it('emit: throws at once for an event that is not declared, or is not JSON', async () => {
    await load(
      receiving(`
        const messages = [];
        for (const args of [['other'], ['reported', { date: new Date(0) }], ['reported', { app: 'x' }]]) {
          try { emit(...args); } catch ({ message }) { messages.push(message); }
        }
        emit('reported', { messages });`),
    );
    expect(await bench.push()).toMatchObject({ accepted: true });
    expect(emitted()).toEqual([
      {
        messages: [
          'test.ua: unknown event "other": expected one of reported, accepted',
          'test.ua: event "reported", at date, is an instance of Date (use toISOString): JSON cannot hold it',
          'test.ua: event "reported" has the field "app", which the host adds to events: rename it',
        ],
      },
    ]);
  });

  it('are absent and not callable if it does not need them', async () => {
    await load(
      receiving(
        `const answer = new Promise((resolve) => hostPort.on('message', (message) => message.id === 77 && resolve(message)));
        hostPort.postMessage({ type: 'call', id: 77, name: 'service', args: { service: 'storage', method: 'get', args: ['x'] } });
        emit('reported', { storage: typeof storage, answer: (await answer).error.message });`,
      ),
    );
    expect(await bench.push()).toMatchObject({ accepted: true });
    expect(emitted()).toEqual([{ storage: 'undefined', answer: 'unknown function storage.get' }]);
  });
});

describe('hooks', () => {
  const HOOKS = `start: ({ emit }) => ({
    receive() {},
    consider(offer) { emit('reported', { offer, frozen: Object.isFrozen(offer) });
      if (offer.size > 10) throw Object.assign(new Error('too much'), { [Symbol.for('sip-push.refusal')]: true, kind: 'declined' }); },
    describe: async (push) => ({ title: await push.text(), text: push.from }),
    queries: { args: (args) => ({ args }), other() { throw new Error('nothing is stored'); } },
    negotiated(sender) { emit('reported', { sender }); },
    stop() { emit('reported', { stopped: true }); },
  })`;

  it('consider, describe, query, negotiated and stop', async () => {
    await load(app(HOOKS));
    const found = bench.runtime.resolve(['test.ua'], 'text/plain');
    if (typeof found === 'string') throw new Error(found);
    const offer = { from: 'sip:psa@domain.test', type: 'text/plain', size: 5 };
    expect(await bench.runtime.consider(found, offer)).toBeUndefined();
    expect(await bench.runtime.consider(found, { ...offer, size: 50 })).toEqual({
      kind: 'declined',
      reason: 'too much',
    });
    expect(emitted()[0]).toEqual({ offer, frozen: true });
    const outcome = await bench.push();
    expect(await bench.runtime.describe(outcome.pushId ?? '')).toEqual({
      title: 'hello',
      text: 'sip:psa@domain.test',
    });
    expect(await bench.runtime.query('test.ua', 'args', [1])).toEqual({ args: [1] });
    await expect(bench.runtime.query('test.ua', 'other')).rejects.toThrow('nothing is stored');
    bench.runtime.negotiated('sip:psa@domain.test', ['test.ua']);
    await bench.runtime.query('test.ua', 'args');
    expect(emitted().at(-1)).toEqual({ sender: { uri: 'sip:psa@domain.test', supported: true } });
    await bench.runtime.unload('test.ua');
    expect(emitted().at(-1)).toEqual({ stopped: true });
  });

  it('queries that the definition does not name can have the names of inherited properties', async () => {
    await load(app('start: () => ({ receive() {}, queries: { constructor: () => 1, toString: () => 2 } })'));
    expect(await bench.runtime.query('test.ua', 'constructor')).toBe(1);
    expect(await bench.runtime.query('test.ua', 'toString')).toBe(2);
  });

  it('are absent for the host if the instance has none', async () => {
    await load(app('start: () => ({ receive() {} })'));
    await expect(bench.runtime.query('test.ua', 'x')).rejects.toThrow(
      'test.ua: unknown query "x": it has no queries',
    );
    const outcome = await bench.push();
    expect(await bench.runtime.describe(outcome.pushId ?? '')).toMatchObject({ title: 'Push for test.ua' });
  });

  it('notifies a restarted worker of the senders again', async () => {
    await load(
      app(
        `start: ({ emit }) => ({ receive() { process.exit(1); }, negotiated(sender) { emit('reported', sender); } })`,
      ),
    );
    bench.runtime.negotiated('sip:psa@domain.test', ['test.ua']);
    await eventually('an event', () => emitted()[0]);
    expect(await bench.push()).toMatchObject({ accepted: false });
    await eventually('a second event', () => emitted()[1]);
    expect(emitted()[1]).toEqual(emitted()[0]);
  });

  it('a hook that always throws affects no other application', async () => {
    const all = ['consider', 'receive', 'describe', 'negotiated', 'stop'];
    await load(
      app(`start: () => ({ ${all.map((hook) => `${hook}() { throw new Error('${hook}'); }`).join(', ')},
        queries: { x() { throw new Error('query'); } } })`),
    );
    const found = bench.runtime.resolve(['test.ua'], 'text/plain');
    if (typeof found === 'string') throw new Error(found);
    const offer = { from: 'sip:psa@domain.test', type: 'text/plain' };
    expect(await bench.runtime.consider(found, offer)).toMatchObject({ kind: 'failed' });
    expect(await bench.push()).toMatchObject({ accepted: false, reason: 'test.ua threw: receive' });
    await expect(bench.runtime.query('test.ua', 'x')).rejects.toThrow(AppError);
    bench.runtime.negotiated('sip:psa@domain.test', []);
    await bench.runtime.unload('test.ua');
    expect(bench.logs.map(({ message }) => message)).toEqual(
      expect.arrayContaining(['negotiated() failed: negotiated', 'stop() failed: stop']),
    );
  });
});

describe('options', () => {
  const schema = `options: { '~standard': { version: 1, vendor: 'test', validate: (value) => Array.isArray(value.cities)
    ? { value: { ...value, count: value.cities.length, at: () => 1 } }
    : { issues: [{ message: 'expected a list', path: ['cities', { key: 0 }] }] } } },`;

  it('are validated and parsed by its own schema', async () => {
    await load(receiving(`emit('reported', { ...context.options, at: context.options.at() });`, schema), {
      cities: ['Bonn'],
    });
    expect(await bench.push()).toMatchObject({ accepted: true });
    expect(emitted()).toEqual([{ cities: ['Bonn'], count: 1, at: 1 }]);
  });

  it('are rejected with the same error as without a worker', async () => {
    await expect(load(receiving('', schema))).rejects.toThrow(
      new ConfigurationError('test.ua: options.cities[0]: expected a list'),
    );
  });
});

describe('services of other applications', () => {
  const provider = app(
    `id: 'provider.ua', provides: ['weather.forecast'], start: () => ({
      receive() {},
      services: { 'weather.forecast': {
        async today(city) { if (city === 'x') throw new RangeError('no such city'); return { city, at: new Date(0) }; },
      } },
    })`,
  ).replace("id: 'test.ua', ", '');
  const user = receiving(
    `const forecast = context['weather.forecast'];
     const wrong = await forecast.today('x').catch(({ name, message }) => ({ name, message }));
     const { city, at } = await forecast.today('Bonn');
     emit('reported', { forecast: { city, at: at.toISOString() }, wrong, methods: Object.keys(forecast) });`,
    `needs: ['weather.forecast'],`,
  );
  const expected = {
    forecast: { city: 'Bonn', at: '1970-01-01T00:00:00.000Z' },
    wrong: { name: 'RangeError', message: 'no such city' },
    methods: ['today'],
  };

  it('are called from worker to worker', async () => {
    await load(provider);
    await load(user);
    expect(await bench.push()).toMatchObject({ accepted: true });
    expect(emitted()).toEqual([expected]);
  });

  it('are rejected by name at load if they are not functions', async () => {
    const odd = provider.replace('async today(city)', 'unit: "C", async today(city)');
    await expect(load(odd)).rejects.toThrow(/"weather\.forecast" has "unit", which is not a function/);
  });

  it("can be instances of a class in the host's thread", async () => {
    class Forecast {
      readonly unit = 'C';
      async today(city: string) {
        if (city === 'x') throw new RangeError('no such city');
        return { city, at: new Date(0) };
      }
    }
    await bench.runtime.load(
      testApp(() => {}, {
        id: 'provider.ua',
        provides: ['weather.forecast'],
        start: () => ({ receive() {}, services: { 'weather.forecast': new Forecast() } }),
      }),
    );
    await load(user);
    expect(await bench.push()).toMatchObject({ accepted: true });
    expect(emitted()).toEqual([expected]);
  });
});

describe('alarms', () => {
  it('are set, delivered, and ended by a commit that writes storage', async () => {
    await load(
      app(`needs: ['schedule', 'storage'], start: ({ schedule, storage, emit }) => ({
        async receive(push) {
          await push.commit((tx) => tx.setAlarm('one', Date.now() + 86_400_000, { some: ['data'] }));
          emit('reported', { list: (await schedule.list()).map(({ key, data, at }) => [key, data, at instanceof Date]) });
          await schedule.at('one', Date.now(), { some: ['data'] });
        },
        async alarm(alarm) {
          await alarm.commit((tx) => tx.put('done', alarm.data));
          emit('reported', { key: alarm.key, done: await storage.get('done'), left: (await schedule.list()).length, aborted: alarm.signal.aborted });
        },
      })`),
    );
    expect(await bench.push()).toMatchObject({ accepted: true });
    await eventually('the alarm is delivered', () => emitted()[1]);
    const data = { some: ['data'] };
    expect(emitted()).toEqual([
      { list: [['one', data, true]] },
      { key: 'one', done: data, left: 0, aborted: false },
    ]);
  });
});

it('rejects options that cannot be cloned, by name', async () => {
  await expect(load(app('start: () => ({ receive() {} })'), { f() {} })).rejects.toThrow(
    /could not be cloned/,
  );
});

it('does not reach the port of its host', async () => {
  await load(
    receiving(`
      const threads = await import('node:worker_threads');
      const seen = [];
      threads.parentPort.on('message', (message) => seen.push(message));
      threads.parentPort.postMessage({ type: 'notify', name: 'emit', args: { kind: 'reported', fields: { forged: 1 } } });
      // The host sends pings meanwhile.
      await push.bytes();
      emit('reported', { data: Object.keys(threads.workerData), seen });`),
  );
  expect(await bench.push()).toMatchObject({ accepted: true });
  expect(emitted()).toEqual([{ data: [], seen: [] }]);
});

it('ignores invalid messages', async () => {
  await load(
    receiving(`
      for (const message of [null, 1, 'x', [], {}, { type: 'x' }, { type: 'call' }, { type: 'call', id: 'x', name: 'y' },
        { type: 'call', id: 1.5, name: 'y' }, { type: 'call', id: 999, name: '__proto__' }, { type: 'notify', name: 'open' },
        { type: 'notify', name: 'pong' }, { type: 'notify', name: 'log', args: 5 }, { type: 'notify', name: 'emit', args: { kind: 4 } },
        { type: 'notify', name: 'emit', args: { kind: 'other' } },
        { type: 'result', id: 12345, value: 1 }, { type: 'error', id: 12346 }, { type: 'abort', id: 1 }, { type: 'chunk', id: 4 },
        { type: 'pull', id: 4 }, { type: 'end', id: 3 }, { type: 'break', id: 2 }, { type: 'cancel', id: 1 },
        { type: 'call', id: 1e6, name: 'commit', args: { hookCall: {} } }, { type: 'call', id: 1e6 + 1, name: 'files.write', args: null },
        new Map([[1, 2]]), new Uint8Array(10)]) hostPort.postMessage(message);
      emit('reported', {});`),
  );
  expect(await bench.push()).toEqual({ accepted: true, pushId: expect.any(String) });
  expect(await bench.push()).toEqual({ accepted: true, pushId: expect.any(String) });
  expect(bench.logs.filter(({ message }) => message.includes('an invalid message'))).toHaveLength(1);
});

describe('session mode', () => {
  const definition = (delivery: string): Promise<PushAppDefinition> =>
    inWorker(
      app(`delivery: '${delivery}', start: ({ emit }) => ({
        async receive(push) {
          emit('reported', { size: push.content.size ?? 'unknown' });
          let text = '';
          try {
            for await (const chunk of push.content.open()) {
              text += new TextDecoder().decode(chunk);
              emit('reported', { text });
            }
          } catch (error) { emit('reported', { broken: error.message }); throw error; }
          emit('reported', { all: text, size: push.content.size });
        },
      })`),
    );

  it.each(['direct', 'durable'])(
    '%s: content is read as it arrives, and accepted when it is complete',
    async (delivery) => {
      await bench.runtime.load(await definition(delivery));
      const transfer = await transferOf(bench.offer());
      await transfer.write(0, new TextEncoder().encode('one '));
      await eventually('the first part is read', () => emitted().find(({ text }) => text === 'one '));
      await transfer.write(4, new TextEncoder().encode('two'));
      expect(await transfer.complete(7)).toMatchObject({ accepted: true });
      await eventually('all content is read', () => emitted().find(({ all }) => all !== undefined));
      expect(emitted()[0]).toEqual({ size: 'unknown' });
      expect(emitted().at(-1)).toEqual({ all: 'one two', size: 7 });
    },
  );

  it('passes the error of an interrupted transfer to the worker', async () => {
    await bench.runtime.load(await definition('direct'));
    const transfer = await transferOf(bench.offer({ text: 'hello' }));
    await transfer.write(0, new TextEncoder().encode('he'));
    await eventually('the first part is read', () => emitted().find(({ text }) => text === 'he'));
    await transfer.abort(new Error('connection lost'));
    await eventually('the stream fails', () => emitted().find(({ broken }) => broken === 'connection lost'));
  });
});

/** What an application stores, emits or answers is JSON: the same rules everywhere, in both threads. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jsonText } from '../../../core/app/services/stored-values.js';
import { ConfigurationError } from '../../../core/errors.js';
import { systemClock } from '../../../core/time/clock.js';
import { type Bench, openBench } from '../support.js';
import { app, inThread, THREADS } from './support.js';

const SOURCE = app(
  `needs: ['storage', 'schedule'], events: { emitted: true },
  start: ({ storage, schedule, emit }) => {
    const calls = {
      'storage.put': (value) => storage.put('k', value),
      'tx.put': (value) => storage.transaction((tx) => tx.put('k', value)),
      'schedule.at': (value) => schedule.at('k', 4e12, value),
      'tx.setAlarm': (value) => storage.transaction((tx) => tx.setAlarm('k', 4e12, value)),
      'emit': async (value) => emit('emitted', { value }),
      'tx.emit': (value) => storage.transaction((tx) => tx.emit('emitted', { value })),
    };
    return {
      receive() {}, alarm() {},
      queries: {
        answer: ({ name }) => ({ value: VALUES[name]() }),
        call: async ({ call, name }) => {
          await calls[call](VALUES[name]());
          const [alarm] = await schedule.list();
          const value = await storage.get('k');
          // A query cannot answer with bytes.
          return { value: value instanceof Uint8Array ? { bytes: [...value] } : value, data: alarm?.data };
        },
      },
    };
  }`,
  `import { createContext, runInContext } from 'node:vm';
  const otherRealm = (code) => runInContext(code, createContext({}));
  const circular = () => { const value = { list: [] }; value.list.push(value); return value; };
  const deep = (levels) => levels === 0 ? 1 : [deep(levels - 1)];
  class Point { x = 1; }
  const VALUES = {
    'a Map': () => new Map([[1, 2]]),
    'a Set': () => new Set([1]),
    'an Error': () => new Error('x'),
    'a Date': () => new Date(0),
    'a regular expression': () => /x/,
    'a promise': () => Promise.resolve(1),
    'an instance': () => new Point(),
    'a boxed number': () => Object(1),
    'NaN': () => NaN,
    'infinity': () => -Infinity,
    'a bigint': () => 1n,
    'a symbol': () => Symbol('x'),
    'a function': () => () => {},
    'a circular value': circular,
    'a hole': () => { const list = [1]; list[2] = 3; return list; },
    'undefined in a list': () => [1, undefined],
    'toJSON': () => ({ a: 1, toJSON: () => 'other' }),
    'a nested Map': () => ({ some: [{ map: new Map() }] }),
    'nested bytes': () => ({ bytes: new Uint8Array(3) }),
    'other typed arrays': () => new Uint16Array(3),
    'an array buffer': () => new ArrayBuffer(3),
    'a Map of another realm': () => otherRealm('new Map()'),
    'a Date of another realm': () => otherRealm('new Date(0)'),
    'too many levels': () => deep(120),
    'a plain value': () => ({ text: 'x', list: [1.5, -1, true, null, { a: {} }], none: undefined }),
    'an object without a prototype': () => Object.assign(Object.create(null), { a: 1 }),
    'an object of another realm': () => otherRealm('({ a: [1, { b: null }] })'),
    'many levels': () => deep(90),
    'the key __proto__': () => JSON.parse('{ "__proto__": { "a": 1 } }'),
    'bytes': () => new Uint8Array([9, 1, 2]).subarray(1),
    'a Buffer': () => Buffer.from([1, 2]),
    'bytes of another realm': () => otherRealm('new Uint8Array([1, 2])'),
  };`,
);

const NOT_JSON: readonly [name: string, found: string, path?: string][] = [
  ['a Map', 'an instance of Map'],
  ['a Set', 'an instance of Set'],
  ['an Error', 'an instance of Error'],
  ['a Date', 'an instance of Date (use toISOString)'],
  ['a regular expression', 'an instance of RegExp'],
  ['a promise', 'an instance of Promise'],
  ['an instance', 'an instance of Point'],
  ['a boxed number', 'an instance of Number'],
  ['NaN', 'NaN'],
  ['infinity', '-Infinity'],
  ['a bigint', 'a bigint'],
  ['a symbol', 'a symbol'],
  ['a function', 'a function'],
  ['a circular value', 'a circular reference', 'list[0]'],
  ['a hole', 'undefined', '[1]'],
  ['undefined in a list', 'undefined', '[1]'],
  ['toJSON', 'an object with its own toJSON'],
  ['a nested Map', 'an instance of Map', 'some[0].map'],
  ['nested bytes', 'an instance of Uint8Array', 'bytes'],
  ['other typed arrays', 'an instance of Uint16Array'],
  ['an array buffer', 'an instance of ArrayBuffer'],
  ['a Map of another realm', 'an instance of Map'],
  ['a Date of another realm', 'an instance of Date'],
  ['too many levels', 'nested deeper than 100 levels', '[0][0][0]'],
];

/** How the error of each call names the value. */
const NAMES: Readonly<Record<string, { what: string; root: string }>> = {
  'storage.put': { what: 'storage value for "k"', root: '' },
  'tx.put': { what: 'storage value for "k"', root: '' },
  'schedule.at': { what: 'data of alarm "k"', root: 'data' },
  'tx.setAlarm': { what: 'data of alarm "k"', root: 'data' },
  emit: { what: 'test.ua: event "emitted"', root: 'value' },
  'tx.emit': { what: 'test.ua: event "emitted"', root: 'value' },
};

const PLAIN: readonly [name: string, value: unknown][] = [
  ['a plain value', { text: 'x', list: [1.5, -1, true, null, { a: {} }] }],
  ['an object without a prototype', { a: 1 }],
  ['an object of another realm', { a: [1, { b: null }] }],
  ['the key __proto__', JSON.parse('{ "__proto__": { "a": 1 } }')],
];

describe.each(THREADS)('in %s', (thread) => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await openBench({ clock: systemClock });
    await bench.runtime.start();
    await bench.runtime.load(await inThread(thread, SOURCE));
  });

  afterEach(() => bench.runtime.stop());

  const query = (name: string, args: unknown) => bench.runtime.query('test.ua', name, args);
  const errorOf = (result: Promise<unknown>) =>
    result.then(
      () => new Error('it did not fail'),
      (error: Error) => error,
    );

  it.each(Object.entries(NAMES))(
    '%s rejects what JSON cannot hold, and names the part',
    async (call, names) => {
      const { what, root } = names;
      for (const [name, found, path = ''] of NOT_JSON) {
        const error = await errorOf(query('call', { call, name }));
        expect(error.cause, name).toMatchObject({ name: ConfigurationError.name });
        if (root === '' && name === 'a function') {
          expect(error.message, name).toContain(`${what} is a function: expected JSON or a Uint8Array`);
          continue;
        }
        const full = path.startsWith('[') || root === '' || path === '' ? root + path : `${root}.${path}`;
        expect(error.message, name).toContain(full === '' ? `${what} is ${found}` : `${what}, at ${full}`);
        expect(error.message, name).toContain(found);
      }
      expect(bench.events).toEqual([]);
      expect(await query('call', { call: 'emit', name: 'a plain value' })).toEqual({});
    },
  );

  it('an answer is rejected in the same way', async () => {
    for (const [name, found] of NOT_JSON) {
      const error = await errorOf(query('answer', { name }));
      expect(error.message, name).toContain(`test.ua: the answer to query "answer", at value`);
      expect(error.message, name).toContain(found);
    }
  });

  it('JSON of any realm is stored, emitted and answered', async () => {
    for (const [name, value] of PLAIN) {
      expect(await query('answer', { name })).toEqual({ value });
      expect(await query('call', { call: 'storage.put', name })).toMatchObject({ value });
      expect(await query('call', { call: 'tx.put', name })).toMatchObject({ value });
      expect(await query('call', { call: 'schedule.at', name })).toMatchObject({ data: value });
      expect(await query('call', { call: 'tx.setAlarm', name })).toMatchObject({ data: value });
      bench.events.length = 0;
      await query('call', { call: 'emit', name });
      await query('call', { call: 'tx.emit', name });
      expect(bench.events).toMatchObject([{ value }, { value }]);
    }
    expect(await query('call', { call: 'tx.put', name: 'many levels' })).toHaveProperty('value');
  });

  it.each(['storage.put', 'tx.put'])('%s stores byte arrays of any realm', async (call) => {
    for (const name of ['bytes', 'a Buffer', 'bytes of another realm']) {
      expect(await query('call', { call, name })).toEqual({ value: { bytes: [1, 2] } });
    }
  });

  it.each(['schedule.at', 'emit'])('%s rejects byte arrays', async (call) => {
    for (const [name, found] of [
      ['bytes', 'an instance of Uint8Array'],
      // A Buffer has a toJSON.
      ['a Buffer', 'an instance of Buffer'],
      ['bytes of another realm', 'an instance of Uint8Array'],
    ] as const) {
      const error = await errorOf(query('call', { call, name }));
      expect(error.message, name).toContain(found);
    }
  });
});

describe('a small value whose text is large', () => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await openBench({ clock: systemClock });
    await bench.runtime.start();
  });

  afterEach(() => bench.runtime.stop());

  it('is rejected by the host, whatever posts it', async () => {
    const source = app(
      `start: ({ emit }) => ({
        async receive() {
          let value = 1;
          for (let level = 0; level < 60; level++) value = [value, value];
          hostPort.postMessage({ type: 'notify', name: 'emit', args: { kind: 'reported', fields: { value } } });
          emit('reported', { value: 'small' });
        },
      })`,
    );
    await bench.runtime.load(await inThread('a worker', source));
    expect(await bench.push()).toMatchObject({ accepted: true });
    expect(bench.events).toMatchObject([{ value: 'small' }]);
  });
});

it('a value is read once, so that a getter cannot return another value', () => {
  let reads = 0;
  const value = {
    get field() {
      return reads++ === 0 ? 1 : new Map();
    },
  };
  expect(jsonText('it', value)).toBe('{"field":1}');
});

it('a list with a toJSON is rejected', () => {
  const list = Object.assign([1], { toJSON: () => 'other' });
  expect(() => jsonText('it', { list })).toThrow('it, at list, is an object with its own toJSON');
});

it('the limit is 4 MiB of text', () => {
  const most = 'x'.repeat(4 * 1024 * 1024 - 2);
  expect(jsonText('it', most)).toHaveLength(4 * 1024 * 1024);
  expect(() => jsonText('it', [most])).toThrow(
    'it has too many characters of JSON: expected at most 4194304',
  );
});

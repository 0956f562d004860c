/** Events that an application declares: names and fields are checked when it emits them. */

import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EventSchemas } from '../../../core/app/contract/transaction.js';
import { AppError, ConfigurationError } from '../../../core/errors.js';
import { type Bench, openBench, testApp } from '../support.js';

const EVENTS: EventSchemas = {
  forecast: z.object({ from: z.string(), most: z.number().default(5) }),
  bare: true,
};

type Emits = (kind: string, fields?: Record<string, unknown>) => void;

let bench: Bench;
/** What `receive` does with `emit`. */
let use: (emit: Emits) => void;

beforeEach(async () => {
  bench = await openBench();
  await bench.runtime.start();
});

async function load(how: 'emit' | 'tx.emit', events: EventSchemas | undefined = EVENTS): Promise<void> {
  await bench.runtime.load(
    testApp(() => {}, {
      events,
      start: ({ emit }) => ({
        receive: async (push) => {
          if (how === 'emit') use(emit as Emits);
          else await push.commit((tx) => use(tx.emit as Emits));
        },
      }),
    }),
  );
}

/** The error that `receive` gets from a call. */
async function problem(...args: Parameters<Emits>): Promise<unknown> {
  const problems: unknown[] = [];
  use = (emit) => {
    try {
      emit(...args);
    } catch (error) {
      problems.push(error);
    }
  };
  await bench.push();
  return problems[0];
}

describe.each(['emit', 'tx.emit'] as const)('%s', (how) => {
  it('passes the fields on as the schema parses them', async () => {
    await load(how);
    use = (emit) => {
      emit('forecast', { from: 'a', other: 1 });
      emit('bare', { any: [1, { deep: null }], none: undefined });
      emit('bare');
    };
    expect(await bench.push()).toMatchObject({ accepted: true });
    const id = expect.any(String);
    expect(bench.events).toEqual([
      { id, app: 'test.ua', kind: 'forecast', from: 'a', most: 5 },
      { id, app: 'test.ua', kind: 'bare', any: [1, { deep: null }] },
      { id, app: 'test.ua', kind: 'bare' },
    ]);
  });

  it.each([
    ['forcast', 'unknown event "forcast": expected one of forecast, bare; did you mean "forecast"?'],
    ['', 'unknown event "": expected one of forecast, bare'],
    ['constructor', 'unknown event "constructor": expected one of forecast, bare'],
    ['__proto__', 'unknown event "__proto__": expected one of forecast, bare'],
    [5 as never, 'unknown event "5": expected one of forecast, bare'],
    [{} as never, 'unknown event "[object Object]": expected one of forecast, bare'],
  ])('rejects the undeclared kind %j', async (kind, words) => {
    await load(how);
    const error = await problem(kind);
    expect(error).toBeInstanceOf(AppError);
    expect(String(error)).toContain(`test.ua: ${words}`);
    expect(bench.events).toEqual([]);
  });

  it('rejects every kind without declared events', async () => {
    await load(how, undefined);
    await bench.runtime.unload('test.ua');
    await load(how, {});
    expect(String(await problem('forecast'))).toContain('unknown event "forecast": it has no events');
  });

  it.each<[unknown, string]>([
    [{ from: 5 }, 'test.ua: invalid event "forecast": from: '],
    [{}, 'test.ua: invalid event "forecast": from: '],
    [undefined, 'test.ua: invalid event "forecast": from: '],
    [[], 'test.ua: invalid event "forecast": '],
    ['text', 'test.ua: invalid event "forecast": '],
  ])('rejects the invalid fields %j by name', async (fields, words) => {
    await load(how);
    const error = await problem('forecast', fields as never);
    expect(error).toBeInstanceOf(AppError);
    expect(String(error)).toContain(words);
  });

  it.each([[[1]], ['text'], [null], [5]])('rejects fields that are not an object: %j', async (fields) => {
    await load(how);
    expect(String(await problem('bare', fields as never))).toContain(
      'test.ua: invalid fields of event "bare": expected an object',
    );
  });

  it.each(['app', 'kind', 'event', 'time', 'eventId'])(
    'rejects the field %s, which the host adds',
    async (name) => {
      await load(how);
      expect(String(await problem('bare', { [name]: 1 }))).toContain(
        `test.ua: event "bare" has the field "${name}", which the host adds to events: rename it`,
      );
    },
  );

  it('rejects fields that JSON cannot hold', async () => {
    await load(how);
    const error = await problem('bare', { at: new Date(0) });
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error)).toContain('event "bare", at at, is an instance of Date (use toISOString)');
  });

  it('rejects an asynchronous schema, even if its promise rejects', async () => {
    const validate = () => Promise.reject(new Error('no'));
    await load(how, { late: { '~standard': { version: 1, vendor: 'test', validate } } });
    expect(String(await problem('late'))).toContain(
      'the schema of event "late" is asynchronous: expected a synchronous one',
    );
  });

  it('adds the id of the event as eventId if the application has its own field id', async () => {
    await load(how);
    use = (emit) => emit('bare', { id: 'mine' });
    await bench.push();
    expect(bench.events).toEqual([
      { id: 'mine', eventId: expect.stringMatching(/^[0-9a-f]{32}$/), app: 'test.ua', kind: 'bare' },
    ]);
  });
});

it('tx.emit parses fields once, so that a schema can transform them', async () => {
  await load('tx.emit', { forecast: z.object({ most: z.string().transform(Number) }) });
  use = (emit) => emit('forecast', { most: '5' });
  expect(await bench.push()).toMatchObject({ accepted: true });
  expect(bench.events).toMatchObject([{ kind: 'forecast', most: 5 }]);
});

const issues = { issues: [{ message: 'invalid' }] };

it.each<[string, () => unknown, string]>([
  [
    'throws',
    () => {
      throw new RangeError('too far');
    },
    'the schema of event "forecast" threw: too far',
  ],
  [
    'returns nothing',
    () => undefined,
    'the schema of event "forecast" returned undefined: expected an object',
  ],
  [
    'returns a thenable',
    // biome-ignore lint/suspicious/noThenProperty: promises of other realms are thenables as well
    () => ({ then: (resolve: (result: unknown) => void) => resolve(issues) }),
    'the schema of event "forecast" is asynchronous: expected a synchronous one',
  ],
])('reports a schema that %s', async (_, validate, words) => {
  await load('emit', {
    forecast: { '~standard': { version: 1, vendor: 'test', validate: validate as never } },
  });
  const error = await problem('forecast', {});
  expect(error).toBeInstanceOf(AppError);
  expect(String(error)).toContain(`test.ua: ${words}`);
});

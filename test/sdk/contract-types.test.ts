/** The types of `definePushApp`: options, services by name, and required return values. */

import { satisfies, valid } from 'semver';
import {
  type AppSchedule,
  CONTRACT_VERSION,
  type DueAlarm,
  definePushApp,
  type NeededService,
  type ProvidedService,
  type PushAppDefinition,
  type ServiceName,
  type StandardSchemaV1,
} from 'sip-push/sdk';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

interface Forecast {
  today(city: string): Promise<string>;
}

declare module 'sip-push/sdk' {
  interface AppServices {
    'test.forecast': Forecast;
    'test.news': { latest(): Promise<string[]> };
  }
}

const least = { id: 'a.ua', accepts: ['text/plain'] };

describe('the types of a definition', () => {
  it('infers options from the schema', () => {
    definePushApp({
      ...least,
      options: z.object({ city: z.string().default('Ghent'), hours: z.coerce.number() }),
      start({ options }) {
        expectTypeOf(options).toEqualTypeOf<{ city: string; hours: number }>();
        return { receive() {} };
      },
    });
    definePushApp({
      ...least,
      options: {} as StandardSchemaV1<unknown, { own: true }>,
      start({ options }) {
        expectTypeOf(options).toEqualTypeOf<{ own: true }>();
        return { receive() {} };
      },
    });
  });

  it('leaves options unknown without a schema', () => {
    definePushApp({
      ...least,
      start({ options }) {
        expectTypeOf(options).toBeUnknown();
        return { receive() {} };
      },
    });
  });

  it('passes services of other applications by name', () => {
    definePushApp({
      ...least,
      needs: ['log', 'test.forecast'],
      start({ 'test.forecast': forecast, log, ...rest }) {
        expectTypeOf(forecast).toEqualTypeOf<Forecast>();
        expectTypeOf(log.info).toBeFunction();
        expectTypeOf(rest).not.toHaveProperty('test.news');
        return { receive() {} };
      },
    });
    // @ts-expect-error: undeclared service
    definePushApp({ ...least, needs: ['test.weather'], start: () => ({ receive() {} }) });
  });

  it('requires that declared services are returned', () => {
    const provides = ['test.forecast'] as const;
    const forecast: Forecast = { today: async (city) => city };
    definePushApp({
      ...least,
      provides,
      start: () => ({ receive() {}, services: { 'test.forecast': forecast } }),
    });
    definePushApp({
      ...least,
      provides,
      // @ts-expect-error: missing
      start: () => ({ receive() {} }),
    });
    definePushApp({
      ...least,
      provides,
      // @ts-expect-error: other type
      start: () => ({ receive() {}, services: { 'test.forecast': { today: () => 5 } } }),
    });
    // @ts-expect-error: undeclared service
    definePushApp({ ...least, provides: ['test.weather'], start: () => ({ receive() {} }) });
  });

  it('says what to do about a name of a service that is unknown, undeclared or invalid', () => {
    expectTypeOf<NeededService<'log' | 'test.news'>>().toEqualTypeOf<'log' | 'test.news'>();
    expectTypeOf<NeededService<'news'>>().toEqualTypeOf<
      | ServiceName
      | 'unknown service "news": the host has clock, fetch, files, log, schedule and storage; a service of an application has a dot in its name'
    >();
    expectTypeOf<NeededService<'news.daily'>>().toEqualTypeOf<
      ServiceName | 'unknown service "news.daily": import the types of the package that provides it'
    >();
    expectTypeOf<ProvidedService<'news'>>().toEqualTypeOf<
      | ('test.forecast' | 'test.news')
      | 'invalid name "news" of a service: expected one with a dot, like "weather.forecast"'
    >();
    expectTypeOf<ProvidedService<'news.daily'>>().toEqualTypeOf<
      | ('test.forecast' | 'test.news')
      | `undeclared service "news.daily": add declare module 'sip-push/sdk' { interface AppServices { 'news.daily': … } }`
    >();
    // @ts-expect-error: no dot
    definePushApp({ ...least, needs: ['log', 'news'], start: () => ({ receive() {} }) });
    // @ts-expect-error: no dot
    definePushApp({ ...least, provides: ['news'], start: () => ({ receive() {}, services: { news: {} } }) });
  });

  it('rejects a member that the host does not know, in the definition and in what start returns', () => {
    // @ts-expect-error: unknown
    definePushApp({ ...least, maxsize: 5, start: () => ({ receive() {} }) });
    // @ts-expect-error: unknown
    definePushApp({ ...least, start: () => ({ recieve() {} }) });
    definePushApp({
      ...least,
      // @ts-expect-error: unknown
      start: () => ({ receive() {}, onStop() {} }),
    });
    definePushApp({
      ...least,
      needs: ['log'],
      // @ts-expect-error: unknown
      start: async ({ log }) => {
        if (log) return { receive() {}, describes: () => ({ title: 'a' }) };
        return { receive() {} };
      },
    });
    class App {
      readonly #titles = ['a'];
      receive() {}
      describe() {
        return { title: this.#first() };
      }
      #first() {
        return this.#titles[0] ?? '';
      }
    }
    definePushApp({ ...least, start: () => new App() });
  });

  it('requires the alarm hook with the service schedule', () => {
    definePushApp({
      ...least,
      needs: ['schedule'],
      start({ schedule }) {
        expectTypeOf(schedule).toEqualTypeOf<AppSchedule>();
        return {
          receive() {},
          alarm(alarm) {
            expectTypeOf(alarm).toEqualTypeOf<DueAlarm<Record<never, never>>>();
            return alarm.commit((tx) => tx.cancelAlarm('other'));
          },
        };
      },
    });
    definePushApp({
      ...least,
      needs: ['schedule'],
      // @ts-expect-error: missing
      start: () => ({ receive() {} }),
    });
  });

  it('infers events, queries and transactions from the definition', () => {
    const events = {
      forecast: z.object({ from: z.string(), most: z.coerce.number<string>() }),
      optional: z.object({ most: z.number().optional() }),
      bare: true,
    } as const;
    definePushApp({
      ...least,
      needs: ['storage', 'schedule'],
      events,
      queries: { current: z.object({ most: z.coerce.number<string>() }), any: true },
      start: ({ emit, storage }) => ({
        async receive(push) {
          emit('forecast', { from: push.from, most: '5' });
          emit('bare');
          emit('bare', { any: 1 });
          emit('optional');
          // @ts-expect-error: undeclared
          emit('forcast');
          // @ts-expect-error: no fields
          emit('forecast');
          // @ts-expect-error: wrong type
          emit('forecast', { from: push.from, most: 5 });
          const count = await push.commit(async (tx) => {
            tx.emit('forecast', { from: push.from, most: '5' });
            // @ts-expect-error: undeclared
            tx.emit('forcast');
            tx.setAlarm('a', new Date(), { any: 1 });
            return Number(await storage.get('count'));
          });
          expectTypeOf(count).toBeNumber();
          expectTypeOf(push.commit()).toEqualTypeOf<Promise<void>>();
          expectTypeOf(storage.transaction((tx) => tx.emit('bare'))).toEqualTypeOf<Promise<void>>();
        },
        alarm: (alarm) => alarm.commit((tx) => tx.emit('bare')),
        queries: {
          current: ({ most }) => expectTypeOf(most).toBeNumber(),
          any: (args) => expectTypeOf(args).toBeUnknown(),
        },
      }),
    });
    definePushApp({
      ...least,
      start: ({ emit }) => ({
        receive() {
          // @ts-expect-error: it declares no events
          emit('bare');
        },
      }),
    });
  });

  it('requires the queries that are declared, and allows others', () => {
    definePushApp({
      ...least,
      queries: { current: true },
      start: () => ({ receive() {}, queries: { current: () => 1, other: () => 2 } }),
    });
    definePushApp({
      ...least,
      queries: { current: true },
      // @ts-expect-error: missing
      start: () => ({ receive() {} }),
    });
    definePushApp({
      ...least,
      queries: { current: true },
      // @ts-expect-error: missing
      start: () => ({ receive() {}, queries: {} }),
    });
  });

  it('limits order, delivery and maxSize', () => {
    definePushApp({
      ...least,
      order: (push) => {
        expectTypeOf(push).not.toHaveProperty('content');
        return push.from;
      },
      maxSize: 5,
      delivery: 'direct',
      start: () => ({ receive() {} }),
    });
    // @ts-expect-error: no such order
    definePushApp({ ...least, order: 'fifo', start: () => ({ receive() {} }) });
    // @ts-expect-error: not a string
    definePushApp({ ...least, order: () => 5, start: () => ({ receive() {} }) });
  });

  it('is assignable to the definition that a host loads', () => {
    const apps: PushAppDefinition[] = [
      definePushApp({ ...least, needs: ['test.news'], start: () => ({ receive() {} }) }),
      definePushApp({ ...least, options: z.object({ a: z.string() }), start: () => ({ receive() {} }) }),
      definePushApp({
        ...least,
        provides: ['test.news'],
        start: () => ({ receive() {}, services: { 'test.news': { latest: async () => [] } } }),
      }),
      definePushApp({
        ...least,
        needs: ['storage', 'schedule'],
        order: ({ from }) => from,
        events: { forecast: z.object({ from: z.string() }) },
        queries: { current: z.object({ most: z.number() }) },
        start: () => ({
          receive: (push) => push.commit((tx) => tx.emit('forecast', { from: push.from })),
          alarm() {},
          queries: { current: ({ most }) => most },
        }),
      }),
    ];
    expect(apps).toHaveLength(4);
  });
});

it('the contract has a semantic version', () => {
  expect(valid(CONTRACT_VERSION)).toBe(CONTRACT_VERSION);
  expect(satisfies(CONTRACT_VERSION, '^1.0.0')).toBe(true);
});

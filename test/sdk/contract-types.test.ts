/** The types of `definePushApp`: options, services by name, and required return values. */

import { satisfies, valid } from 'semver';
import {
  type AppSchedule,
  CONTRACT_VERSION,
  type DueAlarm,
  definePushApp,
  type PushAppDefinition,
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

  it('is assignable to the definition that a host loads', () => {
    const apps: PushAppDefinition[] = [
      definePushApp({ ...least, needs: ['test.news'], start: () => ({ receive() {} }) }),
      definePushApp({ ...least, options: z.object({ a: z.string() }), start: () => ({ receive() {} }) }),
      definePushApp({
        ...least,
        provides: ['test.news'],
        start: () => ({ receive() {}, services: { 'test.news': { latest: async () => [] } } }),
      }),
    ];
    expect(apps).toHaveLength(3);
  });
});

it('the contract has a semantic version', () => {
  expect(valid(CONTRACT_VERSION)).toBe(CONTRACT_VERSION);
  expect(satisfies(CONTRACT_VERSION, '^1.0.0')).toBe(true);
});

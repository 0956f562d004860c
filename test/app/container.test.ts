/** The composition of the runtime. */

import { expect, it } from 'vitest';
import { DISPATCHER } from '../../core/app/delivery/dispatcher.js';
import { RECORDS } from '../../core/app/foundations.js';
import { APP_SCOPE, EMIT, SERVICE } from '../../core/app/services/app-scope.js';
import { openBench, testApp } from './support.js';

it('registers nothing in the global container of tsyringe', async () => {
  const bench = await openBench();
  await bench.runtime.load(testApp(() => {}, { needs: ['storage', 'log', 'clock'] }));
  // Loaded by the runtime, after reflect-metadata.
  const { container } = await import('tsyringe');
  for (const token of [SERVICE.storage, SERVICE.log, SERVICE.clock, EMIT]) {
    expect(container.isRegistered<unknown>(token, true)).toBe(false);
  }
  expect(container.isRegistered(APP_SCOPE, true)).toBe(false);
  expect(container.isRegistered(RECORDS, true)).toBe(false);
  expect(container.isRegistered(DISPATCHER, true)).toBe(false);
  await bench.runtime.stop();
});

it('gives each application its own services, and only those it declares', async () => {
  const bench = await openBench();
  const contexts: Record<string, unknown>[] = [];
  for (const id of ['a.ua', 'b.ua']) {
    const start = (services: Record<string, unknown>) => {
      contexts.push(services);
      return { receive() {} };
    };
    await bench.runtime.load(testApp(() => {}, { id, needs: ['log', 'clock'], start }));
  }
  const [one, other] = contexts;
  expect(one?.log).not.toBe(other?.log);
  expect(one?.emit).not.toBe(other?.emit);
  expect(one).not.toHaveProperty('storage');
  await bench.runtime.stop();
});

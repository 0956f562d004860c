/** The contract, as an application in a worker has it: the same as without one. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/app/clock.js';
import type { WorkerIsolation } from '../../../core/app/isolation/isolated.js';
import { type Bench, openBench } from '../support.js';
import { app, inWorker } from './support.js';

let bench: Bench;

beforeEach(async () => {
  bench = await openBench({ clock: systemClock });
  await bench.runtime.start();
});

afterEach(() => bench.runtime.stop());

const load = async (source: string, options?: unknown, isolation?: WorkerIsolation) =>
  bench.runtime.load(await inWorker(source, isolation), options);

it('what a host has to know of it comes from its module, before it is started', async () => {
  const definition = await inWorker(`
    export default {
      id: 'x-wap-application:other.ua', accepts: ['text/plain', 'image/*'], delivery: 'durable',
      needs: ['storage'], limits: { size: 1000, seconds: 3 }, iari: 'urn:urn-7:test',
      start() { throw new Error('not yet'); },
    };`);
  expect(definition).toMatchObject({
    id: 'x-wap-application:other.ua',
    accepts: ['text/plain', 'image/*'],
    delivery: 'durable',
    needs: ['storage', 'log'],
    limits: { size: 1000, seconds: 3 },
    iari: 'urn:urn-7:test',
  });
});

describe('receive', () => {
  it('is given the push, and takes it by resolving', async () => {
    await load(
      app(`start: ({ emit, options }) => ({
        async receive(push, { signal }) {
          const { content, ...rest } = push;
          const text = new TextDecoder().decode(await content.bytes(100));
          emit('got', { ...rest, text, options, size: content.size, type: content.type, date: push.receivedAt instanceof Date,
            frozen: Object.isFrozen(push), aborted: signal.aborted });
        },
      })`),
      { some: ['thing'] },
    );
    expect(await bench.push({ headers: { 'x-wap-content-uri': 'u' }, fileName: 'a.txt' })).toMatchObject({
      taken: true,
    });
    expect(bench.events).toEqual([
      expect.objectContaining({
        app: 'test.ua',
        kind: 'got',
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
});

/** Queries of the host to its applications. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { PushAppDefinition, PushAppInstance } from '../../../core/app/contract/push-app.js';
import { AppError, ConfigurationError } from '../../../core/errors.js';
import { type Bench, openBench, settled, testApp } from '../support.js';

describe('a query', () => {
  let bench: Bench;

  beforeEach(async () => {
    vi.useFakeTimers();
    bench = await openBench();
  });

  afterEach(async () => {
    await bench.runtime.stop();
    await bench.store.close();
    vi.useRealTimers();
  });

  async function answering(queries: PushAppInstance['queries'], more: Partial<PushAppDefinition> = {}) {
    await bench.runtime.load(testApp(() => {}, { start: () => ({ receive() {}, queries }), ...more }));
  }

  it('is answered by the application under any of its names', async () => {
    await answering({ current: async (args: unknown) => ({ args }) });
    expect(await bench.runtime.query('test.ua', 'current', { most: 3 })).toEqual({ args: { most: 3 } });
    expect(await bench.runtime.query('x-wap-application:test.ua', 'current')).toEqual({});
  });

  it('of an application that is not loaded lists the loaded ones', async () => {
    await answering({ current: () => 1 });
    const failure = bench.runtime.query('other.ua', 'current');
    await expect(failure).rejects.toThrow(ConfigurationError);
    await expect(failure).rejects.toThrow('other.ua is not loaded; loaded applications: test.ua');
  });

  it('of an application without queries is an error that names it', async () => {
    await bench.runtime.load(testApp(() => {}));
    const failure = bench.runtime.query('test.ua', 'current');
    await expect(failure).rejects.toThrow(AppError);
    await expect(failure).rejects.toThrow('test.ua: unknown query "current": it has no queries');
  });

  it('that the application does not know fails with the list of those it knows', async () => {
    await answering({ current: () => 1, past: () => 2 });
    for (const name of ['curent', 'constructor', '__proto__', '']) {
      const failure = bench.runtime.query('test.ua', name);
      await expect(failure).rejects.toThrow(AppError);
      await expect(failure).rejects.toThrow(
        `test.ua: unknown query "${name}": expected one of current, past`,
      );
    }
    await expect(bench.runtime.query('test.ua', 'curent')).rejects.toThrow('did you mean "current"?');
  });

  it('that throws fails with the id of its application', async () => {
    await answering({
      past: () => {
        throw new Error('nothing is stored');
      },
    });
    const failure = bench.runtime.query('test.ua', 'past');
    await expect(failure).rejects.toThrow(AppError);
    await expect(failure).rejects.toThrow('test.ua: query "past" failed: nothing is stored');
  });

  it('has arguments that its schema parses', async () => {
    const args: unknown[] = [];
    await answering(
      {
        current: (parsed: unknown) => void args.push(parsed),
        any: (parsed: unknown) => void args.push(parsed),
      },
      { queries: { current: z.object({ most: z.number().default(5) }), any: true } },
    );
    await bench.runtime.query('test.ua', 'current', { most: 3, other: 1 });
    await bench.runtime.query('test.ua', 'current');
    await bench.runtime.query('test.ua', 'any', 'text');
    expect(args).toEqual([{ most: 3 }, { most: 5 }, 'text']);
    await expect(bench.runtime.query('test.ua', 'current', { most: 'all' })).rejects.toThrow(
      /^test\.ua: invalid arguments of query "current": most: /,
    );
    expect(args).toHaveLength(3);
  });

  it('with an asynchronous schema fails', async () => {
    const schema = z.object({}).refine(async () => true);
    await answering({ current: () => 1 }, { queries: { current: schema } });
    await expect(bench.runtime.query('test.ua', 'current')).rejects.toThrow(
      'the schema of arguments of query "current" is asynchronous: expected a synchronous one',
    );
  });

  it('reaches the application that answers it, of several with one id', async () => {
    await answering({ one: () => 1 }, { accepts: ['text/html'] });
    await answering({ two: () => 2 });
    expect(await bench.runtime.query('test.ua', 'one')).toBe(1);
    expect(await bench.runtime.query('test.ua', 'two')).toBe(2);
  });

  it('has a deadline', async () => {
    await answering({ current: () => new Promise(() => {}) });
    await expect(settled(bench.runtime.query('test.ua', 'current'))).rejects.toThrow(
      'test.ua: query "current" failed: query "current" did not end within 2 s',
    );
  });
});

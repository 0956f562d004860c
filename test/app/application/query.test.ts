/** Queries of the host to its applications. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PushAppInstance } from '../../../core/app/contract/push-app.js';
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

  async function answering(query: NonNullable<PushAppInstance['query']>) {
    await bench.runtime.load(testApp(() => {}, { start: () => ({ receive() {}, query }) }));
  }

  it('is answered by the application under any of its names', async () => {
    await answering(async (name, args) => ({ name, args }));
    const answer = { name: 'current', args: { most: 3 } };
    expect(await bench.runtime.query('test.ua', 'current', { most: 3 })).toEqual(answer);
    expect(await bench.runtime.query('x-wap-application:test.ua', 'current')).toEqual({ name: 'current' });
  });

  it('of an application that is not loaded lists the loaded ones', async () => {
    await answering(() => 1);
    const failure = bench.runtime.query('other.ua', 'current');
    await expect(failure).rejects.toThrow(ConfigurationError);
    await expect(failure).rejects.toThrow('other.ua is not loaded; loaded are: test.ua');
  });

  it('of an application without queries is an error that names it', async () => {
    await bench.runtime.load(testApp(() => {}));
    const failure = bench.runtime.query('test.ua', 'current');
    await expect(failure).rejects.toThrow(ConfigurationError);
    await expect(failure).rejects.toThrow('test.ua has no queries');
  });

  it('that the application does not know fails with its id', async () => {
    await answering((name) => {
      throw new Error(`no query ${name}`);
    });
    const failure = bench.runtime.query('test.ua', 'past');
    await expect(failure).rejects.toThrow(AppError);
    await expect(failure).rejects.toThrow('test.ua: query "past" failed: no query past');
  });

  it('has a deadline', async () => {
    await answering(() => new Promise(() => {}));
    await expect(settled(bench.runtime.query('test.ua', 'current'))).rejects.toThrow(
      'test.ua: query "current" failed: query "current" did not end within 2 s',
    );
  });
});

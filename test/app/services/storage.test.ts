/** The `storage` service. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { AppStorage } from '../../../core/app/contract/services.js';
import { AppError, ConfigurationError, LimitError } from '../../../core/errors.js';
import { definePushApp } from '../../../sdk/index.js';
import { type Bench, openBench } from '../support.js';

let bench: Bench;

async function storageOf(id: string): Promise<AppStorage> {
  const storages: AppStorage[] = [];
  await bench.runtime.load(
    definePushApp({
      id,
      accepts: ['text/plain'],
      needs: ['storage'],
      start({ storage }) {
        storages.push(storage);
        return { receive() {} };
      },
    }),
  );
  const [storage] = storages;
  if (!storage) throw new Error('start was not called');
  return storage;
}

async function collect(entries: AsyncIterable<[string, unknown]>): Promise<[string, unknown][]> {
  const collected: [string, unknown][] = [];
  for await (const entry of entries) collected.push(entry);
  return collected;
}

beforeEach(async () => {
  bench = await openBench();
});

describe('storage', () => {
  it.each([
    [{ a: [1, 'x', null, true], b: { c: 1.5 } }],
    ['text \u0000 \u{1f600}'],
    [0],
    [null],
    [false],
    [new Uint8Array([0, 255, 123])],
    [new Uint8Array()],
  ])('keeps %j', async (value) => {
    const storage = await storageOf('a.ua');
    await storage.put('key', value);
    expect(await storage.get('key')).toEqual(value);
    await storage.delete('key');
    expect(await storage.get('key')).toBeUndefined();
  });

  it('stores bytes as they were at the call', async () => {
    const storage = await storageOf('a.ua');
    const bytes = Buffer.from('before');
    const put = storage.put('key', bytes);
    bytes.fill(0);
    await put;
    expect(await storage.get('key')).toEqual(new TextEncoder().encode('before'));
  });

  it('is separate for each application, whatever its id', async () => {
    const ids = ['a.ua', 'a.ua/', 'a.ua!b', '../x', 'push'];
    const storages = await Promise.all(ids.map(storageOf));
    for (const [index, storage] of storages.entries()) await storage.put('a', index);
    for (const [index, storage] of storages.entries()) {
      expect(await storage.get('a')).toBe(index);
      expect(await collect(storage.entries())).toEqual([['a', index]]);
    }
  });

  it('survives a restart', async () => {
    await (await storageOf('b.ua')).put('key', 'b');
    await (await storageOf('a.ua')).put('key', 'a');
    await bench.runtime.stop();
    bench = await bench.restart();
    expect(await (await storageOf('a.ua')).get('key')).toBe('a');
    expect(await (await storageOf('b.ua')).get('key')).toBe('b');
  });

  it('lists entries in order: by prefix, after a key, up to a limit', async () => {
    const storage = await storageOf('a.ua');
    const keys = ['', 'a', 'b/', 'b/1', 'b/2', 'b/\u{1f600}', 'b0', 'c'];
    for (const key of [...keys].reverse()) await storage.put(key, key);
    const list = async (range?: Parameters<AppStorage['entries']>[0]) =>
      (await collect(storage.entries(range))).map(([key]) => key);
    expect(await list()).toEqual(keys);
    expect(await list({ prefix: 'b/' })).toEqual(['b/', 'b/1', 'b/2', 'b/\u{1f600}']);
    expect(await list({ prefix: 'b/', after: 'b/1' })).toEqual(['b/2', 'b/\u{1f600}']);
    expect(await list({ after: 'b/2', limit: 2 })).toEqual(['b/\u{1f600}', 'b0']);
    expect(await list({ limit: 0 })).toEqual([]);
    expect(await list({ prefix: 'x' })).toEqual([]);
    await expect(list({ prefix: 'b/', after: 'a' })).rejects.toThrow('expected a key that begins with "b/"');
    await expect(list({ limit: -1 })).rejects.toThrow('expected a whole number');
  });

  it.each<[string, unknown, new (...args: never[]) => Error]>([
    ['key', undefined, ConfigurationError],
    ['key', () => {}, ConfigurationError],
    ['key', 10n, ConfigurationError],
    ['k'.repeat(513), 1, LimitError],
    ['\ud800', 1, ConfigurationError],
    ['key', new Uint8Array(4 * 1024 * 1024 + 1), LimitError],
    ['key', 'x'.repeat(4 * 1024 * 1024), LimitError],
  ])('%# rejects what it cannot store', async (key, value, kind) => {
    const storage = await storageOf('a.ua');
    await expect(storage.put(key, value)).rejects.toThrow(kind);
    expect(await collect(storage.entries())).toEqual([]);
  });

  it('is closed for a stopped application', async () => {
    const storage = await storageOf('a.ua');
    await bench.runtime.unload('a.ua');
    await expect(storage.put('key', 1)).rejects.toThrow(AppError);
    await expect(storage.get('key')).rejects.toThrow(AppError);
    await expect(storage.delete('key')).rejects.toThrow(AppError);
    await expect(collect(storage.entries())).rejects.toThrow('the application was stopped');
  });
});

/** The permissions of an application: origins for fetch, bytes of storage and files. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppPermissions } from '../../../core/app/contract/permissions.js';
import type { AppFiles, AppStorage, Services } from '../../../core/app/contract/services.js';
import { ConfigurationError, QuotaError } from '../../../core/errors.js';
import { definePushApp } from '../../../sdk/index.js';
import { type Bench, openBench } from '../support.js';

let bench: Bench;

beforeEach(async () => {
  bench = await openBench();
});

afterEach(() => bench.runtime.stop());

async function servicesWith(
  permissions: AppPermissions | undefined,
): Promise<Pick<Services, 'fetch' | 'storage' | 'files'>> {
  const contexts: Pick<Services, 'fetch' | 'storage' | 'files'>[] = [];
  const app = definePushApp({
    id: 'test.ua',
    accepts: ['text/plain'],
    delivery: 'direct',
    needs: ['fetch', 'storage', 'files'],
    start(services) {
      contexts.push(services);
      return {
        receive: (push) => push.commit((tx) => tx.put('pushed', 'x'.repeat(50))),
      };
    },
  });
  await bench.runtime.load(app, undefined, permissions);
  const [services] = contexts;
  if (!services) throw new Error('it has not started');
  return services;
}

const stream = (size: number) => new Blob([new Uint8Array(size)]).stream();

describe('fetch', () => {
  it('reaches the permitted origins within those that the host allows', async () => {
    const { fetch } = await servicesWith({ fetch: ['https://*.weather.test', 'http://127.0.0.1:*'] });
    await expect(fetch('https://news.test/')).rejects.toMatchObject({
      code: 'not-allowed',
      message: expect.stringContaining(
        'https://news.test is not an origin that the application may fetch from',
      ),
    });
    // The host's limits apply as well.
    await expect(fetch('http://127.0.0.1:9/')).rejects.toMatchObject({
      code: 'not-allowed',
      message: expect.stringContaining('http://127.0.0.1:9 is not an allowed origin'),
    });
    await expect(fetch('https://api.weather.test/')).rejects.not.toMatchObject({ code: 'not-allowed' });
  });

  it('reaches nothing with an empty list', async () => {
    const { fetch } = await servicesWith({ fetch: [] });
    await expect(fetch('https://weather.test/')).rejects.toMatchObject({ code: 'not-allowed' });
  });
});

describe('storage', () => {
  const full = (bytes: number, most: number) =>
    `its storage would have ${bytes} bytes: expected at most ${most} (permissions.storage); delete something first`;
  const text = (length: number) => 'x'.repeat(length);
  let storage: AppStorage;

  beforeEach(async () => {
    ({ storage } = await servicesWith({ storage: 100 }));
  });

  it('is limited to the permitted bytes of keys and values', async () => {
    // A key of one byte, one byte for the type of the value, and two quotes.
    await storage.put('a', text(46));
    await expect(storage.put('b', text(47))).rejects.toThrow(full(101, 100));
    await expect(storage.put('b', text(47))).rejects.toThrow(QuotaError);
    await storage.put('b', text(46));
    expect(await storage.get('b')).toBe(text(46));
  });

  it('counts replaced and deleted values', async () => {
    await storage.put('a', text(90));
    await storage.put('a', text(94));
    await expect(storage.put('b', 1)).rejects.toThrow('permissions.storage');
    await storage.delete('a');
    await storage.put('b', text(96));
  });

  it('counts concurrent writes together', async () => {
    const all = await Promise.allSettled(['a', 'b', 'c', 'd'].map((key) => storage.put(key, text(30))));
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
    const replaced = ['a', 'a', 'a', 'a'].map((key) => storage.put(key, text(40)));
    await Promise.all(replaced);
  });

  it('counts the writes of a commit, which fails as a whole', async () => {
    await storage.put('a', text(60));
    const outcome = await bench.push();
    expect(outcome).toMatchObject({ accepted: false, kind: 'resources', retryAfter: 60 });
    expect(outcome).toMatchObject({ reason: expect.stringContaining('permissions.storage') });
    expect(await storage.get('pushed')).toBeUndefined();
    await storage.delete('a');
    expect(await bench.push()).toMatchObject({ accepted: true });
  });

  it('keeps its values after a restart; with a smaller quota it can only shrink', async () => {
    await storage.put('a', text(40));
    await storage.put('b', text(40));
    await bench.runtime.stop();
    bench = await bench.restart();
    ({ storage } = await servicesWith({ storage: 50 }));
    expect(await storage.get('a')).toBe(text(40));
    await expect(storage.put('c', 1)).rejects.toThrow(full(91, 50));
    await storage.put('a', text(30));
    await storage.delete('b');
    await storage.put('c', 1);
  });

  it('is unlimited by default', async () => {
    await bench.runtime.unload('test.ua');
    ({ storage } = await servicesWith(undefined));
    await storage.put('a', text(1_000_000));
  });
});

describe('files', () => {
  const write = (files: AppFiles, size: number) => files.write(stream(size));

  it('are limited to the permitted bytes together', async () => {
    const { files } = await servicesWith({ files: 1000 });
    const { name } = await write(files, 600);
    await expect(write(files, 401)).rejects.toThrow('the files would exceed the limit of 1000 bytes');
    await expect(write(files, 401)).rejects.toThrow(QuotaError);
    await write(files, 400);
    await files.remove(name);
    await write(files, 600);
  });
});

it.each<[AppPermissions, string]>([
  [{ storage: 0 }, 'test.ua: invalid permissions.storage 0: expected bytes, a whole number above 0'],
  [{ files: 1.5 }, 'test.ua: invalid permissions.files 1.5: expected bytes'],
  [{ fetch: ['weather.test'] }, 'test.ua: invalid permissions.fetch "weather.test": expected an origin'],
])('rejects invalid permissions at load: %j', async (permissions, words) => {
  const error = await servicesWith(permissions).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConfigurationError);
  expect(String(error)).toContain(words);
});

/** The storage of an application: no other application gets it, in whatever order they are loaded. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import type { AppOnPush } from '../../../core/app/index.js';
import { definePushApp } from '../../../sdk/index.js';
import { type Bench, openBench } from '../support.js';

let bench: Bench;

beforeEach(async () => {
  bench = await openBench();
  await bench.runtime.start();
});

afterEach(() => bench.runtime.stop());

/** What each application that has started finds in its storage, by its first media type. */
const found = new Map<string, unknown>();

/** An application that finds in its storage what it stored at its first start. */
function app(id: string, type: string, more: Pick<PushAppDefinition, 'replaces'> = {}): PushAppDefinition {
  return definePushApp({
    ...more,
    id,
    accepts: [type],
    needs: ['storage'],
    delivery: 'direct',
    async start({ storage }) {
      found.set(`${id} ${type}`, await storage.get('owner'));
      await storage.put('owner', `${id} ${type}`);
      return { receive() {} };
    },
  });
}

const onPush = (id: string, type: string): AppOnPush => ({
  manifest: { id, accepts: [type], needs: ['storage'] },
  load: async () => app(id, type),
});

/** Loads applications as at the first start of a host, then restarts it. */
async function before(...definitions: PushAppDefinition[]): Promise<void> {
  await bench.runtime.loadAll(definitions.map((definition) => ({ definition })));
  await bench.runtime.stop();
  bench = await bench.restart();
  await bench.runtime.start();
  found.clear();
}

it('an application does not get the storage of another one that accepts its media types', async () => {
  await before(app('a.ua', 'text/plain'), app('a.ua', 'text/html'));
  // The application for text/html now accepts text/css.
  await bench.runtime.loadAll([
    { definition: app('a.ua', 'text/css') },
    { definition: app('a.ua', 'text/plain') },
  ]);
  expect(Object.fromEntries(found)).toEqual({
    'a.ua text/css': 'a.ua text/html',
    'a.ua text/plain': 'a.ua text/plain',
  });
});

it('a new application does not get the storage of one that is loaded at its first push', async () => {
  await before(app('a.ua', 'text/plain'));
  await bench.runtime.loadAll([onPush('a.ua', 'text/plain'), { definition: app('a.ua', 'text/html') }]);
  await bench.runtime.load(app('a.ua', 'text/css'));
  expect(await bench.push({ id: 'a.ua' })).toMatchObject({ accepted: true });
  expect(Object.fromEntries(found)).toEqual({
    'a.ua text/html': undefined,
    'a.ua text/css': undefined,
    'a.ua text/plain': 'a.ua text/plain',
  });
});

it.each<[string, AppOnPush | { definition: PushAppDefinition }]>([
  ['is loaded as well', { definition: app('a.ua', 'text/plain') }],
  ['is loaded at its first push', onPush('a.ua', 'text/plain')],
])('an application does not take over the storage of an id that %s', async (_, other) => {
  await before(app('a.ua', 'text/plain'));
  await bench.runtime.loadAll([{ definition: app('b.ua', 'text/plain', { replaces: ['a.ua'] }) }, other]);
  expect(await bench.push({ id: 'a.ua' })).toMatchObject({ accepted: true });
  expect(Object.fromEntries(found)).toEqual({
    'b.ua text/plain': undefined,
    'a.ua text/plain': 'a.ua text/plain',
  });
});

it('an application takes over the storage of an id that no other one has', async () => {
  await before(app('a.ua', 'text/plain'));
  await bench.runtime.load(app('b.ua', 'text/html', { replaces: ['a.ua'] }));
  expect(Object.fromEntries(found)).toEqual({ 'b.ua text/html': 'a.ua text/plain' });
});

/** The storage of an application: no other application gets it, whatever the load order. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import type { AppStorage } from '../../../core/app/contract/services.js';
import type { AppOnPush } from '../../../core/app/index.js';
import { definePushApp } from '../../../sdk/index.js';
import { type Bench, openBench } from '../support.js';

let bench: Bench;

beforeEach(async () => {
  found.clear();
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

const onPush = (id: string, type: string, replaces: readonly string[] = []): AppOnPush => ({
  manifest: { id, accepts: [type], needs: ['storage'], replaces },
  load: async () => app(id, type, { replaces }),
});

/** Loads applications as at the first start of a host, then restarts it. */
async function earlier(...definitions: PushAppDefinition[]): Promise<void> {
  await bench.runtime.loadAll(definitions.map((definition) => ({ definition })));
  await bench.runtime.stop();
  bench = await bench.restart();
  await bench.runtime.start();
  found.clear();
}

it('an application does not get the storage of another application that accepts its media types', async () => {
  await earlier(app('a.ua', 'text/plain'), app('a.ua', 'text/html'));
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
  await earlier(app('a.ua', 'text/plain'));
  await bench.runtime.loadAll([onPush('a.ua', 'text/plain'), { definition: app('a.ua', 'text/html') }]);
  await bench.runtime.load(app('a.ua', 'text/css'));
  expect(await bench.push({ id: 'a.ua' })).toMatchObject({ accepted: true });
  expect(Object.fromEntries(found)).toEqual({
    'a.ua text/html': undefined,
    'a.ua text/css': undefined,
    'a.ua text/plain': 'a.ua text/plain',
  });
});

describe('an application that replaces the id of another one', () => {
  const successor = { definition: app('b.ua', 'text/plain', { replaces: ['a.ua'] }) };
  const loaded = { definition: app('a.ua', 'text/plain') };
  const replaced =
    'b.ua replaces a.ua, which this host has as well: remove a.ua, or its id from the replaces of b.ua';
  const twice =
    'b.ua and c.ua both replace "a.ua": expected one successor: remove "a.ua" from the replaces of one of them';
  type Any = AppOnPush | { definition: PushAppDefinition; optional?: boolean };

  it.each<[string, Any[], string]>([
    ['is loaded as well', [successor, loaded], replaced],
    ['is loaded at its first push', [successor, onPush('a.ua', 'text/plain')], replaced],
    [
      'is loaded, while it is loaded at its first push',
      [onPush('b.ua', 'text/plain', ['a.ua']), loaded],
      replaced,
    ],
    [
      'is replaced by another one',
      [successor, { definition: app('c.ua', 'text/css', { replaces: ['a.ua'] }) }],
      twice,
    ],
    [
      'is replaced by another one that is loaded at its first push',
      [onPush('b.ua', 'text/plain', ['a.ua']), onPush('c.ua', 'text/css', ['a.ua'])],
      twice,
    ],
  ])('that %s is an error before any of them starts', async (_, apps, message) => {
    await earlier(app('a.ua', 'text/plain'));
    await expect(bench.runtime.loadAll(apps)).rejects.toThrow(message);
    expect([bench.runtime.eventAppIds, found.size]).toEqual([[], 0]);
  });

  it('that is loaded already is an error', async () => {
    await bench.runtime.load(loaded.definition);
    await expect(bench.runtime.load(successor.definition)).rejects.toThrow(replaced);
    expect(bench.runtime.eventAppIds).toEqual(['a.ua']);
  });

  it.each<[string, Any]>([
    ['is loaded at start', { ...loaded, optional: true }],
    ['is loaded at its first push', { ...onPush('a.ua', 'text/plain'), optional: true }],
  ])('takes over its storage if the other one is optional and %s, and is left out', async (_, other) => {
    await earlier(app('a.ua', 'text/plain'));
    await bench.runtime.loadAll([successor, other]);
    expect(Object.fromEntries(found)).toEqual({ 'b.ua text/plain': 'a.ua text/plain' });
    expect(bench.logs.map(({ message }) => message)).toEqual([
      `the optional application a.ua is left out: ${replaced}`,
    ]);
  });
});

it('several applications with one id share the storage and the pushes of the id that they replace', async () => {
  const received: string[] = [];
  const instance = (id: string, iari: string, more: Partial<PushAppDefinition> = {}): PushAppDefinition => ({
    ...app(id, 'text/plain'),
    ...{ delivery: 'durable', iari, ...more },
    async start({ storage }: { storage: AppStorage }) {
      found.set(`${id} ${iari}`, await storage.get('owner'));
      await storage.put('owner', iari);
      return {
        receive({ text, ...push }) {
          if (id === 'a.ua') throw new Error('later');
          received.push(`${iari} ${push.app}`);
        },
      };
    },
  });
  await bench.runtime.loadAll(['urn:a', 'urn:b'].map((iari) => ({ definition: instance('a.ua', iari) })));
  await bench.push({ id: 'a.ua', iari: 'urn:b' });
  await bench.runtime.stop();
  bench = await bench.restart();
  found.clear();
  const successors = ['urn:a', 'urn:b'].map((iari) => instance('b.ua', iari, { replaces: ['a.ua'] }));
  await bench.runtime.loadAll(successors.map((definition) => ({ definition })));
  await bench.runtime.start();
  await vi.waitFor(() => expect(received).toEqual(['urn:b a.ua']));
  expect(Object.fromEntries(found)).toEqual({ 'b.ua urn:a': 'urn:a', 'b.ua urn:b': 'urn:b' });
});

it('an application takes over the storage of an id that no other application has', async () => {
  await earlier(app('a.ua', 'text/plain'));
  await bench.runtime.load(app('b.ua', 'text/html', { replaces: ['a.ua'] }));
  expect(Object.fromEntries(found)).toEqual({ 'b.ua text/html': 'a.ua text/plain' });
});

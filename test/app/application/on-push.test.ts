/** Applications that are loaded at their first push. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import type { AppOnPush } from '../../../core/app/index.js';
import { AppError, ConfigurationError } from '../../../core/errors.js';
import { definePushApp } from '../../../sdk/index.js';
import { type Bench, settled, startBench, stopBench, testApp, transferOf } from '../support.js';

let bench: Bench;
let loads: number;
let received: string[];

beforeEach(async () => {
  loads = 0;
  received = [];
  bench = await startBench();
});

afterEach(() => stopBench(bench));

const receiving = (more: Partial<PushAppDefinition> = {}) =>
  testApp(async (push) => {
    received.push(new TextDecoder().decode(await push.content.bytes(1000)));
  }, more);

function onPush(definition: () => PushAppDefinition | Promise<PushAppDefinition>): AppOnPush {
  return {
    manifest: { id: 'test.ua', accepts: ['text/plain'] },
    load: async () => {
      loads += 1;
      return definition();
    },
  };
}

describe('an application that waits for its first push', () => {
  it('is listed, but not loaded', async () => {
    const changed = vi.fn();
    bench.runtime.onChange(changed);
    await bench.runtime.loadAll([onPush(receiving)]);
    expect(changed).toHaveBeenCalledOnce();
    expect(bench.runtime.eventAppIds).toEqual(['test.ua']);
    expect(bench.runtime.acceptedTypes()).toEqual(['text/plain']);
    expect(bench.runtime.resolve(['test.ua'], 'image/png')).toBe('type');
    bench.runtime.negotiated('sip:psa@domain.test', ['test.ua']);
    expect(loads).toBe(0);
  });

  it('is loaded by the push, once', async () => {
    await bench.runtime.loadAll([onPush(receiving)]);
    const all = await Promise.all([bench.push({ text: '1' }), bench.push({ text: '2' })]);
    expect(all).toMatchObject([{ accepted: true }, { accepted: true }]);
    expect(await bench.push({ text: '3' })).toMatchObject({ accepted: true });
    expect(received).toEqual(['1', '2', '3']);
    expect(loads).toBe(1);
  });

  it('is loaded by the offer of a file', async () => {
    const consider = vi.fn();
    await bench.runtime.loadAll([
      onPush(() => receiving({ start: () => ({ consider, receive: () => {} }) })),
    ]);
    const app = bench.runtime.resolve(['test.ua'], 'text/plain');
    if (typeof app === 'string') throw new Error(app);
    expect(
      await bench.runtime.consider(app, { from: 'sip:psa@domain.test', type: 'text/plain' }),
    ).toBeUndefined();
    expect(consider).toHaveBeenCalledOnce();
    const transfer = await transferOf(bench.offer());
    await transfer.abort(new Error('cancelled'));
  });

  it('is loaded by a query', async () => {
    await bench.runtime.loadAll([
      onPush(() => receiving({ start: () => ({ receive: () => {}, queries: { what: () => 'answer' } }) })),
    ]);
    expect(await bench.runtime.query('test.ua', 'what')).toBe('answer');
  });

  it('has the options and permissions of its entry', async () => {
    const start = vi.fn(() => ({ receive: () => {} }));
    await bench.runtime.loadAll([
      { ...onPush(() => receiving({ start })), options: { a: 1 }, permissions: { storage: 5 } },
    ]);
    await bench.push();
    expect(start).toHaveBeenCalledWith(expect.objectContaining({ options: { a: 1 } }));
  });

  it('is rejected if it cannot be distinguished from another', async () => {
    await bench.runtime.loadAll([onPush(receiving)]);
    await expect(bench.runtime.load(receiving())).rejects.toThrow(
      'cannot be loaded beside test.ua (text/plain)',
    );
    await expect(bench.runtime.loadAll([onPush(receiving)])).rejects.toThrow(ConfigurationError);
  });

  it('can be unloaded', async () => {
    await bench.runtime.loadAll([onPush(receiving)]);
    const app = bench.runtime.resolve(['test.ua'], 'text/plain');
    await bench.runtime.unload('test.ua');
    expect(bench.runtime.eventAppIds).toEqual([]);
    if (typeof app === 'string') throw new Error(app);
    expect(await bench.runtime.consider(app, { from: 'sip:a@b.test', type: 'text/plain' })).toMatchObject({
      reason: 'test.ua: was unloaded',
    });
  });

  it.each([
    [{ needs: ['a.b'] }, 'test.ua: needs "a.b", which no application of this host provides'],
    [
      { provides: ['a.b'] },
      'test.ua: provides "a.b", which other applications need before the first push; write "activation": "start" in its package.json',
    ],
  ])('is refused before any application starts: its manifest has %j', async (services, reason) => {
    const start = vi.fn(() => ({ receive: () => {} }));
    const other = receiving({ id: 'other.ua', start });
    const waiting = {
      ...onPush(receiving),
      manifest: { id: 'test.ua', accepts: ['text/plain'], ...services },
    };
    await expect(bench.runtime.loadAll([{ definition: other }, waiting])).rejects.toThrow(reason);
    expect(start).not.toHaveBeenCalled();
    await bench.runtime.loadAll([{ definition: other }, { ...waiting, optional: true }]);
    expect(bench.runtime.eventAppIds).toEqual(['other.ua']);
  });

  it('needs the service of an application that is loaded with it', async () => {
    const manifest = { id: 'test.ua', accepts: ['text/plain'], needs: ['a.b'] };
    const provider = definePushApp({
      id: 'provider.ua',
      accepts: ['text/html'],
      provides: ['a.b'] as never,
      start: () => ({ receive: () => {}, services: { 'a.b': {} } }) as never,
    });
    const app = { ...onPush(() => receiving({ needs: ['a.b'] })), manifest };
    await bench.runtime.loadAll([app, { definition: provider }]);
    expect(await bench.push({ text: 'served' })).toMatchObject({ accepted: true });
  });

  it('must have a valid manifest', async () => {
    const wrong = { ...onPush(receiving), manifest: { id: 'test.ua', accepts: [] } };
    await expect(bench.runtime.loadAll([wrong])).rejects.toThrow('test.ua: invalid accepts, an empty list');
  });
});

describe('an application that is needed before its first push', () => {
  it('is loaded at start for pushes in the inbox', async () => {
    let fails = true;
    const durable = () =>
      receiving({
        delivery: 'durable',
        start: () => ({
          async receive(push) {
            if (fails) throw new Error('not yet');
            received.push(new TextDecoder().decode(await push.content.bytes(1000)));
          },
        }),
      });
    await bench.runtime.loadAll([onPush(durable)]);
    await bench.push({ text: 'kept' });
    await settled(bench.runtime.stop());
    bench = await bench.restart();
    fails = false;
    await bench.runtime.loadAll([onPush(durable)]);
    expect(loads).toBe(1);
    await bench.runtime.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(loads).toBe(2);
    expect(received).toEqual(['kept']);
  });

  it('is loaded at start for an alarm', async () => {
    const alarms: string[] = [];
    const app = () =>
      definePushApp({
        id: 'test.ua',
        accepts: ['text/plain'],
        needs: ['schedule'],
        start: ({ schedule }) => ({
          receive: () => schedule.at('a', Date.now() + 60_000),
          alarm: ({ key }) => void alarms.push(key),
        }),
      });
    const manifest = { id: 'test.ua', accepts: ['text/plain'], needs: ['schedule'] };
    await bench.runtime.loadAll([{ ...onPush(app), manifest }]);
    await bench.push();
    await settled(bench.runtime.stop());
    bench = await bench.restart();
    await bench.runtime.loadAll([{ ...onPush(app), manifest }]);
    await bench.runtime.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(alarms).toEqual(['a']);
  });
});

describe('a push for an application that cannot be loaded', () => {
  it.each<[string, () => PushAppDefinition | Promise<PushAppDefinition>, string]>([
    [
      'its module throws',
      () => Promise.reject(new Error('no such file')),
      'test.ua: its module cannot be loaded: no such file',
    ],
    [
      'its module has another id',
      () => receiving({ id: 'other.ua' }),
      'test.ua: invalid id "test.ua" in package.json: expected "other.ua", as in the definition: run "sip-push build"',
    ],
    [
      'its module accepts other types',
      () => receiving({ accepts: ['text/plain', 'text/html'] }),
      'test.ua: invalid accepts "text/plain" in package.json: expected "text/html", "text/plain", as in the definition',
    ],
    [
      'its module has another IARI',
      () => receiving({ iari: 'urn:a' }),
      'test.ua: missing iari in package.json: expected "urn:a", as in the definition',
    ],
    [
      'its module provides a service that the manifest does not name',
      () => receiving({ provides: ['a.b'] }),
      'test.ua: missing provides in package.json: expected "a.b", as in the definition',
    ],
    [
      'its module needs a service that the manifest does not name',
      () => receiving({ needs: ['log'] }),
      'test.ua: missing needs in package.json: expected "log", as in the definition',
    ],
    ['its module has no application', () => undefined as never, 'missing push application'],
  ])('fails, and can be retried: %s', async (_, definition, reason) => {
    await bench.runtime.loadAll([onPush(definition)]);
    expect(await bench.push()).toMatchObject({
      accepted: false,
      kind: 'failed',
      reason: expect.stringContaining(reason),
    });
    await expect(bench.runtime.query('test.ua', 'x')).rejects.toThrow(reason);
    expect(loads).toBe(2);
  });

  it('is retried, and can succeed then', async () => {
    await bench.runtime.loadAll([
      onPush(() => (loads === 1 ? Promise.reject(new Error('disk')) : receiving())),
    ]);
    expect(await bench.push()).toMatchObject({ accepted: false });
    expect(await bench.push({ text: 'again' })).toMatchObject({ accepted: true });
    expect(received).toEqual(['again']);
  });

  it('in time is refused as busy, and a later push reaches it', async () => {
    let open = () => {};
    const loading = new Promise<void>((resolve) => {
      open = resolve;
    });
    await bench.runtime.loadAll([onPush(() => loading.then(() => receiving()))]);
    const early = bench.push();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await early).toMatchObject({ kind: 'busy', reason: 'test.ua is being loaded', retryAfter: 5 });
    open();
    await vi.advanceTimersByTimeAsync(0);
    expect(await bench.push({ text: 'later' })).toMatchObject({ accepted: true });
    expect([loads, received]).toEqual([1, ['later']]);
  });

  it('is abandoned if the application never loads', async () => {
    await bench.runtime.loadAll([onPush(() => new Promise(() => {}))]);
    const answer = bench.runtime.query('test.ua', 'x').catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await answer).toBeInstanceOf(AppError);
    expect(String(await answer)).toContain('loading its module did not end within 10 s');
  });
});

it('the module of an application must agree with the manifest of its package', async () => {
  const manifest = { id: 'x-wap-application:test.ua', accepts: ['text/html', 'text/plain'] };
  const both = receiving({ accepts: ['text/plain', 'text/html'] });
  await bench.runtime.loadAll([{ definition: both, manifest }]);
  await bench.runtime.unload('test.ua');
  await expect(bench.runtime.loadAll([{ definition: receiving(), manifest }])).rejects.toThrow(
    'invalid accepts "text/html", "text/plain" in package.json: expected "text/plain", as in the definition',
  );
});

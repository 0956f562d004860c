/** Refusals of applications with their own copy of this package. */

import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import { isolated } from '../../../core/app/isolation/isolated.js';
import { PushRefused } from '../../../core/errors.js';
import { systemClock } from '../../../core/time/clock.js';
import { workerScript } from '../../support/worker-script.js';
import { type Bench, openBench, testApp } from '../support.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

const SOURCE = `
  import { definePushApp, refuse } from './sdk/index.js';
  export default definePushApp({
    id: 'test.ua',
    accepts: ['text/plain'],
    start: () => ({
      consider(offer) { if (offer.size > 10) throw refuse('declined', 'too much'); },
      async receive(push) {
        const text = await push.text();
        if (text === 'busy') throw refuse('busy', 'not now', { retryAfter: 7 });
        if (text === 'full') throw refuse('resources', 'no space', { retryAfter: 9 });
        if (text === 'error') throw new RangeError('no such thing');
      },
    }),
  });`;

let folder: string;
let bundle: URL;

beforeAll(async () => {
  folder = await mkdtemp(join(ROOT, 'node_modules/.cache/refusals-'));
  const outfile = join(folder, 'app.mjs');
  await build({
    stdin: { contents: SOURCE, resolveDir: ROOT, loader: 'ts' },
    absWorkingDir: ROOT,
    outfile,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    conditions: ['sip-push-source'],
    logLevel: 'warning',
  });
  bundle = pathToFileURL(outfile);
});

afterAll(() => rm(folder, { recursive: true }));

let bench: Bench;

beforeEach(async () => {
  bench = await openBench({ clock: systemClock });
  await bench.runtime.start();
});

afterEach(() => bench.runtime.stop());

it('a refusal of another copy of the package is recognized', async () => {
  const copy: typeof import('../../../core/errors.js') = await import(
    /* @vite-ignore */ `${new URL('../../../core/errors.js', import.meta.url).href}?copy`
  );
  expect(copy.PushRefused).not.toBe(PushRefused);
  await bench.runtime.load(
    testApp(() => {
      throw new copy.PushRefused('busy', 'not here', { retryAfter: 5 });
    }),
  );
  expect(await bench.push()).toMatchObject({
    accepted: false,
    kind: 'busy',
    reason: 'not here',
    retryAfter: 5,
  });
});

it.each<[string, object]>([
  ['has only its name', { name: 'PushRefused', kind: 'declined' }],
  ['has an unknown kind', { [Symbol.for('sip-push.refusal')]: true, kind: 'nonsense' }],
  [
    'has the name of an object member as its kind',
    { [Symbol.for('sip-push.refusal')]: true, kind: 'constructor' },
  ],
  ['has no kind', { [Symbol.for('sip-push.refusal')]: true }],
  ['has another symbol', { [Symbol('sip-push.refusal')]: true, kind: 'declined' }],
])('an error that %s is not a refusal', async (_, fields) => {
  await bench.runtime.load(testApp(() => Promise.reject(Object.assign(new Error('no'), fields))));
  expect(await bench.push()).toMatchObject({ accepted: false, kind: 'failed', reason: 'test.ua threw: no' });
});

const THREADS: readonly [string, () => Promise<PushAppDefinition>][] = [
  ['the thread of the host', async () => (await import(/* @vite-ignore */ bundle.href)).default],
  ['a worker', async () => isolated({ module: bundle.href, script: await workerScript() })],
];

describe.each(THREADS)('a minified application with its own copy, in %s', (_, load) => {
  it('refuses pushes and offers', async () => {
    await bench.runtime.load(await load());
    expect(await bench.push({ text: 'good' })).toMatchObject({ accepted: true });
    expect(await bench.push({ text: 'busy' })).toMatchObject({
      accepted: false,
      kind: 'busy',
      reason: 'not now',
      retryAfter: 7,
    });
    expect(await bench.push({ text: 'full' })).toMatchObject({
      accepted: false,
      kind: 'resources',
      reason: 'no space',
      retryAfter: 9,
    });
    // Durable: an error is not the sender's problem.
    expect(await bench.push({ text: 'error' })).toMatchObject({ accepted: true });
    const found = bench.runtime.resolve(['test.ua'], 'text/plain');
    if (typeof found === 'string') throw new Error(found);
    const offer = { from: 'sip:psa@domain.test', type: 'text/plain', size: 50 };
    expect(await bench.runtime.consider(found, offer)).toEqual({ kind: 'declined', reason: 'too much' });
  });
});

/** A worker that ends affects no other application, restarts, and loses no durable push. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Refusal, senderReason } from '../../../core/app/contract/outcome.js';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import { isolated, type WorkerIsolation } from '../../../core/app/isolation/isolated.js';
import { systemClock } from '../../../core/time/clock.js';
import { eventually } from '../../support/wait.js';
import { workerScript } from '../../support/worker-script.js';
import { type Bench, openBench, testApp } from '../support.js';
import { app, inWorker } from './support.js';

const MIB = 1024 * 1024;
/** For a worker that does not respond, which the watchdog ends after this time. */
const IMPATIENT = { unresponsive: 1, memory: 64 * MIB };
/** For a worker that ends by itself, which can take long on a busy machine. */
const PATIENT = { unresponsive: 60, memory: 32 * MIB };
/** @param words of the reason that is logged. */
const isolationFor = (words: string | RegExp) =>
  String(words).includes('was blocked') ? IMPATIENT : PATIENT;

let bench: Bench;

beforeEach(async () => {
  bench = await openBench({ clock: systemClock });
  await bench.runtime.start();
  await bench.runtime.load(testApp(() => {}, { id: 'other.ua' }));
});

afterEach(() => bench.runtime.stop());

const load = async (source: string, isolation: WorkerIsolation = PATIENT) =>
  bench.runtime.load(await inWorker(source, isolation));

const logged = (words: RegExp) =>
  eventually(`a line like ${words}`, () => bench.logs.find(({ message }) => words.test(message)));

/** The handling of a push whose text is `bad`; the application accepts all other pushes. */
const FAILURES: readonly [string, string, RegExp][] = [
  ['loops forever', 'for (;;) {}', /was blocked/],
  ['loops forever in promises', 'for (;;) await null;', /was blocked/],
  ['fills the heap', 'for (const all = [];;) all.push({ some: [all.length] });', /memory|heap/],
  [
    'fills the heap bit by bit',
    'setInterval(() => kept.push(new Array(1e6).fill({})), 5); await never;',
    /memory|heap|was blocked/,
  ],
  [
    'allocates more than its heap can hold',
    'kept.push(new Array(3e7).fill(0.5)); await never;',
    /memory|heap|was blocked/,
  ],
  [
    'keeps array buffers',
    'setInterval(() => kept.push(new Uint8Array(4e6).fill(1)), 5); await never;',
    /memory/,
  ],
  ['keeps array buffers in a loop', 'for (;;) kept.push(new Uint8Array(1e7).fill(1));', /memory/],
  ['ends its process', 'process.exit(3);', /exit code 3/],
  ['throws an uncaught error', 'setTimeout(() => { throw new Error("stray"); }); await never;', /stray/],
  ['throws an uncaught string', 'setTimeout(() => { throw "text"; }); await never;', /text/],
  ['forgets a rejection', 'void Promise.reject(new Error("forgotten")); await never;', /forgotten/],
  [
    'floods its host',
    'for (;;) { emit("reported"); if (Math.random() < 0.001) await new Promise(setImmediate); }',
    /at once|was blocked/,
  ],
  [
    'keeps array buffers, and forges answers to pings',
    `const pong = { type: 'notify', name: 'pong', args: { memory: 0 } };
     setInterval(() => { kept.push(new Uint8Array(4e6).fill(1)); hostPort.postMessage(pong); }, 5);
     await never;`,
    /memory/,
  ],
  [
    'floods its host with long lines of log',
    `const line = 'x'.repeat(1_000_000);
     for (;;) { console.log(line); await new Promise(setImmediate); }`,
    /characters at once|was blocked|memory/,
  ],
  [
    'floods its host with answers to pings',
    `const pong = { type: 'notify', name: 'pong', args: { memory: 0 } };
     for (let sent = 0; sent < 100_000; sent++) {
       hostPort.postMessage(pong);
       if (sent % 1000 === 0) await new Promise(setImmediate);
     }
     await never;`,
    /messages at once/,
  ],
];

describe.each(FAILURES)('an application that %s', (_, failure, why) => {
  const source = (delivery: string) =>
    app(
      `delivery: '${delivery}', start: ({ emit }) => ({
        async receive(push) {
          const text = new TextDecoder().decode(await push.content.bytes(100));
          if (text === 'bad' && push.attempt === 1) { ${failure} }
          emit('accepted', { text });
        },
      })`,
      'const kept = []; const never = new Promise(() => {});',
    );

  it('refuses the running push of a direct application, and accepts the next one', async () => {
    await load(source('direct'), isolationFor(why));
    expect(await bench.push({ text: 'good' })).toMatchObject({ accepted: true });
    const bad = bench.push({ text: 'bad' });
    expect(await bench.push({ id: 'other.ua' })).toMatchObject({ accepted: true });
    expect(await bad).toMatchObject({ accepted: false, kind: 'failed', reason: expect.stringMatching(why) });
    expect(await bench.push({ id: 'other.ua' })).toMatchObject({ accepted: true });
    await logged(/restarts in 1 s/);
  });
});

it('drops lines of log beyond the limit, and counts them', async () => {
  const source = app(`delivery: 'direct', needs: ['log'], start: ({ log }) => ({
    async receive() { for (let line = 1; line <= 5000; line++) log.info('spam ' + line); },
  })`);
  await load(source);
  expect(await bench.push({ text: 'good' })).toMatchObject({ accepted: true });
  await logged(/^\d+ lines of its log were dropped: expected at most 200 at once$/);
  const lines = bench.logs.filter(({ message }) => message.startsWith('spam '));
  expect(lines.length).toBeGreaterThanOrEqual(200);
  expect(lines.length).toBeLessThan(4000);
  expect(await bench.push({ id: 'other.ua' })).toMatchObject({ accepted: true });
});

it('refuses a push for an unavailable direct application as busy', async () => {
  await using module = await moduleFile();
  const { file } = module;
  await writeFile(file, app('start: () => ({ receive() { process.exit(1); } })'));
  const script = await workerScript();
  await bench.runtime.load(await isolated({ module: pathToFileURL(file).href, script }));
  await writeFile(file, 'throw new Error("not yet");');
  expect(await bench.push()).toMatchObject({ accepted: false, kind: 'failed' });
  await logged(/did not start: .*not yet; it restarts in 2 s/);
  const outcome = await bench.push();
  expect(outcome).toMatchObject({
    accepted: false,
    kind: 'busy',
    reason: expect.stringMatching(/^test\.ua is restarting: its worker did not start: .*not yet$/),
    retryAfter: expect.any(Number),
  });
  // The text of the error stays on the device.
  expect(senderReason(outcome as Refusal)).toBe('the application is restarting');
});

async function moduleFile() {
  const folder = await mkdtemp(join(tmpdir(), 'sip-push-isolation-'));
  return {
    file: join(folder, 'app.mjs'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

describe('a durable application that ends its worker', () => {
  const source = app(`delivery: 'durable', start: ({ emit }) => ({
    async receive(push) {
      const text = new TextDecoder().decode(await push.content.bytes(100));
      if (text === 'bad' && push.attempt === 1) process.exit(1);
      emit('accepted', { text, attempt: push.attempt });
    },
  })`);
  const accepted = (count: number) =>
    eventually(`${count} accepted pushes`, () =>
      bench.events.length === count ? bench.events.map(({ text }) => text).sort() : undefined,
    );

  it('receives its pushes again after the restart', async () => {
    await load(source);
    expect(await bench.push({ text: 'bad' })).toMatchObject({ accepted: true });
    await logged(/restarts in/);
    expect(await bench.push({ text: 'meanwhile' })).toMatchObject({ accepted: true });
    expect(await accepted(2)).toEqual(['bad', 'meanwhile']);
  });

  it('counts an attempt only for the push that was being delivered', async () => {
    await bench.runtime.stop();
    bench = await openBench({ clock: systemClock, limits: { attempts: 1 } });
    await bench.runtime.start();
    await load(source);
    expect(await bench.push({ text: 'bad' })).toMatchObject({ accepted: true });
    await logged(/restarts in/);
    expect(await bench.push({ text: 'meanwhile' })).toMatchObject({ accepted: true });
    await logged(/will be redelivered in \d s: test\.ua is restarting: its worker ended: exit code 1/);
    expect(await accepted(1)).toEqual(['meanwhile']);
    // The push during which the worker ended too often is a dead letter.
    expect(await bench.runtime.deadLetters()).toMatchObject([
      { app: 'test.ua', attempts: 1, reason: expect.stringContaining('exit code 1') },
    ]);
  });

  it('does not restart with a changed definition, and restarts when the definition matches', async () => {
    await using module = await moduleFile();
    const { file } = module;
    await writeFile(file, source);
    const script = await workerScript();
    await bench.runtime.load(await isolated({ module: pathToFileURL(file).href, script }));
    await writeFile(file, source.replace('text/plain', 'text/html'));
    expect(await bench.push({ text: 'bad' })).toMatchObject({ accepted: true });
    await logged(/did not start: .*definition has changed.* restarts in 2 s/);
    await writeFile(file, source);
    expect(await accepted(1)).toEqual(['bad']);
  });

  it('does not restart after it was stopped while unavailable', async () => {
    await load(source);
    await bench.push({ text: 'bad' });
    await logged(/restarts in/);
    await bench.runtime.unload('test.ua');
    expect(bench.runtime.eventAppIds).toEqual(['other.ua']);
  });
});

describe('an application that does not start', () => {
  const start = async (definition: Promise<PushAppDefinition>) =>
    definition.then((loaded) => bench.runtime.load(loaded)).catch((error: unknown) => error);

  it.each([
    ['throws when it is imported', `throw new Error('no disk today');`, 'no disk today'],
    ['cannot be imported', `import 'sip-push-no-such-package';`, 'sip-push-no-such-package'],
    ['exports nothing', 'export const x = 1;', 'no default export'],
    ['is not an application', 'export default { id: "test.ua" };', 'test.ua: missing start'],
    ['ends when it is imported', 'process.exit(4);', 'exit code 4'],
    ['throws', app(`start() { throw new RangeError('no space') }`), 'no space'],
    ['returns nothing', app('start() {}'), 'returned no receive function'],
    ['ends', app('start() { process.exit(5) }'), 'exit code 5'],
    ['loops', app('start() { for (;;) {} }'), 'event loop was blocked'],
    ['loops when it is imported', 'for (;;) {}', 'event loop was blocked'],
    ['needs an unknown service', app(`needs: ['storrage'], start: () => ({ receive() {} })`), 'storrage'],
  ])('because it %s: reports its own error', async (_, source, words) => {
    const error = await start(inWorker(source, isolationFor(words)));
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toContain(words);
    expect(bench.runtime.eventAppIds).toEqual(['other.ua']);
  });
});

/** Content in a worker: memory holds only what the reader requests. */

import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Content } from '../../../core/content/content.js';
import { systemClock } from '../../../core/time/clock.js';
import { eventually } from '../../support/wait.js';
import { type Bench, openBench } from '../support.js';
import { app, inWorker } from './support.js';

const MIB = 1024 * 1024;
const CHUNK = 65_536;

let bench: Bench;

beforeEach(async () => {
  bench = await openBench({ clock: systemClock, limits: { filesBytes: 1024 * MIB } });
});

afterEach(() => bench.runtime.stop());

/** Content that is made as it is read, and tells how far that was. */
function largeContent(size: number) {
  const state = { produced: 0, cancelled: undefined as unknown };
  const content: Content = {
    type: { type: 'text/plain', parameters: {} },
    size,
    open: () =>
      new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            const left = size - state.produced;
            if (left === 0) controller.close();
            else controller.enqueue(new Uint8Array(Math.min(CHUNK, left)).fill(1));
            state.produced += Math.min(CHUNK, left);
          },
          cancel(reason) {
            state.cancelled = reason;
          },
        },
        { highWaterMark: 0 },
      ),
    bytes: () => Promise.reject(new Error('not as a whole')),
  };
  return { content, state };
}

const reading = (body: string) =>
  app(`needs: ['files'], limits: { seconds: 14 }, start: ({ emit, files }) => ({
    async receive(push, { signal }) { ${body} },
    query: () => 'here',
  })`);

/** The most that the process grows by meanwhile. */
async function growthDuring(work: Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss();
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss() - before);
  }, 20);
  await work.finally(() => clearInterval(timer));
  return most;
}

it('reads 256 MiB in a worker without buffering them', async () => {
  await bench.runtime.load(
    await inWorker(
      reading(`let size = 0;
        for await (const chunk of push.content.open()) size += chunk.length;
        emit('reported', { size });`),
      { memory: 64 * MIB },
    ),
  );
  const { content } = largeContent(256 * MIB);
  const growth = await growthDuring(
    bench.push({ content }).then((outcome) => expect(outcome.accepted).toBe(true)),
  );
  expect(bench.events).toMatchObject([{ size: 256 * MIB }]);
  // Measured: 40 to 70 MiB, most of it garbage.
  expect(growth).toBeLessThan(128 * MIB);
});

it('writes them from the worker into a file', async () => {
  await bench.runtime.load(
    await inWorker(
      reading(`const { size } = await files.write(push.content.open());
        emit('reported', { size });`),
      { memory: 64 * MIB },
    ),
  );
  const { content } = largeContent(256 * MIB);
  const growth = await growthDuring(
    bench.push({ content }).then((outcome) => expect(outcome.accepted).toBe(true)),
  );
  expect(bench.events).toMatchObject([{ size: 256 * MIB }]);
  expect(growth).toBeLessThan(128 * MIB);
});

it('reads only what the application requests, and cancels the rest', async () => {
  await bench.runtime.load(
    await inWorker(
      reading(`const reader = push.content.open().getReader();
        await reader.read();
        emit('reported', {});
        await new Promise((resolve) => setTimeout(resolve, 50));
        await reader.cancel(new Error('enough'));`),
    ),
  );
  const { content, state } = largeContent(256 * MIB);
  const pushed = bench.push({ content });
  await eventually('it has read', () => bench.events[0]);
  expect(state.produced).toBe(CHUNK);
  expect(await pushed).toMatchObject({ accepted: true });
  await eventually('it is cancelled', () => state.cancelled);
  expect(state.cancelled).toMatchObject({ message: 'enough' });
  expect(state.produced).toBe(CHUNK);
});

it('cancels an unread stream when receive has ended', async () => {
  await bench.runtime.load(await inWorker(reading(`await push.content.open().getReader().read();`)));
  const { content, state } = largeContent(256 * MIB);
  expect(await bench.push({ content })).toMatchObject({ accepted: true });
  expect(state).toMatchObject({ given: CHUNK, cancelled: expect.any(Error) });
});

it('cancels the stream that a worker was reading when it ended', async () => {
  await bench.runtime.load(
    await inWorker(reading(`for await (const chunk of push.content.open()) process.exit(1);`)),
  );
  const { content, state } = largeContent(256 * MIB);
  expect(await bench.push({ content })).toMatchObject({ accepted: false, kind: 'failed' });
  await eventually('it is cancelled', () => state.cancelled);
});

it('passes the error of a broken source to the worker', async () => {
  await bench.runtime.load(
    await inWorker(
      reading(`const error = await push.content.bytes(1e9).catch((error) => error);
        emit('reported', { name: error.name, message: error.message });`),
    ),
  );
  const { content } = largeContent(256 * MIB);
  const broken: Content = {
    ...content,
    open: () =>
      new ReadableStream({ start: (controller) => controller.error(new RangeError('the disk is gone')) }),
  };
  expect(await bench.push({ content: broken })).toMatchObject({ accepted: true });
  expect(bench.events).toMatchObject([{ name: 'RangeError', message: 'the disk is gone' }]);
});

it('copies the chunks of an application, which may reuse their buffers', async () => {
  await bench.runtime.load(
    await inWorker(
      reading(`const buffer = new Uint8Array(10);
        let count = 0;
        const stream = new ReadableStream({ pull(controller) {
          if (count === 5) return controller.close();
          controller.enqueue(buffer.fill(++count).subarray(0, 2));
        } }, { highWaterMark: 0 });
        const { name } = await files.write(stream);
        const bytes = new Uint8Array(await new Response(await files.open(name)).arrayBuffer());
        emit('reported', { bytes: [...bytes], kept: buffer.length });`),
    ),
  );
  expect(await bench.push()).toMatchObject({ accepted: true });
  expect(bench.events).toMatchObject([{ bytes: [1, 1, 2, 2, 3, 3, 4, 4, 5, 5], kept: 10 }]);
});

it('rejects reads of content after the call has ended', async () => {
  await bench.runtime.load(
    await inWorker(
      app(`start: () => { let kept; return {
        receive(push) { kept = push.content; },
        query: () => kept.bytes(1e9).catch((error) => error.message),
      }; }`),
    ),
  );
  expect(await bench.push({ content: largeContent(MIB).content })).toMatchObject({ accepted: true });
  expect(await bench.runtime.query('test.ua', 'x')).toMatch(/only readable during/);
});

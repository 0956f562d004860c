/** Streams between two ends whose messages a test carries over itself. */

import { expect, it } from 'vitest';
import type { Message } from '../../../core/app/isolation/messages.js';
import { Streams } from '../../../core/app/isolation/streams.js';

/** Two ends; what one posts reaches the other when the test says so. */
function ends() {
  const under: { to: Streams; message: Message }[] = [];
  const here: Streams = new Streams((message) => under.push({ to: there, message }));
  const there: Streams = new Streams((message) => under.push({ to: here, message }));
  const settle = async () => {
    for (let quiet = 0; quiet < 5; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const { to, message } of under.splice(0)) {
        to.receive(structuredClone(message));
        quiet = 0;
      }
    }
  };
  return { here, there, under, settle };
}

const failing = (why: Error) => new ReadableStream({ start: (controller) => controller.error(why) });

it('one that breaks before anybody takes it breaks for who does', async () => {
  const { here, there, settle } = ends();
  here.send(1, failing(new RangeError('cut')), { transferred: true });
  await settle();
  const read = there
    .openBytes(1)
    .getReader()
    .read()
    .catch((error: unknown) => error);
  await settle();
  expect(await read).toMatchObject({ name: 'RangeError', message: 'cut' });
});

it('one that was never given, or has been withdrawn, breaks for who reads it', async () => {
  const { here, there, settle } = ends();
  const never = there
    .openBytes(1)
    .getReader()
    .read()
    .catch((error: unknown) => error);
  here.send(2, new ReadableStream(), { transferred: true });
  const taken = there.openBytes(2).getReader();
  const waiting = taken.read().catch((error: unknown) => error);
  await settle();
  here.withdraw(2, new Error('enough'));
  await settle();
  expect(await never).toMatchObject({ message: 'the stream has ended' });
  expect(await waiting).toMatchObject({ message: 'enough' });
});

it('chunks that nobody asked for are left out', async () => {
  const { here, there, settle } = ends();
  const reader = there.openBytes(1).getReader();
  there.receive({ type: 'chunk', id: 1, chunk: new Uint8Array([9]) });
  here.send(1, new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array([1])) }), {
    transferred: false,
  });
  const first = reader.read();
  await settle();
  expect(await first).toEqual({ done: false, value: new Uint8Array([1]) });
});

it('asking twice for a chunk gives one', async () => {
  let pulled = 0;
  const { here, under, settle } = ends();
  here.send(
    1,
    new ReadableStream(
      {
        pull(controller) {
          pulled++;
          controller.enqueue(new Uint8Array([pulled]));
        },
      },
      { highWaterMark: 0 },
    ),
    { transferred: true },
  );
  for (let times = 0; times < 5; times++) here.receive({ type: 'pull', id: 1 });
  await new Promise((resolve) => setImmediate(resolve));
  expect(under.map(({ message }) => message.type)).toEqual(['chunk']);
  await settle();
  expect(pulled).toBe(1);
});

it.each([['text'], [new Uint8Array(17 * 1024 * 1024)], [null]])('%o is no chunk of bytes', async (chunk) => {
  const { here, there, settle } = ends();
  let cancelled: unknown;
  const source = new ReadableStream({
    pull: (controller) => controller.enqueue(chunk),
    cancel(reason) {
      cancelled = reason;
    },
  });
  here.send(1, source, { transferred: false });
  const read = there
    .openBytes(1)
    .getReader()
    .read()
    .catch((error: unknown) => error);
  await settle();
  expect(await read).toBeInstanceOf(Error);
  expect(cancelled).toBeInstanceOf(Error);
});

it('as many as may be open, and no more', async () => {
  const { here, there, settle } = ends();
  for (let id = 0; id < 1000; id++) here.send(id, new ReadableStream(), { transferred: true });
  here.send(1000, new ReadableStream(), { transferred: true });
  const read = there
    .openBytes(1000)
    .getReader()
    .read()
    .catch((error: unknown) => error);
  await settle();
  expect(await read).toMatchObject({ name: 'LimitError' });
});

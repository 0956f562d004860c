/** Streams between two threads; the test delivers the messages between them. */

import { expect, it } from 'vitest';
import type { Message } from '../../../core/app/isolation/messages.js';
import { Streams } from '../../../core/app/isolation/streams.js';

/** Both ends of a port. A message reaches the other end when the test calls `settle`. */
function ends() {
  const inTransit: { to: Streams; message: Message }[] = [];
  const here: Streams = new Streams((message) => inTransit.push({ to: there, message }));
  const there: Streams = new Streams((message) => inTransit.push({ to: here, message }));
  const settle = async () => {
    for (let quiet = 0; quiet < 5; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const { to, message } of inTransit.splice(0)) {
        to.receive(structuredClone(message));
        quiet = 0;
      }
    }
  };
  return { here, there, inTransit, settle };
}

const failing = (why: Error) => new ReadableStream({ start: (controller) => controller.error(why) });

it('a stream that breaks before it is opened errors for its reader', async () => {
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

it('a stream that was never sent, or was withdrawn, errors for its reader', async () => {
  const { here, there, settle } = ends();
  const never = there
    .openBytes(1)
    .getReader()
    .read()
    .catch((error: unknown) => error);
  here.send(2, new ReadableStream(), { transferred: true });
  const reader = there.openBytes(2).getReader();
  const waiting = reader.read().catch((error: unknown) => error);
  await settle();
  here.withdraw(2, new Error('cancelled'));
  await settle();
  expect(await never).toMatchObject({ message: 'the stream has ended' });
  expect(await waiting).toMatchObject({ message: 'cancelled' });
});

it('ignores chunks that were not requested', async () => {
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

it('sends one chunk for repeated requests', async () => {
  let pulled = 0;
  const { here, inTransit, settle } = ends();
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
  expect(inTransit.map(({ message }) => message.type)).toEqual(['chunk']);
  await settle();
  expect(pulled).toBe(1);
});

it.each([['text'], [new Uint8Array(17 * 1024 * 1024)], [null]])(
  'rejects %o as a chunk of bytes',
  async (chunk) => {
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
  },
);

it('limits the number of open streams', async () => {
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

/** `push.text()` and `push.bytes()`. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Content, memoryContent } from '../../../core/content/content.js';
import { systemClock } from '../../../core/time/clock.js';
import { app, inThread, THREADS } from '../isolation/support.js';
import { type Bench, openBench, transferOf } from '../support.js';

const SOURCE = app(`maxSize: 10, events: { read: true }, start: ({ emit }) => ({
  async receive(push) {
    emit('read', { text: await push.text(), again: await push.text(), bytes: [...(await push.bytes())] });
  },
  describe: async (push) => ({ title: await push.text(), text: String((await push.bytes()).length) }),
})`);

/** Content whose size is unknown until it has been read. */
function unsized(size: number): Content {
  const whole = memoryContent({ type: 'text/plain', parameters: {} }, new Uint8Array(size).fill(0x61));
  return { type: whole.type, open: () => whole.open(), bytes: (limit) => whole.bytes(limit) };
}

describe.each(THREADS)('in %s', (thread) => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await openBench({ clock: systemClock });
    await bench.runtime.start();
    await bench.runtime.load(await inThread(thread, SOURCE));
  });

  afterEach(() => bench.runtime.stop());

  const push = (charset: string | undefined, bytes: number[]) =>
    bench.push({
      content: memoryContent(
        { type: 'text/plain', parameters: charset === undefined ? {} : { charset } },
        new Uint8Array(bytes),
      ),
    });

  it.each<[charset: string | undefined, bytes: number[], text: string]>([
    [undefined, [0xc3, 0xa9], 'é'],
    ['utf-8', [0xc3, 0xa9], 'é'],
    ['UTF-8', [0xef, 0xbb, 0xbf, 0x61], 'a'],
    ['us-ascii', [0x61], 'a'],
    ['iso-8859-1', [0xe9], 'é'],
    ['windows-1251', [0xcf], 'П'],
    ['utf-16le', [0x61, 0x00], 'a'],
    ['shift_jis', [0x82, 0xa0], 'あ'],
    [undefined, [0x61, 0xff, 0xc3], 'a\ufffd\ufffd'],
    ['', [0x61], 'a'],
    ['utf-8', [], ''],
  ])('text is decoded by the charset %s: %j', async (charset, bytes, text) => {
    expect(await push(charset, bytes)).toMatchObject({ accepted: true });
    expect(bench.events).toMatchObject([{ text, again: text, bytes }]);
  });

  it.each(['klingon', 'utf-8; x', 'x'.repeat(10_000)])(
    'text of the unknown charset %j is refused as type',
    async (charset) => {
      const outcome = await push(charset, [0x61]);
      expect(outcome).toMatchObject({ accepted: false, kind: 'type' });
      expect(outcome).toHaveProperty('reason', expect.stringContaining('unknown charset "'));
      expect(JSON.stringify(outcome).length).toBeLessThan(5_000);
    },
  );

  it('content of the maximum size is read', async () => {
    expect(await bench.push({ content: unsized(10) })).toMatchObject({ accepted: true });
    expect(bench.events).toMatchObject([{ text: 'a'.repeat(10) }]);
  });

  it('content that turns out to be larger is refused as size', async () => {
    expect(await bench.push({ content: unsized(11) })).toMatchObject({ accepted: false, kind: 'size' });
    expect(bench.events).toEqual([]);
  });

  it('content of a file is read when it has arrived, and refused when it is too large', async () => {
    const transfer = await transferOf(bench.offer());
    await transfer.write(0, new TextEncoder().encode('hel'));
    await transfer.write(3, new TextEncoder().encode('lo'));
    expect(await transfer.complete(5)).toMatchObject({ accepted: true });
    expect(bench.events).toMatchObject([{ text: 'hello' }]);
  });

  it('describe can read them, too', async () => {
    const outcome = await bench.push({ text: 'hello' });
    expect(await bench.runtime.describe(outcome.pushId ?? '')).toEqual({ title: 'hello', text: '5' });
  });
});

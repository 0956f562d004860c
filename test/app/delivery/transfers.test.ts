/** Files in session mode: how their content arrives, and how an application reads it. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import type { ReceivedPush } from '../../../core/app/contract/push.js';
import { LimitError } from '../../../core/errors.js';
import { eventually } from '../../support/wait.js';
import { newGate, stored, testApp, transferOf } from '../support.js';
import { bytes, NEVER, readingApp, send, TEXT, TransferBench, textOf } from './transfer-bench.js';

let bench: TransferBench;

beforeEach(async () => {
  bench = await TransferBench.start();
});

afterEach(() => bench.remove());

describe.each(['direct', 'durable'] as const)('a file for a %s application', (delivery) => {
  it('8.2.1-05: reaches the application with all its properties, and is confirmed with its hash', async () => {
    const { app, pushes, texts } = readingApp({ delivery });
    await bench.runtime.load(app);
    const transfer = await bench.transfer({ fileName: 'a.txt', headers: { 'content-language': 'en' } });
    await send(transfer);
    const outcome = await transfer.complete(10);
    expect(outcome).toEqual({
      accepted: true,
      pushId: transfer.pushId,
      size: 10,
      sha256: platform.hash('sha-256', TEXT),
    });
    expect(texts).toEqual([TEXT]);
    expect(pushes[0]).toMatchObject({
      id: transfer.pushId,
      app: 'test.ua',
      mode: 'session',
      from: 'sip:psa@domain.test',
      to: 'sip:bob@domain.test',
      fileName: 'a.txt',
      headers: { 'content-language': 'en' },
      attempt: 1,
      content: { size: 10, type: { type: 'text/plain' } },
    });
    await bench.noFileRemains();
    expect(await stored(bench.store, 'received', 'content', 'partial-transfer')).toEqual([]);
  });

  it('can be read while it arrives, and ends only when it is complete', async () => {
    let content: ReadableStreamDefaultReader<Uint8Array> | undefined;
    await bench.runtime.load(
      testApp(
        (push) => {
          content = push.content.open().getReader();
          return NEVER;
        },
        { delivery },
      ),
    );
    const transfer = await bench.transfer();
    await transfer.write(0, bytes('01234'));
    expect((await content?.read())?.value).toEqual(bytes('01234'));
    await transfer.write(5, bytes('56789'));
    expect((await content?.read())?.value).toEqual(bytes('56789'));
    let ended = false;
    const end = content?.read().then(() => {
      ended = true;
    });
    await transfer.write(0, new Uint8Array());
    expect(ended).toBe(false);
    const outcome = transfer.complete(10);
    await end;
    bench.clock.pass(10_000);
    expect(await outcome).toMatchObject({ accepted: delivery === 'durable' });
  });

  it('arrives out of order, in overlapping parts: the first value of each byte is kept', async () => {
    const { app, texts } = readingApp({ delivery });
    await bench.runtime.load(app);
    const transfer = await bench.transfer();
    await transfer.write(6, bytes('67'));
    await Promise.all([
      transfer.write(2, bytes('234')),
      transfer.write(4, bytes('XX')),
      transfer.write(9, bytes('9')),
    ]);
    await transfer.write(5, bytes('5'));
    await transfer.write(0, bytes('01YYYYYYYY').subarray(0, 9));
    await transfer.write(8, bytes('8'));
    // Byte 5 came as X, byte 8 as Y.
    const came = '01234X67Y9';
    expect(await transfer.complete(10)).toMatchObject({ accepted: false, kind: 'failed' });
    expect(texts).toEqual([]);
    const again = await bench.transfer({ text: came });
    await again.write(6, bytes('67'));
    await Promise.all([
      again.write(2, bytes('234')),
      again.write(4, bytes('XX')),
      again.write(9, bytes('9')),
    ]);
    await again.write(0, bytes('01YYYYYYYY').subarray(0, 9));
    expect(await again.complete(10)).toMatchObject({
      accepted: true,
      sha256: platform.hash('sha-256', came),
    });
    expect(texts).toEqual([came]);
  });

  it.each(['in order', 'backwards', 'at random'])('arrives %s', async (order) => {
    const { app, texts } = readingApp({ delivery });
    await bench.runtime.load(app);
    const text = Array.from({ length: 50_000 }, (_, index) => `${index}\n`).join('');
    const transfer = await bench.transfer({ text });
    const chunk = 8_191;
    const starts = Array.from({ length: Math.ceil(text.length / chunk) }, (_, index) => index * chunk);
    if (order === 'backwards') starts.reverse();
    if (order === 'at random') starts.sort((one, other) => ((one * 7919) % 101) - ((other * 7919) % 101));
    await Promise.all(starts.map((start) => transfer.write(start, bytes(text.slice(start, start + chunk)))));
    expect(await transfer.complete(text.length)).toMatchObject({
      accepted: true,
      sha256: platform.hash('sha-256', text),
    });
    expect(texts[0]).toBe(text);
  });

  it('can be empty', async () => {
    const { app, texts } = readingApp({ delivery });
    await bench.runtime.load(app);
    const transfer = await bench.transfer({ text: '' });
    expect(await transfer.complete(0)).toMatchObject({ accepted: true, size: 0 });
    expect(texts).toEqual(['']);
  });

  it('can have an unknown size', async () => {
    const { app, texts, pushes } = readingApp({ delivery });
    await bench.runtime.load(app);
    const transfer = await transferOf(bench.offer({}));
    await transfer.write(0, bytes(TEXT));
    expect(pushes[0]?.content.size).toBeUndefined();
    expect(await transfer.complete(10)).toMatchObject({ accepted: true, size: 10 });
    expect(pushes[0]?.content.size).toBe(10);
    expect(texts).toEqual([TEXT]);
  });

  it('is accepted only when it is complete, even if receive resolves early', async () => {
    const attempts: number[] = [];
    await bench.runtime.load(testApp((push) => void attempts.push(push.attempt), { delivery }));
    const broken = await bench.transfer({ key: 'early' });
    await broken.write(0, bytes('0123'));
    await broken.abort(new Error('connection lost'));
    expect(await stored(bench.store, 'finished', 'received')).toEqual([]);
    const transfer = await bench.transfer({ key: 'early' });
    expect(transfer.have).toBe(4);
    await send(transfer);
    expect(await transfer.complete(10)).toMatchObject({ accepted: true });
    expect(attempts).toEqual([1, 2]);
  });

  it('is spooled even if it is never read; the deadline starts when it is complete', async () => {
    let received: ReceivedPush | undefined;
    await bench.runtime.load(
      testApp(
        (push) => {
          received = push;
          return NEVER;
        },
        { delivery },
      ),
    );
    const transfer = await bench.transfer();
    bench.clock.pass(3_600_000);
    await send(transfer);
    const outcome = transfer.complete(10);
    await eventually('the deadline has passed', () => {
      bench.clock.pass(1_000);
      return received?.signal.aborted || undefined;
    });
    expect(await outcome).toMatchObject(
      delivery === 'durable' ? { accepted: true } : { accepted: false, kind: 'failed' },
    );
  });

  it('reaches an application that is slower than the network', async () => {
    const chunks: number[] = [];
    const gate = newGate();
    await bench.runtime.load(
      testApp(
        async (push) => {
          for await (const chunk of push.content.open()) {
            chunks.push(chunk.length);
            await gate.passed;
          }
        },
        { delivery },
      ),
    );
    const text = 'x'.repeat(1_000_000);
    const transfer = await bench.transfer({ text });
    for (let at = 0; at < text.length; at += 100_000)
      await transfer.write(at, bytes(text.slice(at, at + 100_000)));
    expect(chunks).toHaveLength(1);
    gate.open();
    expect(await transfer.complete(text.length)).toMatchObject({ accepted: true });
    expect(chunks.reduce((sum, length) => sum + length)).toBe(text.length);
    expect(Math.max(...chunks)).toBeLessThanOrEqual(262_144);
  });

  it('supports several readers, and ranges', async () => {
    const read: string[] = [];
    await bench.runtime.load(
      testApp(
        async ({ content }) => {
          read.push(
            ...(await Promise.all([
              textOf(content.open()),
              textOf(content.open({ start: 4 })),
              textOf(content.open({ start: 2, end: 4 })),
              textOf(content.open({ start: 5, end: 100 })),
              textOf(content.open({ start: 9, end: 9 })),
              textOf(content.open({ start: 10 })),
              textOf(content.open({ start: 3, end: 2 })),
              textOf(content.open()),
            ])),
            new TextDecoder().decode(await content.bytes(10)),
          );
          await expect(content.bytes(9)).rejects.toThrow(LimitError);
          expect(() => content.open({ start: -1 })).toThrow(RangeError);
          expect(() => content.open({ start: 5, end: 2 })).toThrow(RangeError);
          await content.open().cancel('cancelled');
        },
        { delivery },
      ),
    );
    const transfer = await bench.transfer();
    await transfer.write(0, bytes('012'));
    await transfer.write(3, bytes('3456789'));
    expect(await transfer.complete(10)).toMatchObject({ accepted: true });
    expect(read).toEqual([TEXT, '456789', '234', '56789', '9', '', '', TEXT, TEXT]);
  });

  it('delivers a part as soon as it arrived, unless it is the last', async () => {
    const parts: string[] = [];
    await bench.runtime.load(
      testApp(
        async ({ content }) => {
          parts.push(await textOf(content.open({ start: 0, end: 3 })));
          parts.push(await textOf(content.open({ start: 5, end: 9 })));
        },
        { delivery },
      ),
    );
    const transfer = await bench.transfer();
    await transfer.write(0, bytes('0123'));
    await eventually('the first part', () => parts[0]);
    await transfer.write(4, bytes('456789'));
    expect(parts).toEqual(['0123']);
    await transfer.complete(10);
    expect(parts).toEqual(['0123', '56789']);
  });
});

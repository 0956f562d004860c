/** Files in session mode, as an application receives them. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import type { ReceivedPush } from '../../../core/app/contract/push.js';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import type { RuntimeLimits, Transfer } from '../../../core/app/index.js';
import { LimitError, MalformedError, PushRefused, type RefusalKind } from '../../../core/errors.js';
import { eventually } from '../../support/wait.js';
import {
  type Bench,
  begun,
  ManualClock,
  newGate,
  type OfferOptions,
  openBench,
  stored,
  testApp,
} from '../support.js';

const NEVER = new Promise<never>(() => {});
const KINDS: RefusalKind[] = ['forbidden', 'type', 'size', 'declined', 'busy', 'resources', 'failed'];
const TEXT = '0123456789';

let folder: string;
let clock: ManualClock;
let bench: Bench;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'transfers-'));
  clock = new ManualClock();
  bench = await openBench({ clock, transfers: folder });
  await bench.runtime.start();
});

afterEach(async () => {
  await stopped();
  await rm(folder, { recursive: true, force: true });
});

/** Stops the runtime; the time that an application has to stop passes. */
async function stopped(): Promise<void> {
  let over = false;
  const stopping = bench.runtime.stop().finally(() => {
    over = true;
  });
  await eventually('the runtime has stopped', () => {
    clock.pass(1_000);
    return over || undefined;
  });
  await stopping;
}

async function limited(limits: Partial<RuntimeLimits>): Promise<void> {
  await stopped();
  bench = await openBench({ clock, transfers: folder, limits });
  await bench.runtime.start();
}

const offer = (options: OfferOptions = {}) => begun(bench.offer({ text: TEXT, ...options }));
const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (stream: ReadableStream<Uint8Array>) => new Response(stream).text();
const files = () => readdir(folder);

async function send(transfer: Transfer, text = TEXT, from = transfer.have): Promise<void> {
  await transfer.write(from, bytes(text).subarray(from));
}

/** The pushes that `receive` gets, and the content that it reads. */
function reading(more: Partial<PushAppDefinition> = {}) {
  const seen: { pushes: ReceivedPush[]; texts: string[]; errors: unknown[] } = {
    pushes: [],
    texts: [],
    errors: [],
  };
  const app = testApp(async (push) => {
    seen.pushes.push(push);
    try {
      seen.texts.push(await textOf(push.content.open()));
    } catch (error) {
      seen.errors.push(error);
      throw error;
    }
  }, more);
  return { app, ...seen };
}

describe.each(['direct', 'durable'] as const)('a file for a %s application', (delivery) => {
  it('8.2.1-05: reaches it with all its properties, and is confirmed with its hash', async () => {
    const { app, pushes, texts } = reading({ delivery });
    await bench.runtime.load(app);
    const transfer = await offer({ fileName: 'a.txt', headers: { 'content-language': 'en' } });
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
    await eventually('no file remains', async () => (await files()).length === 0 || undefined);
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
    const transfer = await offer();
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
    clock.pass(10_000);
    expect(await outcome).toMatchObject({ accepted: delivery === 'durable' });
  });

  it('arrives out of order, in overlapping parts: the first value of each byte counts', async () => {
    const { app, texts } = reading({ delivery });
    await bench.runtime.load(app);
    const transfer = await offer();
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
    const again = await offer({ text: came });
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
    const { app, texts } = reading({ delivery });
    await bench.runtime.load(app);
    const text = Array.from({ length: 50_000 }, (_, index) => `${index}\n`).join('');
    const transfer = await offer({ text });
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
    const { app, texts } = reading({ delivery });
    await bench.runtime.load(app);
    const transfer = await offer({ text: '' });
    expect(await transfer.complete(0)).toMatchObject({ accepted: true, size: 0 });
    expect(texts).toEqual(['']);
  });

  it('can have an unknown size', async () => {
    const { app, texts, pushes } = reading({ delivery });
    await bench.runtime.load(app);
    const transfer = await begun(bench.offer({}));
    await transfer.write(0, bytes(TEXT));
    expect(pushes[0]?.content.size).toBeUndefined();
    expect(await transfer.complete(10)).toMatchObject({ accepted: true, size: 10 });
    expect(pushes[0]?.content.size).toBe(10);
    expect(texts).toEqual([TEXT]);
  });

  it('is refused if it is too large, at the offer or during the transfer', async () => {
    const { app, errors } = reading({ delivery, maxSize: 9 });
    await bench.runtime.load(app);
    expect(await bench.offer({ text: TEXT })).toEqual({
      refused: {
        accepted: false,
        kind: 'size',
        pushId: expect.any(String),
        reason: 'test.ua accepts at most 9 bytes',
      },
    });
    const transfer = await begun(bench.offer({}));
    expect(transfer.largest).toBe(9);
    await transfer.write(0, bytes('01234'));
    const late = transfer.write(5, bytes('56789'));
    await expect(late).rejects.toThrow(LimitError);
    await transfer.abort(await late.catch((error) => error));
    expect(errors).toHaveLength(1);
    expect(await files()).toEqual([]);
  });

  it('refuses bytes beyond the offered size', async () => {
    await bench.runtime.load(reading({ delivery }).app);
    const transfer = await offer();
    await expect(transfer.write(5, bytes('567890'))).rejects.toThrow(
      'more than the 10 bytes that were offered',
    );
    await send(transfer);
    expect(await transfer.complete(10)).toMatchObject({ accepted: true });
  });

  it('8.2.1-06: with another SHA-1 than offered fails: its stream errors, nothing is committed or kept', async () => {
    const committed: unknown[] = [];
    const { app, errors, pushes } = reading({ delivery });
    await bench.runtime.load(app);
    const transfer = await offer();
    await send(transfer, '0123456780');
    const commit = pushes[0]?.commit((tx) => tx.put('x', 1)).catch((error) => committed.push(error));
    expect(await transfer.complete(10)).toEqual({
      accepted: false,
      pushId: transfer.pushId,
      kind: 'failed',
      reason: `the content has SHA-1 ${platform.hash('sha-1', '0123456780')}; ${platform.hash('sha-1', TEXT)} was offered`,
    });
    await commit;
    expect(committed).toMatchObject([{ message: expect.stringContaining('cannot be committed') }]);
    expect(await eventually('the stream errors', () => errors[0])).toMatchObject({
      message: expect.stringContaining('SHA-1'),
    });
    expect(pushes[0]?.signal.aborted).toBe(true);
    await eventually('no file remains', async () => (await files()).length === 0 || undefined);
    expect(await stored(bench.store, 'data', 'received', 'partial-transfer', 'finished')).toEqual([]);
    expect((await offer({ key: 'key' })).have).toBe(0);
  });

  it.each([
    ['fewer bytes than declared', 9, 10, 'failed'],
    ['more bytes than declared', 10, 9, 'failed'],
  ])('of %s at its end fails', async (_, sent, declared, kind) => {
    await bench.runtime.load(reading({ delivery }).app);
    const transfer = await begun(bench.offer({}));
    await transfer.write(0, bytes(TEXT.slice(0, sent)));
    expect(await transfer.complete(declared)).toMatchObject({ accepted: false, kind });
    await eventually('no file remains', async () => (await files()).length === 0 || undefined);
  });

  it('of another size than offered fails, and one with bytes past its end', async () => {
    await bench.runtime.load(reading({ delivery }).app);
    const transfer = await offer();
    await transfer.write(0, bytes('01234'));
    expect(await transfer.complete(5)).toMatchObject({
      accepted: false,
      reason: 'the content has 5 bytes; 10 were offered',
    });
    const other = await begun(bench.offer({}));
    await other.write(0, bytes('01234'));
    await other.write(8, bytes('89'));
    expect(await other.complete(5)).toMatchObject({
      accepted: false,
      reason: 'the content has 10 bytes; 5 were announced',
    });
  });

  it('is refused in too many parts', async () => {
    await bench.runtime.load(reading({ delivery }).app);
    const transfer = await begun(bench.offer({}));
    for (let part = 0; part < 64; part++) await transfer.write(part * 2, bytes('x'));
    await expect(transfer.write(200, bytes('x'))).rejects.toThrow(MalformedError);
    await expect(transfer.write(-1, bytes('x'))).rejects.toThrow(MalformedError);
    await expect(transfer.write(Number.NaN, bytes('x'))).rejects.toThrow(MalformedError);
    // The earlier bytes are still valid.
    for (let part = 0; part < 64; part++) await transfer.write(part * 2 + 1, bytes('y'));
    expect(await transfer.complete(128)).toMatchObject({ accepted: true });
  });

  it.each(KINDS)('refused as %s in the middle: the next write rejects with the refusal', async (kind) => {
    await bench.runtime.load(
      testApp(
        async (push) => {
          await push.content.open({ start: 0, end: 2 }).getReader().read();
          throw new PushRefused(kind, 'because', { retryAfter: 7 });
        },
        { delivery },
      ),
    );
    const transfer = await offer({ key: 'refused' });
    await transfer.write(0, bytes('0123'));
    const refusal = await eventually('a refusal', () =>
      transfer.write(4, bytes('4')).then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    expect(refusal).toMatchObject({ name: 'PushRefused', kind, message: 'because' });
    const retry = kind === 'busy' || kind === 'resources' ? { retryAfter: 7 } : {};
    expect(await transfer.complete(10)).toMatchObject({
      accepted: false,
      kind,
      reason: 'because',
      ...retry,
    });
    expect(await stored(bench.store, 'received', 'finished')).toEqual([]);
  });

  it.each(['declined', 'busy'] as const)(
    'refused as %s at its end: the transfer ends with the refusal',
    async (kind) => {
      await bench.runtime.load(
        testApp(
          async (push) => {
            await push.content.bytes(100);
            throw new PushRefused(kind, 'because');
          },
          { delivery },
        ),
      );
      const transfer = await offer({ key: 'refused' });
      await send(transfer);
      expect(await transfer.complete(10)).toMatchObject({ accepted: false, kind, size: 10 });
      expect(await stored(bench.store, 'received', 'finished')).toEqual([]);
      await transfer.abort(new Error('over'));
      // After a temporary refusal, the complete file is kept, and a new offer needs no bytes.
      const again = await offer({ key: 'refused' });
      expect(again.have).toBe(kind === 'busy' ? 10 : 0);
      await again.abort(new Error('enough'));
    },
  );

  it('is accepted only when it is complete, even if receive resolves early', async () => {
    const attempts: number[] = [];
    await bench.runtime.load(testApp((push) => void attempts.push(push.attempt), { delivery }));
    const broken = await offer({ key: 'early' });
    await broken.write(0, bytes('0123'));
    await broken.abort(new Error('connection lost'));
    expect(await stored(bench.store, 'finished', 'received')).toEqual([]);
    const transfer = await offer({ key: 'early' });
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
    const transfer = await offer();
    clock.pass(3_600_000);
    await send(transfer);
    const outcome = transfer.complete(10);
    await eventually('the deadline has passed', () => {
      clock.pass(1_000);
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
    const transfer = await offer({ text });
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
          await content.open().cancel('enough');
        },
        { delivery },
      ),
    );
    const transfer = await offer();
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
    const transfer = await offer();
    await transfer.write(0, bytes('0123'));
    await eventually('the first part', () => parts[0]);
    await transfer.write(4, bytes('456789'));
    expect(parts).toEqual(['0123']);
    await transfer.complete(10);
    expect(parts).toEqual(['0123', '56789']);
  });

  it("commit waits until it is complete, and ends it with the application's storage", async () => {
    const steps: string[] = [];
    await bench.runtime.load(
      testApp(
        async (push) => {
          await push.commit((tx) => tx.put('x', 1));
          steps.push('committed');
        },
        { delivery },
      ),
    );
    const transfer = await offer({ key: 'commit' });
    await send(transfer);
    steps.push('sent');
    expect(await transfer.complete(10)).toMatchObject({ accepted: true });
    expect(steps).toEqual(['sent', 'committed']);
    expect(await stored(bench.store, 'data', 'finished')).toHaveLength(2);
    expect(await stored(bench.store, 'received', 'partial-transfer')).toEqual([]);
    expect(await bench.offer({ key: 'commit', text: TEXT })).toEqual({
      known: { accepted: true, pushId: transfer.pushId },
    });
  });

  it('commit rejects when the transfer fails, even if it is not awaited', async () => {
    const errors: unknown[] = [];
    await bench.runtime.load(
      testApp(
        (push) => {
          void push.commit((tx) => tx.put(push.id, 1)).catch((error) => errors.push(error));
        },
        { delivery },
      ),
    );
    const transfer = await offer();
    await transfer.write(0, bytes('0123'));
    await transfer.abort(new Error('connection lost'));
    expect(errors).toMatchObject([
      { name: 'AppError', message: expect.stringMatching(/cannot be committed: connection lost$/) },
    ]);
    expect(await stored(bench.store, 'data', 'finished', 'received')).toEqual([]);
    const whole = await offer();
    await send(whole);
    expect(await whole.complete(10)).toMatchObject({ accepted: true });
    expect(await stored(bench.store, 'data', 'finished')).toHaveLength(2);
  });

  it('a refusal after a pending commit does not count: the commit decides', async () => {
    await bench.runtime.load(
      testApp(
        (push) => {
          void push.commit();
          throw new PushRefused('declined', 'or not');
        },
        { delivery },
      ),
    );
    const transfer = await offer();
    await send(transfer);
    expect(await transfer.complete(10)).toMatchObject({ accepted: true });
  });

  it('interrupted: the stream errors with the reason, and the signal is aborted', async () => {
    const { app, errors, pushes } = reading({ delivery });
    await bench.runtime.load(app);
    const transfer = await offer();
    await transfer.write(0, bytes('0123'));
    const why = new Error('connection lost');
    await transfer.abort(why);
    expect(errors).toEqual([why]);
    expect(pushes[0]?.signal.reason).toBe(why);
    await expect(transfer.write(4, bytes('4'))).rejects.toThrow(PushRefused);
    expect(await transfer.complete(10)).toMatchObject({
      accepted: false,
      kind: 'failed',
      reason: 'connection lost',
    });
    await transfer.abort(why);
  });

  it('interrupted: an application that does not react is abandoned', async () => {
    await bench.runtime.load(testApp(() => NEVER, { delivery }));
    const transfer = await offer({ key: 'deaf' });
    let over = false;
    const aborted = transfer.abort(new Error('connection lost')).then(() => {
      over = true;
    });
    expect(await bench.offer({ key: 'deaf', text: TEXT })).toMatchObject({ refused: { kind: 'busy' } });
    await eventually('the application is abandoned', () => {
      clock.pass(1_000);
      return over || undefined;
    });
    await aborted;
    const again = await offer({ key: 'deaf' });
    expect(again.pushId).toBe(transfer.pushId);
  });

  it('is busy for a second concurrent offer', async () => {
    await bench.runtime.load(reading({ delivery }).app);
    const [one, two] = await Promise.all([
      bench.offer({ key: 'same', text: TEXT }),
      bench.offer({ key: 'same', text: TEXT }),
    ]);
    expect(one).toHaveProperty('transfer');
    expect(two).toMatchObject({ refused: { kind: 'busy', retryAfter: 5 } });
  });

  it('running when its application is unloaded: direct is busy, durable waits in the inbox', async () => {
    const { app, pushes } = reading({ delivery });
    await bench.runtime.load(app);
    const transfer = await offer();
    await transfer.write(0, bytes('0123'));
    const unloaded = bench.runtime.unload('test.ua');
    await eventually('the application is unloaded', () => {
      clock.pass(1_000);
      return bench.runtime.eventAppIds.length === 0 || undefined;
    });
    expect(pushes[0]?.signal.aborted).toBe(true);
    let over = false;
    void unloaded.then(() => {
      over = true;
    });
    await eventually('the runtime has stopped', () => {
      clock.pass(1_000);
      return over || undefined;
    });
    if (delivery === 'direct') {
      await expect(transfer.write(4, bytes('456789'))).rejects.toThrow(PushRefused);
      expect(await transfer.complete(10)).toMatchObject({ accepted: false, kind: 'failed' });
    } else {
      await send(transfer, TEXT, 4);
      expect(await transfer.complete(10)).toMatchObject({ accepted: true });
      expect(await stored(bench.store, 'received')).toHaveLength(1);
      const next = reading({ delivery });
      await bench.runtime.load(next.app);
      await eventually('a redelivery', () => next.texts[0]);
      expect(next.texts).toEqual([TEXT]);
    }
  });

  it('running when the runtime stops: it is interrupted, and resumes after a restart', async () => {
    const { app, errors } = reading({ delivery });
    await bench.runtime.load(app);
    const transfer = await offer({ key: 'stop' });
    await transfer.write(0, bytes('0123'));
    await stopped();
    expect(errors).toHaveLength(1);
    await expect(transfer.write(4, bytes('4'))).rejects.toThrow(PushRefused);
    expect(await transfer.complete(10)).toMatchObject({ accepted: false, kind: 'busy' });
    bench = await openBench({ clock, store: bench.store, transfers: folder });
    const next = reading({ delivery });
    await bench.runtime.load(next.app);
    const again = await offer({ key: 'stop' });
    expect(again).toMatchObject({ have: 4, pushId: transfer.pushId });
    await send(again);
    expect(await again.complete(10)).toMatchObject({ accepted: true });
    expect(next.texts).toEqual([TEXT]);
    expect(next.pushes[0]?.attempt).toBe(2);
  });
});

describe('a turn', () => {
  it('is not used by slow senders: complete content does not wait for them', async () => {
    await limited({ concurrency: 1 });
    const { app, texts } = reading();
    await bench.runtime.load(app);
    const slow = await offer();
    await slow.write(0, bytes('0'));
    const quick = await offer();
    await send(quick);
    expect(await quick.complete(10)).toMatchObject({ accepted: true });
    expect(texts).toEqual([TEXT]);
    await slow.abort(new Error('enough'));
    const third = await offer();
    await third.write(0, bytes('0'));
    await third.abort(new Error('enough'));
  });

  it('that never comes: busy for a direct application, on disk for a durable one', async () => {
    await limited({ concurrency: 1 });
    for (const delivery of ['direct', 'durable'] as const) {
      const id = `${delivery}.ua`;
      await bench.runtime.load(testApp(() => NEVER, { id, delivery, timeout: 14 }));
      await offer({ id });
      void bench.push({ id });
      const waiting = await offer({ id });
      await send(waiting);
      const outcome = waiting.complete(10);
      let over = false;
      void outcome.then(() => {
        over = true;
      });
      await eventually('an answer', () => {
        clock.pass(500);
        return over || undefined;
      });
      expect(await outcome).toMatchObject(
        delivery === 'direct' ? { accepted: false, kind: 'busy' } : { accepted: true },
      );
    }
  });

  it('of a push that was not delivered does not count as an attempt', async () => {
    await limited({ concurrency: 1 });
    const { app, pushes } = reading();
    await bench.runtime.load(app);
    const first = await offer();
    const waiting = await offer({ key: 'waits' });
    await waiting.write(0, bytes('01'));
    await waiting.abort(new Error('connection lost'));
    await first.abort(new Error('connection lost'));
    const again = await offer({ key: 'waits' });
    await send(again);
    await again.complete(10);
    expect(pushes.find(({ id }) => id === again.pushId)?.attempt).toBe(1);
  });
});

describe('consider', () => {
  const ask = async (consider: (offer: unknown) => void | Promise<void>, size = 5) => {
    await bench.runtime.load({
      id: 'test.ua',
      accepts: ['text/plain'],
      delivery: 'direct',
      order: 'parallel',
      maxSize: 10,
      start: () => ({ receive() {}, consider }),
    });
    const app = bench.runtime.resolve(['test.ua'], 'text/plain');
    if (typeof app === 'string') throw new Error(app);
    return bench.runtime.consider(app, { from: 'sip:a@b', type: 'text/plain', size, fileName: 'x' });
  };

  it('passes the offer to the application, and is undefined if it accepts', async () => {
    const offers: unknown[] = [];
    expect(await ask((offered) => void offers.push(offered))).toBeUndefined();
    expect(offers).toEqual([{ from: 'sip:a@b', type: 'text/plain', size: 5, fileName: 'x' }]);
  });

  it.each(KINDS)('8.2.1-04: refused as %s', async (kind) => {
    const refusal = await ask(() => {
      throw new PushRefused(kind, 'because');
    });
    expect(refusal).toMatchObject({ kind, reason: 'because' });
  });

  it('that throws any other error, or is late, is failed', async () => {
    const thrown = await ask(() => {
      throw new Error('oops');
    });
    expect(thrown).toEqual({ kind: 'failed', reason: 'test.ua: oops', internal: true });
    await bench.runtime.unload('test.ua');
    const late = ask(() => NEVER);
    let over = false;
    void late.then(() => {
      over = true;
    });
    await eventually('the call has ended', () => {
      clock.pass(1_000);
      return over || undefined;
    });
    expect(await late).toMatchObject({ kind: 'failed', reason: expect.stringContaining('consider()') });
  });

  it('is not called for content that is too large, or for an unloaded application', async () => {
    let calls = 0;
    expect(await ask(() => void calls++, 11)).toMatchObject({ kind: 'size' });
    expect(calls).toBe(0);
    const app = bench.runtime.resolve(['test.ua'], 'text/plain');
    if (typeof app === 'string') throw new Error(app);
    expect(bench.runtime.largestTransfer(app)).toBe(10);
    await bench.runtime.unload('test.ua');
    expect(await bench.runtime.consider(app, { from: 'sip:a@b', type: 'text/plain' })).toMatchObject({
      kind: 'busy',
    });
    expect(
      await bench.runtime.transfer({
        app,
        key: 'k',
        from: 'sip:a@b',
        to: 'sip:c@d',
        type: { type: 'text/plain', parameters: {} },
        headers: {},
        resumable: false,
      }),
    ).toMatchObject({ refused: { kind: 'busy' } });
  });
});

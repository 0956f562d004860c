/** Interrupted files in session mode: resumed, kept on disk, redelivered, removed. */

import { rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import { PushRefused } from '../../../core/errors.js';
import { eventually } from '../../support/wait.js';
import { newGate, type OfferOptions, openBench, stored, testApp, transferOf } from '../support.js';
import { bytes, TEXT, TransferBench } from './transfer-bench.js';

const DAY = 86_400_000;

let bench: TransferBench;

beforeEach(async () => {
  bench = await TransferBench.start();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await bench.remove();
});

/** @returns a function that advances the clock to the next delivery, unless a delivery is in progress. */
function delaySkipper(): () => void {
  let passed = 0;
  return () => {
    const waits = bench.logs.filter(({ message }) => message.includes('will be redelivered')).length;
    if (waits === passed) return;
    passed = waits;
    bench.clock.pass(60_000);
  };
}

/** An application that reads all content, and then fails `times` times. */
function failing(times: number, more: Partial<PushAppDefinition> = {}) {
  const seen: { attempts: number[]; texts: string[]; ids: string[] } = { attempts: [], texts: [], ids: [] };
  const app = testApp(
    async (push) => {
      seen.attempts.push(push.attempt);
      seen.ids.push(push.id);
      const text = new TextDecoder().decode(await push.content.bytes(10_000));
      if (seen.attempts.length <= times) throw new Error('not yet');
      seen.texts.push(text);
    },
    { delivery: 'durable', ...more },
  );
  return { app, ...seen };
}

async function interrupted(key: string, sent = '0123', options: OfferOptions = {}): Promise<void> {
  const transfer = await bench.transfer({ key, ...options });
  await transfer.write(0, bytes(sent));
  await transfer.abort(new Error('connection lost'));
}

describe('an interrupted transfer', () => {
  it('resumes after the bytes on disk: the same push, the next attempt', async () => {
    const { app, attempts, texts, ids } = failing(0);
    await bench.runtime.load(app);
    await interrupted('k');
    await interrupted('k', TEXT.slice(0, 6));
    const transfer = await bench.transfer({ key: 'k' });
    expect(transfer.have).toBe(6);
    await transfer.write(6, bytes('6789'));
    expect(await transfer.complete(10)).toMatchObject({
      accepted: true,
      sha256: platform.hash('sha-256', TEXT),
    });
    expect(texts).toEqual([TEXT]);
    expect(attempts).toEqual([1, 2, 3]);
    expect(new Set(ids)).toEqual(new Set([transfer.pushId]));
  });

  it('resumes after a restart, and after a kill', async () => {
    for (const killed of [false, true]) {
      await bench.restart();
      await bench.runtime.load(failing(0).app);
      const key = `k ${killed}`;
      const transfer = await bench.transfer({ key });
      await transfer.write(0, bytes('01234'));
      // There is a gap, so the length of the file does not show which bytes are present.
      await transfer.write(8, bytes('89'));
      await bench.restart(killed ? { killed } : {});
      const { app, texts } = failing(0);
      await bench.runtime.load(app);
      const again = await bench.transfer({ key });
      expect(again.have).toBe(5);
      await again.write(5, bytes('56789'));
      expect(await again.complete(10)).toMatchObject({ accepted: true });
      expect(texts).toEqual([TEXT]);
      if (killed) await transfer.abort(new Error('the host was killed'));
    }
  });

  it('counts the bytes after a gap once the gap is closed', async () => {
    await bench.runtime.load(failing(0).app);
    const transfer = await bench.transfer({ key: 'k' });
    await transfer.write(5, bytes('567'));
    await transfer.write(0, bytes('01234'));
    await bench.restart({ killed: true });
    await bench.runtime.load(failing(0).app);
    const again = await bench.transfer({ key: 'k' });
    expect(again.have).toBe(8);
    await transfer.abort(new Error('the host was killed'));
  });

  it('with a damaged file fails by its hash, and starts again', async () => {
    await bench.runtime.load(failing(0).app);
    await interrupted('k');
    const [file = ''] = await bench.files();
    await writeFile(join(bench.folder, file), 'XXXX');
    const damaged = await bench.transfer({ key: 'k' });
    await damaged.write(4, bytes('456789'));
    expect(await damaged.complete(10)).toMatchObject({ accepted: false, kind: 'failed' });
    const again = await eventually('the transfer has ended', async () => {
      const answer = await bench.offer({ key: 'k', text: TEXT });
      return 'transfer' in answer ? answer.transfer : undefined;
    });
    expect(again.have).toBe(0);
  });

  it('with a shorter or missing file resumes from its length', async () => {
    await bench.runtime.load(failing(0).app);
    await interrupted('k');
    const [file = ''] = await bench.files();
    await truncate(join(bench.folder, file), 2);
    const transfer = await bench.transfer({ key: 'k' });
    expect(transfer.have).toBe(2);
    await transfer.write(2, bytes('23'));
    await transfer.abort(new Error('connection lost'));
    await bench.runtime.stop();
    await rm(join(bench.folder, file));
    await bench.reopen();
    expect(await stored(bench.store, 'partial-transfer')).toEqual([]);
    await bench.runtime.load(failing(0).app);
    expect((await bench.transfer({ key: 'k' })).have).toBe(0);
  });

  it('that was complete before its host ended needs no more bytes', async () => {
    await bench.runtime.load(failing(0).app);
    const transfer = await bench.transfer({ key: 'k' });
    await transfer.write(0, bytes(TEXT));
    await bench.restart({ killed: true });
    const { app, texts } = failing(0);
    await bench.runtime.load(app);
    const again = await bench.transfer({ key: 'k' });
    expect(again.have).toBe(10);
    expect(await again.complete(10)).toMatchObject({ accepted: true, size: 10 });
    expect(texts).toEqual([TEXT]);
    await transfer.abort(new Error('the host was killed'));
  });

  it.each([
    ['hash', { sha1: 'f'.repeat(40) }],
    ['size', { size: 11 }],
    ['type', { resumable: false }],
  ])('is replaced by another file with the same key: %s', async (_, other) => {
    await bench.runtime.load(failing(0).app);
    await interrupted('k');
    const before = await bench.files();
    const transfer = await bench.transfer({ key: 'k', ...other });
    expect(transfer.have).toBe(0);
    const [file] = await bench.files();
    expect(before).not.toContain(file);
  });

  it('is not kept without an identity, or without any bytes', async () => {
    await bench.runtime.load(failing(0).app);
    await interrupted('a', '0123', { resumable: false });
    await interrupted('b', '');
    const unknown = await transferOf(bench.offer({ key: 'c', resumable: true }));
    await unknown.write(0, bytes('0123'));
    await unknown.abort(new Error('connection lost'));
    expect(await bench.files()).toEqual([]);
    expect(await stored(bench.store, 'partial-transfer')).toEqual([]);
  });

  it('is kept for a day in which the host runs, even if the date steps', async () => {
    await bench.runtime.load(failing(0).app);
    await interrupted('k');
    bench.clock.pass(DAY - 1);
    expect(await bench.files()).toHaveLength(1);
    bench.clock.pass(1);
    await bench.noFileRemains();
    expect(await stored(bench.store, 'partial-transfer')).toEqual([]);
    await interrupted('k');
    for (const step of [2 * DAY, -2 * DAY]) {
      bench.clock.epoch += step;
      await bench.runtime.stop();
      bench.clock.pass(DAY);
      await bench.reopen();
      expect(await bench.files()).toHaveLength(1);
    }
    bench.clock.pass(DAY);
    await bench.noFileRemains();
    expect(await bench.files()).toEqual([]);
    expect(await stored(bench.store, 'partial-transfer')).toEqual([]);
  });

  it('is removed when there are too many, the oldest first, but not while it runs', async () => {
    await bench.restart({ limits: { transfersKept: 2 } });
    await bench.runtime.load(failing(0).app);
    const running = await bench.transfer({ key: 'running' });
    await running.write(0, bytes('01'));
    for (const key of ['one', 'two', 'three']) await interrupted(key);
    expect(await bench.files()).toHaveLength(3);
    await running.abort(new Error('connection lost'));
    expect(await bench.files()).toHaveLength(2);
    expect((await bench.transfer({ key: 'one' })).have).toBe(0);
    expect((await bench.transfer({ key: 'three' })).have).toBe(4);
  });

  it('is removed when a new one needs the disk space; without any space, the new one is refused as resources', async () => {
    await bench.restart({ limits: { transferBytes: 50 } });
    await bench.runtime.load(failing(0).app);
    await interrupted('old', TEXT.slice(0, 6));
    await bench.transfer({ key: 'one' });
    await bench.transfer({ key: 'two' });
    expect((await bench.files()).length).toBe(2);
    expect(await bench.offer({ text: TEXT })).toMatchObject({
      refused: { kind: 'resources', retryAfter: 60, reason: expect.stringContaining('no disk space') },
    });
    const unknown = await transferOf(bench.offer({}));
    await unknown.write(0, bytes('01234'));
    await expect(unknown.write(5, bytes('5'))).rejects.toMatchObject({ kind: 'resources' });
  });

  it('counts towards the disk space after a restart', async () => {
    await bench.runtime.load(failing(0).app);
    await interrupted('k', TEXT.slice(0, 6));
    await bench.restart({ limits: { transferBytes: 28 } });
    await bench.runtime.load(failing(0).app);
    const unknown = await transferOf(bench.offer({}));
    await unknown.write(0, bytes('01234567'));
    await expect(unknown.write(8, bytes('8'))).rejects.toMatchObject({ kind: 'resources' });
    await unknown.abort(new Error('no space'));
  });

  it('is refused as busy at the limit of running transfers', async () => {
    await bench.restart({ limits: { transfers: 1 } });
    await bench.runtime.load(failing(0).app);
    const first = await bench.transfer();
    expect(await bench.offer({ text: TEXT })).toMatchObject({ refused: { kind: 'busy' } });
    await first.abort(new Error('connection lost'));
    await bench.transfer();
  });
});

describe('a file that a durable application has not yet accepted', () => {
  async function sent(options: OfferOptions = {}) {
    const transfer = await bench.transfer(options);
    await transfer.write(0, bytes(options.text ?? TEXT));
    return transfer.complete((options.text ?? TEXT).length);
  }

  it('is confirmed, and redelivered from the file', async () => {
    const { app, attempts, texts } = failing(2);
    await bench.runtime.load(app);
    expect(await sent({ key: 'k' })).toMatchObject({ accepted: true });
    expect(await bench.files()).toHaveLength(1);
    expect(await stored(bench.store, 'content', 'partial-transfer')).toEqual([]);
    const pass = delaySkipper();
    await eventually('the push is accepted', () => {
      pass();
      return texts[0];
    });
    expect(texts).toEqual([TEXT]);
    expect(attempts).toEqual([1, 2, 3]);
    await bench.noFileRemains();
    expect(await bench.offer({ key: 'k', text: TEXT })).toHaveProperty('known');
  });

  it.each(['durable', 'direct'] as const)(
    'is known to a %s application when its REPORT was lost, the date steps and the host is killed',
    async (delivery) => {
      const app = testApp(async (push) => void (await push.commit()), { delivery });
      await bench.runtime.load(app);
      expect(await sent({ key: 'k' })).toMatchObject({ accepted: true });
      for (const step of [7_200_000, -90 * DAY, 90 * DAY]) {
        bench.clock.epoch += step;
        expect(await bench.offer({ key: 'k', text: TEXT })).toHaveProperty('known');
        await bench.restart({ killed: true });
        await bench.runtime.load(app);
        expect(await bench.offer({ key: 'k', text: TEXT })).toHaveProperty('known');
      }
    },
  );

  it('is redelivered from the file after a restart; with commit exactly once', async () => {
    const gate = newGate();
    await bench.runtime.load(testApp(() => gate.passed, { delivery: 'durable', timeout: 600 }));
    const transfer = await bench.transfer({ key: 'k' });
    await transfer.write(0, bytes(TEXT));
    const outcome = transfer.complete(TEXT.length);
    await eventually('the push is in the inbox', async () => {
      bench.clock.pass(5_000);
      return (await stored(bench.store, 'received'))[0];
    });
    await eventually('an answer', () => {
      bench.clock.pass(5_000);
      return Promise.race([outcome, Promise.resolve(undefined)]);
    });
    expect(await outcome).toMatchObject({ accepted: true });
    const first = bench.runtime;
    await bench.restart({ killed: true });
    const texts: string[] = [];
    await bench.runtime.load(
      testApp(
        async (push) => {
          texts.push(new TextDecoder().decode(await push.content.bytes(100)));
          await push.commit((tx) => tx.put(push.id, push.attempt));
          // Its content remains readable until `receive` has ended.
          texts.push(await new Response(push.content.open({ start: 8 })).text());
        },
        { delivery: 'durable' },
      ),
    );
    await eventually('a redelivery', () => texts[1]);
    expect(texts).toEqual([TEXT, '89']);
    expect(await stored(bench.store, 'received', 'data', 'finished')).toHaveLength(2);
    gate.open();
    await first.stop();
    await bench.noFileRemains();
  });

  it('does not count towards the bytes of the inbox', async () => {
    await bench.restart({ limits: { inboxBytes: 2_000, contentBytes: 1_000 } });
    await bench.runtime.load(failing(1).app);
    expect(await sent({ text: 'x'.repeat(5_000) })).toMatchObject({ accepted: true });
    expect(await stored(bench.store, 'received')).toHaveLength(1);
  });

  it('is refused as resources when the inbox is full, and its bytes are kept', async () => {
    await bench.restart({ limits: { inboxCount: 2 } });
    await bench.runtime.load(failing(2).app);
    const transfer = await bench.transfer({ key: 'k' });
    await transfer.write(0, bytes(TEXT));
    await sent({ key: 'other' });
    expect(await transfer.complete(10)).toMatchObject({ accepted: false, kind: 'resources', retryAfter: 60 });
    const pass = delaySkipper();
    const again = await eventually('the inbox has space', async () => {
      pass();
      const answer = await bench.offer({ key: 'k', text: TEXT });
      return 'transfer' in answer ? answer.transfer : undefined;
    });
    expect(again.have).toBe(10);
  });

  it('is refused as resources when the store fails, and accepted when the store recovers', async () => {
    const { app, texts } = failing(0);
    await bench.runtime.load(app);
    const transfer = await bench.transfer({ key: 'k' });
    await transfer.write(0, bytes(TEXT));
    const full = vi.spyOn(bench.store, 'batch').mockRejectedValue(new Error('ENOSPC'));
    expect(await transfer.complete(10)).toMatchObject({ accepted: false, kind: 'resources' });
    await transfer.abort(new Error('over'));
    expect(texts).toEqual([]);
    full.mockRestore();
    const again = await bench.transfer({ key: 'k' });
    expect(again.have).toBe(10);
    expect(await again.complete(10)).toMatchObject({ accepted: true });
    expect(texts).toEqual([TEXT]);
  });

  it('never reaches the inbox when it is refused during the write', async () => {
    const [syncing, synced] = [newGate(), newGate()];
    const { openFolder } = platform;
    vi.spyOn(platform, 'openFolder').mockImplementation(async (path) => {
      const opened = await openFolder(path);
      const edit = opened.edit.bind(opened);
      opened.edit = async (name) => {
        const file = await edit(name);
        vi.spyOn(file, 'sync').mockImplementation(async () => {
          syncing.open();
          await synced.passed;
        });
        return file;
      };
      return opened;
    });
    await bench.restart();
    const refused = newGate();
    await bench.runtime.load(
      testApp(
        async () => {
          await syncing.passed;
          refused.open();
          throw new PushRefused('declined', 'not wanted');
        },
        { delivery: 'durable' },
      ),
    );
    const transfer = await bench.transfer({ key: 'k' });
    await transfer.write(0, bytes(TEXT));
    const outcome = transfer.complete(10);
    await refused.passed;
    // All microtasks run, after which the refusal is known.
    await new Promise((resolve) => setImmediate(resolve));
    synced.open();
    expect(await outcome).toMatchObject({ accepted: false, kind: 'declined' });
    await transfer.abort(new Error('over'));
    expect(await stored(bench.store, 'received', 'partial-transfer', 'finished')).toEqual([]);
    expect(await bench.files()).toEqual([]);
  });

  it('becomes a dead letter with its file, which counts in the share of its application', async () => {
    await bench.restart({ limits: { deadLetterFileBytes: 15, attempts: 1 } });
    await bench.runtime.load(failing(9).app);
    await sent({ key: 'one' });
    expect(await bench.runtime.deadLetters()).toMatchObject([{ size: 10, reason: 'test.ua threw: not yet' }]);
    await bench.restart({ limits: { deadLetterFileBytes: 15, attempts: 1 } });
    expect(await bench.files()).toHaveLength(1);
    await bench.runtime.load(failing(9).app);
    expect(await bench.offer({ key: 'two', text: TEXT })).toMatchObject({ refused: { kind: 'resources' } });
    expect(await bench.files()).toHaveLength(1);
  });

  it('does not count interrupted attempts towards the dead letters', async () => {
    await bench.restart({ limits: { attempts: 2 } });
    for (let time = 0; time < 3; time++) {
      const { app } = failing(9);
      if (time === 0) await bench.runtime.load(app);
      await interrupted('k');
    }
    const transfer = await bench.transfer({ key: 'k' });
    await transfer.write(4, bytes('456789'));
    expect(await transfer.complete(10)).toMatchObject({ accepted: true });
    expect(await bench.runtime.deadLetters()).toEqual([]);
    await eventually('a dead letter', async () => {
      bench.clock.pass(60_000);
      return (await bench.runtime.deadLetters())[0];
    });
    expect(await bench.runtime.deadLetters()).toMatchObject([{ attempts: 5 }]);
  });

  it('becomes a dead letter when its file is lost', async () => {
    await bench.runtime.load(failing(1).app);
    await sent();
    await bench.runtime.stop();
    for (const file of await bench.files()) await rm(join(bench.folder, file));
    await bench.reopen();
    await bench.runtime.start();
    await bench.runtime.load(failing(0).app);
    const deadLetter = await eventually('a dead letter', async () => (await bench.runtime.deadLetters())[0]);
    expect(deadLetter.reason).toBe('its content is not in the store');
  });

  it('becomes a dead letter when it is refused after the confirmation, at any size', async () => {
    await bench.runtime.load(
      testApp(
        (push) => {
          if (push.attempt === 1) throw new Error('not yet');
          throw new PushRefused('declined', 'not wanted');
        },
        { delivery: 'durable' },
      ),
    );
    await sent();
    const deadLetter = await eventually('a dead letter', async () => {
      bench.clock.pass(60_000);
      return (await bench.runtime.deadLetters())[0];
    });
    expect(deadLetter.reason).toBe('refused (declined): not wanted');
  });
});

describe('on disk', () => {
  it('removes files without an entry at start', async () => {
    await bench.runtime.load(failing(0).app);
    await interrupted('k');
    await writeFile(join(bench.folder, 'stranger'), 'x');
    await bench.restart();
    expect(await bench.files()).toHaveLength(1);
    expect(await bench.files()).not.toContain('stranger');
  });

  it('makes files readable only by their owner', async () => {
    await bench.runtime.load(failing(0).app);
    await interrupted('k');
    const [file = ''] = await bench.files();
    expect((await stat(join(bench.folder, file))).mode & 0o777).toBe(0o600);
  });

  it('keeps a damaged record in the store, and logs it', async () => {
    await bench.store.put('push/entry/x', '{"state":"partial-transfer"}');
    await bench.restart();
    expect(bench.logs).toMatchObject([{ level: 'error', message: expect.stringContaining('push x') }]);
    expect(await stored(bench.store, 'partial-transfer')).toEqual(['partial-transfer/x']);
  });

  it('reports at start a folder that cannot be created', async () => {
    await writeFile(join(bench.folder, 'file'), '');
    const opening = openBench({ clock: bench.clock, transfers: join(bench.folder, 'file', 'below') });
    await expect(opening).rejects.toThrow(/files cannot be stored/);
  });

  it('removes content with a runtime that has no folder', async () => {
    const temporary = await openBench({ clock: bench.clock });
    await temporary.runtime.load(failing(0).app);
    const transfer = await transferOf(temporary.offer({ text: TEXT, key: 'k' }));
    await transfer.write(0, bytes(TEXT));
    expect(await transfer.complete(10)).toMatchObject({ accepted: true });
    const broken = await transferOf(temporary.offer({ text: TEXT, key: 'b' }));
    await broken.write(0, bytes('0123'));
    await broken.abort(new Error('connection lost'));
    expect((await transferOf(temporary.offer({ text: TEXT, key: 'b' }))).have).toBe(4);
    await temporary.runtime.stop();
    const next = await openBench({ clock: bench.clock, store: temporary.store });
    expect(await stored(next.store, 'partial-transfer')).toEqual([]);
    await next.runtime.stop();
  });
});

describe('the description', () => {
  it.each([
    [100, '100 bytes of text'],
    [300_000, 'Push for test.ua'],
  ])('covers a push of %d bytes in a file', async (size, title) => {
    for (const delivery of ['direct', 'durable'] as const) {
      const id = `${delivery}.ua`;
      await bench.runtime.load({
        ...testApp(() => {}, { id, delivery }),
        start: () => ({
          receive() {},
          describe: async ({ content }) => ({
            title: `${(await content.bytes(1_000_000)).length} bytes of text`,
          }),
        }),
      });
      const text = 'x'.repeat(size);
      const transfer = await bench.transfer({ id, text });
      await transfer.write(0, bytes(text));
      expect(await transfer.complete(size)).toMatchObject({ accepted: true });
      const described = await bench.runtime.describe(transfer.pushId);
      expect(described?.title.replace(id, 'test.ua')).toBe(title);
    }
  });

  it('covers a push in the inbox', async () => {
    await bench.runtime.load({
      ...testApp(() => {}, { delivery: 'durable' }),
      start: () => ({
        receive() {
          throw new Error('not yet');
        },
        describe: async ({ content }) => ({ title: new TextDecoder().decode(await content.bytes(100)) }),
      }),
    });
    const transfer = await bench.transfer();
    await transfer.write(0, bytes(TEXT));
    await transfer.complete(10);
    expect(await bench.runtime.describe(transfer.pushId)).toEqual({ title: TEXT });
  });
});

it('delivers a thousand concurrent small files, and leaves none behind', async () => {
  const received: string[] = [];
  await bench.runtime.load(
    testApp(async (push) => void received.push(new TextDecoder().decode(await push.content.bytes(100)))),
  );
  const texts = Array.from({ length: 1_000 }, (_, index) => `file ${index}`);
  const transfers = await Promise.all(texts.map((text) => bench.transfer({ text })));
  await Promise.all(transfers.map((transfer, index) => transfer.write(0, bytes(texts[index] ?? ''))));
  expect(await bench.offer({ text: TEXT })).toMatchObject({ refused: { kind: 'busy' } });
  const outcomes = await Promise.all(
    transfers.map((transfer, index) => transfer.complete(texts[index]?.length ?? 0)),
  );
  expect(outcomes.filter(({ accepted }) => !accepted)).toEqual([]);
  expect(received.sort()).toEqual(texts.sort());
  await bench.noFileRemains();
});

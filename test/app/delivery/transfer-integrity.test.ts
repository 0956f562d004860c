/** Files in session mode whose size, hash or parts are invalid. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { LimitError, MalformedError } from '../../../core/errors.js';
import { eventually } from '../../support/wait.js';
import { stored, transferOf } from '../support.js';
import { bytes, readingApp, send, TEXT, TransferBench } from './transfer-bench.js';

let bench: TransferBench;

beforeEach(async () => {
  bench = await TransferBench.start();
});

afterEach(() => bench.remove());

describe.each(['direct', 'durable'] as const)('a file for a %s application', (delivery) => {
  it('is refused if it is too large, at the offer or during the transfer', async () => {
    const { app, errors } = readingApp({ delivery, maxSize: 9 });
    await bench.runtime.load(app);
    expect(await bench.offer({ text: TEXT })).toEqual({
      refused: {
        accepted: false,
        kind: 'size',
        pushId: expect.any(String),
        reason: 'test.ua accepts at most 9 bytes',
      },
    });
    const transfer = await transferOf(bench.offer({}));
    expect(transfer.largest).toBe(9);
    await transfer.write(0, bytes('01234'));
    const late = transfer.write(5, bytes('56789'));
    await expect(late).rejects.toThrow(LimitError);
    await transfer.abort(await late.catch((error) => error));
    expect(errors).toHaveLength(1);
    expect(await bench.files()).toEqual([]);
  });

  it('refuses bytes beyond the offered size', async () => {
    await bench.runtime.load(readingApp({ delivery }).app);
    const transfer = await bench.transfer();
    await expect(transfer.write(5, bytes('567890'))).rejects.toThrow(
      'more than the 10 bytes that were offered',
    );
    await send(transfer);
    expect(await transfer.complete(10)).toMatchObject({ accepted: true });
  });

  it('8.2.1-06: with another SHA-1 than offered fails: its stream errors, nothing is committed or kept', async () => {
    const committed: unknown[] = [];
    const { app, errors, pushes } = readingApp({ delivery });
    await bench.runtime.load(app);
    const transfer = await bench.transfer();
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
    await bench.noFileRemains();
    expect(await stored(bench.store, 'data', 'received', 'partial-transfer', 'finished')).toEqual([]);
    expect((await bench.transfer({ key: 'key' })).have).toBe(0);
  });

  it.each([
    ['fewer bytes than declared', 9, 10, 'failed'],
    ['more bytes than declared', 10, 9, 'failed'],
  ])('of %s at its end fails', async (_, sent, declared, kind) => {
    await bench.runtime.load(readingApp({ delivery }).app);
    const transfer = await transferOf(bench.offer({}));
    await transfer.write(0, bytes(TEXT.slice(0, sent)));
    expect(await transfer.complete(declared)).toMatchObject({ accepted: false, kind });
    await bench.noFileRemains();
  });

  it('whose size differs from the offer fails, and so does a file with bytes past its end', async () => {
    await bench.runtime.load(readingApp({ delivery }).app);
    const transfer = await bench.transfer();
    await transfer.write(0, bytes('01234'));
    expect(await transfer.complete(5)).toMatchObject({
      accepted: false,
      reason: 'the content has 5 bytes; 10 were offered',
    });
    const other = await transferOf(bench.offer({}));
    await other.write(0, bytes('01234'));
    await other.write(8, bytes('89'));
    expect(await other.complete(5)).toMatchObject({
      accepted: false,
      reason: 'the content has 10 bytes; 5 were announced',
    });
  });

  it('is refused if it arrives in too many separate parts', async () => {
    await bench.runtime.load(readingApp({ delivery }).app);
    const transfer = await transferOf(bench.offer({}));
    for (let part = 0; part < 64; part++) await transfer.write(part * 2, bytes('x'));
    await expect(transfer.write(200, bytes('x'))).rejects.toThrow(MalformedError);
    await expect(transfer.write(-1, bytes('x'))).rejects.toThrow(MalformedError);
    await expect(transfer.write(Number.NaN, bytes('x'))).rejects.toThrow(MalformedError);
    // The earlier bytes are still valid.
    for (let part = 0; part < 64; part++) await transfer.write(part * 2 + 1, bytes('y'));
    expect(await transfer.complete(128)).toMatchObject({ accepted: true });
  });
});

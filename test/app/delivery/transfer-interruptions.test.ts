/** Files in session mode that are interrupted, offered twice, or that wait for a slot. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PushRefused } from '../../../core/errors.js';
import { eventually } from '../../support/wait.js';
import { stored, testApp } from '../support.js';
import { bytes, NEVER, readingApp, send, TEXT, TransferBench } from './transfer-bench.js';

let bench: TransferBench;

beforeEach(async () => {
  bench = await TransferBench.start();
});

afterEach(() => bench.remove());

describe.each(['direct', 'durable'] as const)('a file for a %s application', (delivery) => {
  it('interrupted: the stream errors with the reason, and the signal is aborted', async () => {
    const { app, errors, pushes } = readingApp({ delivery });
    await bench.runtime.load(app);
    const transfer = await bench.transfer();
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
    const transfer = await bench.transfer({ key: 'hangs' });
    const aborted = transfer.abort(new Error('connection lost'));
    expect(await bench.offer({ key: 'hangs', text: TEXT })).toMatchObject({ refused: { kind: 'busy' } });
    await bench.settled('the application is abandoned', aborted);
    const again = await bench.transfer({ key: 'hangs' });
    expect(again.pushId).toBe(transfer.pushId);
  });

  it('is refused as busy if it is offered again meanwhile', async () => {
    await bench.runtime.load(readingApp({ delivery }).app);
    const [one, two] = await Promise.all([
      bench.offer({ key: 'same', text: TEXT }),
      bench.offer({ key: 'same', text: TEXT }),
    ]);
    expect(one).toHaveProperty('transfer');
    expect(two).toMatchObject({ refused: { kind: 'busy', retryAfter: 5 } });
  });

  it('running when its application is unloaded: refused if direct, kept in the inbox if durable', async () => {
    const { app, pushes } = readingApp({ delivery });
    await bench.runtime.load(app);
    const transfer = await bench.transfer();
    await transfer.write(0, bytes('0123'));
    const unloaded = bench.runtime.unload('test.ua');
    await eventually('the application is unloaded', () => {
      bench.clock.pass(1_000);
      return bench.runtime.eventAppIds.length === 0 || undefined;
    });
    expect(pushes[0]?.signal.aborted).toBe(true);
    await bench.settled('the application has stopped', unloaded);
    if (delivery === 'direct') {
      await expect(transfer.write(4, bytes('456789'))).rejects.toThrow(PushRefused);
      expect(await transfer.complete(10)).toMatchObject({ accepted: false, kind: 'failed' });
    } else {
      await send(transfer, TEXT, 4);
      expect(await transfer.complete(10)).toMatchObject({ accepted: true });
      expect(await stored(bench.store, 'received')).toHaveLength(1);
      const next = readingApp({ delivery });
      await bench.runtime.load(next.app);
      await eventually('a redelivery', () => next.texts[0]);
      expect(next.texts).toEqual([TEXT]);
    }
  });

  it('running when the runtime stops: it is interrupted, and resumes after a restart', async () => {
    const { app, errors } = readingApp({ delivery });
    await bench.runtime.load(app);
    const transfer = await bench.transfer({ key: 'stop' });
    await transfer.write(0, bytes('0123'));
    await bench.stop();
    expect(errors).toHaveLength(1);
    await expect(transfer.write(4, bytes('4'))).rejects.toThrow(PushRefused);
    expect(await transfer.complete(10)).toMatchObject({ accepted: false, kind: 'busy' });
    await bench.reopen();
    const next = readingApp({ delivery });
    await bench.runtime.load(next.app);
    const again = await bench.transfer({ key: 'stop' });
    expect(again).toMatchObject({ have: 4, pushId: transfer.pushId });
    await send(again);
    expect(await again.complete(10)).toMatchObject({ accepted: true });
    expect(next.texts).toEqual([TEXT]);
    expect(next.pushes[0]?.attempt).toBe(2);
  });
});

describe('a file that waits for a slot', () => {
  it('is not delayed by slow senders, which hold no slot', async () => {
    await bench.restart({ limits: { concurrency: 1 } });
    const { app, texts } = readingApp();
    await bench.runtime.load(app);
    const slow = await bench.transfer();
    await slow.write(0, bytes('0'));
    const quick = await bench.transfer();
    await send(quick);
    expect(await quick.complete(10)).toMatchObject({ accepted: true });
    expect(texts).toEqual([TEXT]);
    await slow.abort(new Error('cancelled'));
    const third = await bench.transfer();
    await third.write(0, bytes('0'));
    await third.abort(new Error('cancelled'));
  });

  it('for too long is refused as busy if direct, and kept on disk if durable', async () => {
    await bench.restart({ limits: { concurrency: 1 } });
    for (const delivery of ['direct', 'durable'] as const) {
      const id = `${delivery}.ua`;
      await bench.runtime.load(testApp(() => NEVER, { id, delivery, timeout: 14 }));
      await bench.transfer({ id });
      void bench.push({ id });
      const waiting = await bench.transfer({ id });
      await send(waiting);
      const outcome = waiting.complete(10);
      let over = false;
      void outcome.then(() => {
        over = true;
      });
      await eventually('an answer', () => {
        bench.clock.pass(500);
        return over || undefined;
      });
      expect(await outcome).toMatchObject(
        delivery === 'direct' ? { accepted: false, kind: 'busy' } : { accepted: true },
      );
    }
  });

  it('and is interrupted has used no attempt', async () => {
    await bench.restart({ limits: { concurrency: 1 } });
    const { app, pushes } = readingApp();
    await bench.runtime.load(app);
    const first = await bench.transfer();
    const waiting = await bench.transfer({ key: 'waits' });
    await waiting.write(0, bytes('01'));
    await waiting.abort(new Error('connection lost'));
    await first.abort(new Error('connection lost'));
    const again = await bench.transfer({ key: 'waits' });
    await send(again);
    await again.complete(10);
    expect(pushes.find(({ id }) => id === again.pushId)?.attempt).toBe(1);
  });
});

/** How an application decides on a file in session mode: it refuses, commits, or considers the offer. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PushRefused } from '../../../core/errors.js';
import { eventually } from '../../support/wait.js';
import { stored, testApp } from '../support.js';
import { bytes, KINDS, NEVER, send, TEXT, TransferBench } from './transfer-bench.js';

let bench: TransferBench;

beforeEach(async () => {
  bench = await TransferBench.start();
});

afterEach(() => bench.remove());

describe.each(['direct', 'durable'] as const)('a file for a %s application', (delivery) => {
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
    const transfer = await bench.transfer({ key: 'refused' });
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
      const transfer = await bench.transfer({ key: 'refused' });
      await send(transfer);
      expect(await transfer.complete(10)).toMatchObject({ accepted: false, kind, size: 10 });
      expect(await stored(bench.store, 'received', 'finished')).toEqual([]);
      await transfer.abort(new Error('over'));
      // After a temporary refusal, the complete file is kept, and a new offer needs no bytes.
      const again = await bench.transfer({ key: 'refused' });
      expect(again.have).toBe(kind === 'busy' ? 10 : 0);
      await again.abort(new Error('cancelled'));
    },
  );

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
    const transfer = await bench.transfer({ key: 'commit' });
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
    const transfer = await bench.transfer();
    await transfer.write(0, bytes('0123'));
    await transfer.abort(new Error('connection lost'));
    expect(errors).toMatchObject([
      { name: 'AppError', message: expect.stringMatching(/cannot be committed: connection lost$/) },
    ]);
    expect(await stored(bench.store, 'data', 'finished', 'received')).toEqual([]);
    const whole = await bench.transfer();
    await send(whole);
    expect(await whole.complete(10)).toMatchObject({ accepted: true });
    expect(await stored(bench.store, 'data', 'finished')).toHaveLength(2);
  });

  it('a refusal after a pending commit has no effect: the commit decides', async () => {
    await bench.runtime.load(
      testApp(
        (push) => {
          void push.commit();
          throw new PushRefused('declined', 'or not');
        },
        { delivery },
      ),
    );
    const transfer = await bench.transfer();
    await send(transfer);
    expect(await transfer.complete(10)).toMatchObject({ accepted: true });
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

  it('that throws any other error, or is late, refuses as failed', async () => {
    const thrown = await ask(() => {
      throw new Error('oops');
    });
    expect(thrown).toEqual({ kind: 'failed', reason: 'test.ua: oops', internal: true });
    await bench.runtime.unload('test.ua');
    const late = await bench.settled(
      'the call has ended',
      ask(() => NEVER),
    );
    expect(late).toMatchObject({ kind: 'failed', reason: expect.stringContaining('consider()') });
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

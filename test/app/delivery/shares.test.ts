/** The share of each application: one that is full refuses its own pushes, and no confirmed push is dropped. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeliveryEvent } from '../../../core/app/index.js';
import { shareOf } from '../../../core/store/records.js';
import { type Bench, openBench, type PushOptions, settled, testApp, transferOf } from '../support.js';

let bench: Bench;
let failing: boolean;

const FULL = { accepted: false, kind: 'resources', retryAfter: 60 };
const ACCEPTED = { accepted: true };

beforeEach(() => {
  vi.useFakeTimers();
  failing = true;
});

afterEach(async () => {
  await settled(bench.runtime.stop());
  vi.useRealTimers();
});

const app = (id: string) =>
  testApp(
    () => {
      if (failing) throw new Error('the backend is down');
    },
    { id, delivery: 'durable' },
  );

async function open(limits: Parameters<typeof openBench>[0]): Promise<void> {
  bench = await openBench(limits);
  for (const id of ['one.ua', 'other.ua', 'third.ua']) await bench.runtime.load(app(id));
  await bench.runtime.start();
}

/** Pushes until one is refused. @returns how many were accepted. */
async function fill(push: PushOptions): Promise<number> {
  for (let accepted = 0; ; accepted++) {
    const outcome = await bench.push(push);
    if (outcome.accepted) continue;
    expect(outcome).toMatchObject(FULL);
    return accepted;
  }
}

const full = () => bench.deliveries.filter((event) => event.event === 'full');
const deadLettersOf = (id: string) => bench.runtime.deadLetters().filter((letter) => letter.app === id);

describe('a share', () => {
  it('is half of what the others leave, and at least a sixteenth of the limit', async () => {
    await open({});
    expect([0, 5_000, 7_500, 9_990, 12_000].map((others) => shareOf(10_000, others))).toEqual([
      5_000, 2_500, 1_250, 625, 625,
    ]);
    expect([shareOf(1, 0), shareOf(0, 0)]).toEqual([1, 0]);
  });
});

describe('the inbox', () => {
  it.each([
    ['pushes', { inboxCount: 64 }, 32],
    ['bytes', { inboxBytes: 64_000, contentBytes: 16_000 }, 3],
  ])(
    'has a share of %s for each application: one that is full does not affect another',
    async (_, limits, most) => {
      await open({ limits });
      const text = 'x'.repeat(10_000);
      expect(await fill({ id: 'one.ua', text })).toBe(most);
      expect(await bench.push({ id: 'other.ua' })).toMatchObject(ACCEPTED);
      await settled(bench.runtime.unload('one.ua'));
      expect(await bench.push({ id: 'other.ua' })).toMatchObject(ACCEPTED);
      expect(full()).toMatchObject([
        { app: 'one.ua', store: 'inbox', reason: expect.stringContaining('share') },
      ]);
    },
  );

  it('has space for every application, whatever the others hold', async () => {
    await open({ limits: { inboxCount: 64 } });
    const filled = [
      await fill({ id: 'one.ua' }),
      await fill({ id: 'other.ua' }),
      await fill({ id: 'third.ua' }),
    ];
    expect(filled).toEqual([32, 16, 8]);
    await bench.runtime.load(app('fourth.ua'));
    expect(await fill({ id: 'fourth.ua' })).toBe(4);
  });

  it('accepts pushes of a full application again when it accepts some', async () => {
    await open({ limits: { inboxCount: 4 } });
    expect(await fill({ id: 'one.ua' })).toBe(2);
    failing = false;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await bench.push({ id: 'one.ua' })).toMatchObject(ACCEPTED);
  });

  it('refuses a file before its content arrives', async () => {
    await open({ limits: { inboxCount: 4 } });
    await fill({ id: 'one.ua' });
    expect(await bench.offer({ id: 'one.ua', text: 'content' })).toMatchObject({ refused: FULL });
    const transfer = await transferOf(bench.offer({ id: 'other.ua', text: 'content' }));
    await settled(transfer.abort(new Error('over')));
  });
});

describe('the bytes of files', () => {
  const offer = (id: string, from: string, size: number) =>
    bench.offer({ id, from, key: `${id} ${from}`, size });
  const [psa, other, third] = ['psa', 'other', 'third'].map((name) => `sip:${name}@domain.test`) as [
    string,
    string,
    string,
  ];

  it('have a share for each application, and for each sender, including content that does not arrive', async () => {
    await open({ limits: { transferBytes: 16_000 } });
    const running = [await transferOf(offer('one.ua', psa, 8_000))];
    const reason = (owner: string) => expect.stringContaining(`${owner} has its share`);
    expect(await offer('one.ua', other, 1)).toMatchObject({ refused: { ...FULL, reason: reason('one.ua') } });
    expect(await offer('other.ua', psa, 1)).toMatchObject({ refused: { ...FULL, reason: reason(psa) } });
    running.push(await transferOf(offer('other.ua', other, 4_000)));
    expect(await offer('third.ua', third, 2_001)).toMatchObject({ refused: FULL });
    running.push(await transferOf(offer('third.ua', third, 2_000)));
    for (const each of running) await settled(each.abort(new Error('over')));
    const again = await transferOf(offer('third.ua', psa, 8_000));
    await settled(again.abort(new Error('over')));
  });
});

describe('dead letters', () => {
  it('that use up the share of an application refuse its new pushes, and none is dropped', async () => {
    await open({ limits: { deadLetterCount: 8, attempts: 2 } });
    for (let count = 0; count < 6; count++) {
      expect(await bench.push({ id: 'one.ua' })).toMatchObject(ACCEPTED);
    }
    await vi.advanceTimersByTimeAsync(60_000);
    // Six were confirmed before the share of four was used up.
    expect(deadLettersOf('one.ua')).toHaveLength(6);
    expect(await bench.push({ id: 'one.ua' })).toMatchObject(FULL);
    expect(await bench.push({ id: 'other.ua' })).toMatchObject(ACCEPTED);
    expect(full()).toMatchObject([{ app: 'one.ua', store: 'dead-letters' }]);
    expect(bench.logs.filter(({ message }) => message.includes('redeliver or drop'))).toHaveLength(1);
  });

  it('make space for new pushes when they are dropped or redelivered', async () => {
    await open({ limits: { deadLetterCount: 4, attempts: 1 } });
    expect(await fill({ id: 'one.ua' })).toBe(2);
    failing = false;
    const [first, second] = deadLettersOf('one.ua');
    await bench.runtime.dropDeadLetter(first?.id ?? '');
    expect(await bench.push({ id: 'one.ua' })).toMatchObject(ACCEPTED);
    expect(await bench.runtime.redeliver(second?.id ?? '')).toBe(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(deadLettersOf('one.ua')).toEqual([]);
  });

  it('keep every push that was confirmed while a backend is down for three hours', async () => {
    await open({ limits: { deadLetterCount: 32 } });
    const confirmed: string[] = [];
    for (let second = 0; second < 3 * 3_600; second += 60) {
      for (const id of ['one.ua', 'other.ua']) {
        const outcome = await bench.push({ id });
        if (outcome.accepted) confirmed.push(outcome.pushId);
      }
      await vi.advanceTimersByTimeAsync(60_000);
    }
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(confirmed.length).toBeGreaterThan(32);
    expect(confirmed.length).toBeLessThan(2 * 180);
    expect(
      bench.runtime
        .deadLetters()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(confirmed.sort());
  });
});

describe('the listener', () => {
  it('learns of each failed delivery of a push, and of its dead letter', async () => {
    await open({ limits: { attempts: 3 } });
    const { pushId } = await bench.push({ id: 'one.ua' });
    await vi.advanceTimersByTimeAsync(60_000);
    const push = { id: pushId, app: 'one.ua', reason: 'one.ua threw: the backend is down' };
    expect(bench.deliveries).toEqual<DeliveryEvent[]>([
      { event: 'retry', ...push, attempt: 1, nextInSeconds: 3 },
      { event: 'retry', ...push, attempt: 2, nextInSeconds: 5 },
      { event: 'dead-letter', ...push, attempts: 3 },
    ] as DeliveryEvent[]);
  });

  it('learns of an application without space at most once a minute', async () => {
    await open({ limits: { inboxCount: 2 } });
    await fill({ id: 'one.ua' });
    await fill({ id: 'one.ua' });
    expect(full()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(60_000);
    await fill({ id: 'one.ua' });
    expect(full()).toHaveLength(2);
  });
});

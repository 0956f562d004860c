/** `order`: which pushes an application receives at the same time. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PushFacts, ReceivedPush } from '../../../core/app/contract/push.js';
import type { PushAppDefinition } from '../../../core/app/contract/push-app.js';
import type { AppSchedule } from '../../../core/app/contract/services.js';
import { refuse } from '../../../sdk/index.js';
import {
  type Bench,
  newGate,
  openBench,
  settled,
  startBench,
  stopBench,
  testApp,
  transferOf,
} from '../support.js';

let bench: Bench;
/** `+text` when `receive` begins, `-text` when it ends. */
let log: string[];

beforeEach(async () => {
  bench = await startBench({ now: 1_700_000_000_000 });
  log = [];
});

afterEach(() => stopBench(bench));

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

async function load(more: Partial<PushAppDefinition> = {}, hold?: (push: ReceivedPush) => unknown) {
  await bench.runtime.load(
    testApp(
      async (push) => {
        const text = await push.text();
        log.push(`+${text}`);
        await (hold ? hold(push) : new Promise((resolve) => setTimeout(resolve, 100)));
        log.push(`-${text}`);
      },
      { delivery: 'durable', order: undefined, ...more },
    ),
  );
}

/** Sends pushes with these texts at the same time. */
async function pushAll(texts: string[], from = (_text: string) => 'sip:psa@domain.test') {
  return settled(Promise.all(texts.map((text) => bench.push({ text, from: from(text) }))));
}

describe.each(['direct', 'durable'] as const)('the order of a %s application', (delivery) => {
  it('is serial by default: pushes are received one at a time, as they arrived', async () => {
    await load({ delivery });
    const outcomes = await pushAll(['1', '2', '3']);
    expect(outcomes).toMatchObject([{ accepted: true }, { accepted: true }, { accepted: true }]);
    expect(log).toEqual(['+1', '-1', '+2', '-2', '+3', '-3']);
  });

  it('can be parallel', async () => {
    await load({ delivery, order: 'parallel' });
    await pushAll(['1', '2', '3']);
    expect(log).toEqual(['+1', '+2', '+3', '-1', '-2', '-3']);
  });

  it('can be serial for each key', async () => {
    await load({ delivery, order: ({ from }) => from });
    await pushAll(['a1', 'b1', 'a2', 'b2'], (text) => `sip:${text[0]}@domain.test`);
    expect(log.map((entry) => entry)).toEqual(['+a1', '+b1', '-a1', '+a2', '-b1', '+b2', '-a2', '-b2']);
  });

  it('continues after a push that is refused, fails or is late', async () => {
    await load({ delivery, timeout: 1 }, async (push) => {
      const text = await push.text();
      if (text === 'refused') throw refuse('declined', 'no');
      if (text === 'failed' && push.attempt === 1) throw new Error('no');
      if (text === 'late' && push.attempt === 1) await new Promise(() => {});
    });
    await pushAll(['refused', 'failed', 'late', 'good']);
    await pass(delivery === 'durable' ? 60_000 : 0);
    const expected = ['+refused', '+failed', '+late', '+good', '-good'];
    expect(log.slice(0, 5)).toEqual(expected);
    if (delivery === 'durable') expect(log.slice(5).sort()).toEqual(['+failed', '+late', '-failed', '-late']);
  });

  it.each<[string, (push: PushFacts) => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('no key');
      },
      'no key',
    ],
    ['returns no string', () => 5, 'it returned a value of type number, expected a string'],
    ['returns nothing', () => undefined, 'it returned a value of type undefined, expected a string'],
    [
      'returns a promise',
      () => Promise.resolve('a'),
      'it returned a value of type object, expected a string',
    ],
  ])('of a function that %s is serial for these pushes', async (_, order, reason) => {
    await load({ delivery, order: order as (push: PushFacts) => string });
    expect(await pushAll(['1', '2'])).toMatchObject([{ accepted: true }, { accepted: true }]);
    expect(log).toEqual(['+1', '-1', '+2', '-2']);
    expect(bench.logs).toContainEqual({
      level: 'error',
      app: 'test.ua',
      message: expect.stringMatching(
        new RegExp(`^push [0-9a-f]+ waits for all others: order\\(\\) failed: ${reason}$`),
      ),
    });
  });
});

describe('the argument of an order function', () => {
  it('has what is known before the content, including for redeliveries', async () => {
    const facts: PushFacts[] = [];
    await load(
      {
        order: (push) => {
          facts.push(push);
          return push.type;
        },
      },
      ({ attempt }) => {
        if (attempt === 1) throw new Error('once more');
      },
    );
    const outcome = await settled(
      bench.push({ text: 'x', fileName: 'a.txt', headers: { 'content-language': 'en' } }),
    );
    await pass(60_000);
    expect(facts).toHaveLength(2);
    for (const fact of facts) {
      expect(fact).toMatchObject({
        id: outcome.pushId,
        app: 'test.ua',
        from: 'sip:psa@domain.test',
        to: 'sip:bob@domain.test',
        mode: 'pager',
        type: 'text/plain',
        fileName: 'a.txt',
        headers: { 'content-language': 'en' },
      });
      expect(fact).not.toHaveProperty('content');
    }
  });
});

describe('a file for a serial application', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  it.each(['direct', 'durable'] as const)(
    '%s: is delivered after it has arrived, and does not delay pushes before that',
    async (delivery) => {
      const modes: string[] = [];
      await load({ delivery }, (push) => void modes.push(push.mode));
      const transfer = await transferOf(bench.offer({ text: 'file' }));
      await transfer.write(0, bytes('fi'));
      expect(await settled(bench.push({ text: 'pager' }))).toMatchObject({ accepted: true });
      expect(log).toEqual(['+pager', '-pager']);
      await transfer.write(2, bytes('le'));
      await pass(0);
      expect(modes).toEqual(['pager']);
      expect(await transfer.complete(4)).toMatchObject({ accepted: true });
      await vi.waitFor(() => expect(log).toEqual(['+pager', '-pager', '+file', '-file']));
      expect(modes).toEqual(['pager', 'session']);
    },
  );

  it('that is interrupted is not delivered', async () => {
    await load({});
    const transfer = await transferOf(bench.offer({ text: 'file' }));
    await transfer.write(0, bytes('fi'));
    await transfer.abort(new Error('connection lost'));
    await pass(60_000);
    expect(log).toEqual([]);
  });

  it('waits for the push that is being received', async () => {
    const gate = newGate();
    await load({}, (push) => (push.mode === 'pager' ? gate.passed : undefined));
    const pager = bench.push({ text: 'pager' });
    await pass(0);
    const transfer = await transferOf(bench.offer({ text: 'file' }));
    await transfer.write(0, bytes('file'));
    const complete = transfer.complete(4);
    await pass(1_000);
    expect(log).toEqual(['+pager']);
    gate.open();
    expect(await Promise.all([pager, complete])).toMatchObject([{ accepted: true }, { accepted: true }]);
    await vi.waitFor(() => expect(log).toEqual(['+pager', '-pager', '+file', '-file']));
  });
});

describe('after a restart', () => {
  it('waiting pushes are delivered oldest first, before new ones', async () => {
    await load({}, () => new Promise(() => {}));
    const texts = Array.from({ length: 12 }, (_, index) => `push ${index}`);
    const outcomes: Promise<unknown>[] = [];
    for (const text of texts) {
      outcomes.push(bench.push({ text }));
      await pass(1);
    }
    // Each is answered after 15 s: it is on disk.
    await pass(15_000);
    await Promise.all(outcomes);
    await settled(bench.runtime.stop());
    bench = await bench.restart();
    log = [];
    await load();
    const starting = bench.runtime.start();
    await pass(0);
    await starting;
    const fresh = bench.push({ text: 'new' });
    expect(await settled(fresh)).toMatchObject({ accepted: true });
    await pass(10_000);
    const expected = [...texts, 'new'].flatMap((text) => [`+${text}`, `-${text}`]);
    expect(log).toEqual(expected);
  });
});

describe('an alarm', () => {
  function alarming(order: PushAppDefinition['order']): PushAppDefinition {
    return testApp(() => {}, {
      delivery: 'durable',
      order,
      needs: ['schedule'],
      start: () => ({
        async receive(push) {
          const text = await push.text();
          log.push(`+${text}`);
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          await push.commit((tx) => {
            tx.setAlarm('one', Date.now());
            tx.setAlarm('two', Date.now());
          });
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          log.push(`-${text}`);
        },
        async alarm({ key }) {
          log.push(`+${key}`);
          await new Promise((resolve) => setTimeout(resolve, 100));
          log.push(`-${key}`);
        },
      }),
    });
  }

  it('of a serial application waits for its turn, and does not run at the same time as another alarm or push', async () => {
    await bench.runtime.load(alarming('serial'));
    await settled(bench.push({ text: 'push' }));
    await pass(10_000);
    expect(log).toEqual(['+push', '-push', '+one', '-one', '+two', '-two']);
  });

  it('of a parallel application runs at once', async () => {
    await bench.runtime.load(alarming('parallel'));
    await settled(bench.push({ text: 'push' }));
    await pass(10_000);
    expect(log).toEqual(['+push', '+one', '+two', '-one', '-two', '-push']);
  });

  it('of a serial application that is stopped while the alarm waits is delivered after the next load', async () => {
    const app = alarming('serial');
    await bench.runtime.load(app);
    await settled(bench.push({ text: 'push' }));
    expect(log).toEqual(['+push']);
    await settled(bench.runtime.unload('test.ua'));
    log = [];
    expect(bench.logs).toEqual([]);
    await bench.runtime.load(app);
    await pass(10_000);
    expect(log).toEqual(['+one', '-one', '+two', '-two']);
  });

  it('of a serial application has its whole deadline when its turn comes', async () => {
    const app = alarming('serial');
    let ended = false;
    await bench.runtime.load({
      ...app,
      timeout: 2,
      start: () => ({
        async receive(push) {
          await push.commit((tx) => tx.setAlarm('one', Date.now()));
          await new Promise((resolve) => setTimeout(resolve, 1_900));
        },
        async alarm() {
          await new Promise((resolve) => setTimeout(resolve, 1_900));
          ended = true;
        },
      }),
    });
    await settled(bench.push());
    await pass(4_000);
    expect(ended).toBe(true);
    expect(bench.logs).toEqual([]);
  });

  it('that is always due does not delay the pushes of an application with one slot forever', async () => {
    const one = await openBench({ limits: { concurrency: 1 } });
    await one.runtime.start();
    const received: string[] = [];
    let alarms = 0;
    await one.runtime.load(
      testApp(() => {}, {
        delivery: 'durable',
        order: ({ from }) => from,
        needs: ['schedule'],
        start: ({ schedule }: { schedule: AppSchedule }) => {
          for (const key of ['a', 'b', 'c']) void schedule.at(key, 0);
          return {
            async receive(push) {
              received.push(await push.text());
              await push.commit();
            },
            async alarm({ key, commit }) {
              alarms += 1;
              await new Promise((resolve) => setTimeout(resolve, 10));
              await commit((tx) => tx.setAlarm(key, 0));
            },
          };
        },
      }),
    );
    await pass(100);
    for (const text of ['1', '2', '3']) void one.push({ text, from: `sip:${text}@domain.test` });
    await pass(1_000);
    expect(received).toEqual(['1', '2', '3']);
    const before = alarms;
    await pass(1_000);
    expect(alarms).toBeGreaterThan(before);
    await settled(one.runtime.stop());
  });
});

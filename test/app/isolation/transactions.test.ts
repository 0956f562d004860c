/** Transactions, events and queries of an application work the same in a worker as without one. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../core/time/clock.js';
import { eventually } from '../../support/wait.js';
import { type Bench, openBench, stored, transferOf } from '../support.js';
import { app, inThread, THREADS } from './support.js';

describe.each(THREADS)('in %s', (thread) => {
  let bench: Bench;

  beforeEach(async () => {
    bench = await openBench({ clock: systemClock, limits: { concurrency: 50 } });
    await bench.runtime.start();
  });

  afterEach(() => bench.runtime.stop());

  const load = async (source: string) => bench.runtime.load(await inThread(thread, source));
  const query = (name: string, args?: unknown) => bench.runtime.query('test.ua', name, args);
  const emitted = () => bench.events.map(({ app: _, kind: __, id: ___, ...fields }) => fields);

  const counting = (order: string) =>
    app(`needs: ['storage'], delivery: 'durable', order: ${order}, events: { counted: true },
      start: ({ storage }) => ({
        receive: (push) => push.commit(async (tx) => {
          const count = ((await storage.get('count')) ?? 0) + 1;
          tx.put('count', count);
          tx.emit('counted', { count });
        }),
        queries: { count: () => storage.get('count') },
      })`);

  it.each(['undefined', "'serial'", "'parallel'", '({ from }) => from'])(
    'with order %s, 50 pushes at once are counted',
    async (order) => {
      await load(counting(order));
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => bench.push()));
      expect(outcomes.filter(({ accepted }) => accepted)).toHaveLength(50);
      await eventually('all are committed', async () => (await query('count')) === 50 || undefined);
      await eventually('all events', () => bench.events.length === 50 || undefined);
      expect(emitted().map(({ count }) => count)).toEqual(
        Array.from({ length: 50 }, (_, index) => index + 1),
      );
      await eventually(
        'no event is stored',
        async () => (await stored(bench.store, 'event')).length === 0 || undefined,
      );
    },
  );

  it('a callback that fails writes nothing, and the push can be committed again', async () => {
    await load(
      app(`needs: ['storage'], start: ({ storage, emit }) => ({
        async receive(push) {
          const problems = [];
          const failed = ({ name, message }) => problems.push([name, message]);
          await push.commit((tx) => { tx.put('a', 1); throw new RangeError('no'); }).catch(failed);
          await push.commit(async (tx) => { tx.put('b', 1); tx.emit('reported'); throw new RangeError('no'); }).catch(failed);
          await push.commit((tx) => { tx.put('c', 1); tx.setAlarm('x', 0); }).catch(failed);
          await push.commit((tx) => tx.emit('other')).catch(failed);
          let kept;
          await push.commit((tx) => { kept = tx; tx.put('d', 1); });
          try { kept.put('e', 1); } catch (error) { failed(error); }
          await push.commit().catch(failed);
          emit('reported', { problems });
        },
      })`),
    );
    expect(await bench.push()).toMatchObject({ accepted: true });
    await eventually('an event', () => bench.events[0]);
    expect(emitted()).toEqual([
      {
        problems: [
          ['RangeError', 'no'],
          ['RangeError', 'no'],
          ['ConfigurationError', 'test.ua: add "schedule" to needs to use alarms'],
          ['AppError', 'test.ua: unknown event "other": expected one of reported, accepted'],
          [
            'AppError',
            'test.ua: the transaction is closed: its callback has ended, so await what it does in it',
          ],
          ['AppError', expect.stringContaining('was accepted before: commit finishes a push once')],
        ],
      },
    ]);
    expect(await stored(bench.store, 'data')).toEqual(['data/1/d']);
  });

  it('a commit that is not awaited takes effect, and so does its failure', async () => {
    await load(
      app(`needs: ['storage'], start: () => ({
        async receive(push) {
          const text = await push.text();
          void push.commit((tx) => tx.put(text === 'bad' ? 5 : text, 1));
        },
      })`),
    );
    expect(await bench.push({ text: 'good' })).toMatchObject({ accepted: true });
    expect(await stored(bench.store, 'data')).toEqual(['data/1/good']);
    const outcome = await bench.push({ text: 'bad' });
    expect(outcome).toMatchObject({ accepted: false, kind: 'failed' });
    expect(outcome).toHaveProperty('reason', expect.stringContaining('storage key of type number'));
  });

  it('afterCommit runs its callbacks before the next transaction; errors are logged', async () => {
    await load(
      app(`needs: ['storage', 'log'], order: 'serial', start: ({ storage }) => {
        let count = 0;
        return {
          receive() {},
          queries: { async count() {
            await Promise.all(Array.from({ length: 20 }, () => storage.transaction((tx) => {
              const next = count + 1;
              tx.put('count', next);
              tx.afterCommit(() => { count = next; });
            })));
            await storage.transaction((tx) => tx.afterCommit(() => { throw new Error('no memory'); }));
            return [count, await storage.get('count')];
          } },
        };
      }`),
    );
    expect(await query('count')).toEqual([20, 20]);
    await eventually('a line', () =>
      bench.logs.find(({ message }) => message === 'a callback of afterCommit threw: no memory'),
    );
  });

  it('the limits of a transaction hold', async () => {
    // The large one can take longer than a query may.
    await load(
      app(`needs: ['storage'], start: ({ storage }) => {
        const failures = [];
        const attempt = (work) => { storage.transaction(work).catch(({ message }) => failures.push(message)); };
        return {
          receive() {},
          queries: {
            many: () => attempt((tx) => { for (let i = 0; i <= 1000; i++) tx.put('k' + i, i); }),
            large: () => attempt((tx) => { for (let i = 0; i < 4; i++) tx.put('k' + i, new Uint8Array(4 * 1024 * 1024)); }),
            failures: () => failures,
          },
        };
      }`),
    );
    await query('many');
    await query('large').catch(() => undefined);
    const [many, large] = await eventually('two failures', async () => {
      const failures = (await query('failures').catch(() => [])) as string[];
      return failures.length === 2 ? failures : undefined;
    });
    expect(many).toContain('more than 1000 operations in one transaction: use several');
    expect(large).toContain('bytes in one transaction: use several');
    expect(await stored(bench.store, 'data')).toEqual([]);
  });

  it('an alarm is ended by a transaction with events', async () => {
    await load(
      app(`needs: ['schedule', 'storage'], order: 'serial', delivery: 'durable', start: ({ schedule, storage }) => ({
        receive: (push) => push.commit((tx) => { tx.setAlarm('tick', 0, { left: 2 }); }),
        alarm: (alarm) => alarm.commit(async (tx) => {
          const { left } = alarm.data;
          tx.put('left', left);
          tx.emit('reported', { left, before: (await storage.get('left')) ?? null });
          if (left > 0) tx.setAlarm(alarm.key, 0, { left: left - 1 });
        }),
        queries: { alarms: async () => (await schedule.list()).length },
      })`),
    );
    expect(await bench.push()).toMatchObject({ accepted: true });
    await eventually('three alarms', () => bench.events.length === 3 || undefined);
    expect(emitted()).toEqual([
      { left: 2, before: null },
      { left: 1, before: 2 },
      { left: 0, before: 1 },
    ]);
    expect(await query('alarms')).toBe(0);
  });

  it('queries are checked by name and schema', async () => {
    await load(
      app(
        `events: { seen: schema }, queries: { most: schema, any: true }, start: ({ emit }) => ({
          receive: (push) => push.commit((tx) => { emit('seen', { most: '1' }); tx.emit('seen', { most: '2' }); }),
          queries: { most: (args) => ({ args }), any: (args) => ({ args }), undeclared: (args) => ({ args }), nothing() {} },
        })`,
        `const schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => /^[0-9]+$/.test(value?.most)
          ? { value: { most: Number(value.most) } } : { issues: [{ message: 'expected digits', path: ['most'] }] } } };`,
      ),
    );
    expect(await query('most', { most: '5', other: 1 })).toEqual({ args: { most: 5 } });
    expect(await query('any', [1])).toEqual({ args: [1] });
    expect(await query('any')).toEqual({ args: {} });
    expect(await query('undeclared', 'text')).toEqual({ args: 'text' });
    expect(await query('undeclared')).toEqual({});
    expect(await query('nothing')).toBeUndefined();
    await expect(query('most', { most: 'x' })).rejects.toThrow(
      'test.ua: invalid arguments of query "most": most: expected digits',
    );
    await expect(query('most')).rejects.toThrow('invalid arguments of query "most"');
    await expect(query('mots')).rejects.toThrow(
      'test.ua: unknown query "mots": expected one of most, any, undeclared, nothing; did you mean "most"?',
    );
    expect(await bench.push()).toMatchObject({ accepted: true });
    await eventually('both events', () => bench.events.length === 2 || undefined);
    expect(emitted()).toEqual([{ most: 1 }, { most: 2 }]);
  });

  it('with order parallel, a commit that waits for its content does not block other pushes', async () => {
    await load(
      app(`needs: ['storage'], start: ({ storage }) => ({
        receive: (push) => push.commit(async (tx) => { tx.put(push.mode, (await storage.get('x')) ?? 0); }),
      })`),
    );
    const transfer = await transferOf(bench.offer());
    await transfer.write(0, new TextEncoder().encode('hel'));
    expect(await bench.push()).toMatchObject({ accepted: true });
    expect(await stored(bench.store, 'data')).toEqual(['data/1/pager']);
    expect(await transfer.complete(3)).toMatchObject({ accepted: true });
    expect(await stored(bench.store, 'data')).toEqual(['data/1/pager', 'data/1/session']);
  });

  it('a commit fails, and its callback does not run, if the transfer is interrupted', async () => {
    await load(
      app(`needs: ['storage'], start: ({ emit }) => ({
        async receive(push) {
          let called = false;
          const error = await push.commit((tx) => { called = true; tx.put('a', 1); }).catch((error) => error);
          emit('reported', { called, name: error.name, message: error.message });
          throw error;
        },
      })`),
    );
    const transfer = await transferOf(bench.offer({ text: 'hello' }));
    await transfer.write(0, new TextEncoder().encode('hel'));
    await transfer.abort(new Error('connection lost'));
    await eventually('an event', () => bench.events[0]);
    expect(emitted()).toEqual([
      {
        called: false,
        name: 'AppError',
        message: expect.stringMatching(/^test\.ua: push [0-9a-f]+ cannot be committed: connection lost$/),
      },
    ]);
    expect(await stored(bench.store, 'data')).toEqual([]);
  });

  it('with order serial, a file is received after it has arrived', async () => {
    await load(
      app(`order: 'serial', start: ({ emit }) => ({
        async receive(push) { emit('reported', { mode: push.mode, text: await push.text(), size: push.content.size }); },
      })`),
    );
    const transfer = await transferOf(bench.offer());
    await transfer.write(0, new TextEncoder().encode('hel'));
    expect(await bench.push({ text: 'pager' })).toMatchObject({ accepted: true });
    expect(emitted()).toEqual([{ mode: 'pager', text: 'pager', size: 5 }]);
    expect(await transfer.complete(3)).toMatchObject({ accepted: true });
    expect(emitted().at(-1)).toEqual({ mode: 'session', text: 'hel', size: 3 });
  });
});

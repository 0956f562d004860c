/** The memory of finished pushes: known by running time, bounded by a disk quota, and opened without a scan. */

import { beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import { FinishedPushes, type ForgottenPushes } from '../../../core/app/ledger/finished-pushes.js';
import { DEFAULT_LIMITS, FINISHED_BYTES, FINISHED_RETENTION } from '../../../core/app/limits.js';
import type { LogRecord } from '../../../core/log.js';
import type { LevelStore } from '../../../core/platform/level.js';
import { Records } from '../../../core/store/records.js';
import { ManualClock, stored } from '../support.js';

const DAY = 86_400_000;
/** A slice ends after an eighth of the retention. */
const SLICE = FINISHED_RETENTION / 8;

let store: LevelStore;
let records: Records;
let clock: ManualClock;
let logs: LogRecord[];
let forgotten: ForgottenPushes[];

beforeEach(async () => {
  store = await platform.openStore();
  clock = new ManualClock();
  records = new Records(store, clock, () => {});
  logs = [];
  forgotten = [];
});

/** @param quota number of pushes. */
function open(quota?: number): Promise<FinishedPushes> {
  const finishedBytes = quota === undefined ? DEFAULT_LIMITS.finishedBytes : quota * FINISHED_BYTES;
  return FinishedPushes.open({
    records,
    clock,
    limits: { ...DEFAULT_LIMITS, finishedBytes },
    log: (record) => logs.push(record),
    onForgotten: (pushes) => forgotten.push(pushes),
  });
}

const remember = (finished: FinishedPushes, ...ids: string[]) =>
  finished.remember(ids, (operations) => records.write(operations, 'written'));

async function known(finished: FinishedPushes, ...ids: string[]): Promise<string[]> {
  const found = await Promise.all(ids.map(async (id) => ((await finished.has(id)) ? [id] : [])));
  return found.flat();
}

describe('finished pushes', () => {
  it('are known for 31 days of running time, longer than a sender retries, even after restarts', async () => {
    const finished = await open();
    await remember(finished, 'a');
    clock.pass(FINISHED_RETENTION);
    expect(await known(finished, 'a', 'b')).toEqual(['a']);
    await finished.close();
    const reopened = await open();
    expect(await known(reopened, 'a')).toEqual(['a']);
    clock.pass(SLICE + 1);
    expect(await known(reopened, 'a')).toEqual([]);
  });

  it.each([
    ['forward', 400 * DAY],
    ['back', -400 * DAY],
  ])('are known when the date steps %s', async (_, step) => {
    const finished = await open();
    await remember(finished, 'a');
    clock.epoch += step;
    await remember(finished, 'b');
    expect(await known(finished, 'a', 'b')).toEqual(['a', 'b']);
    await finished.close();
    clock.epoch += step;
    expect(await known(await open(), 'a', 'b')).toEqual(['a', 'b']);
  });

  it('do not age while the host is stopped', async () => {
    const finished = await open();
    await remember(finished, 'a');
    clock.pass(FINISHED_RETENTION);
    await finished.close();
    clock.pass(FINISHED_RETENTION);
    expect(await known(await open(), 'a')).toEqual(['a']);
  });

  it('age while the host runs, even if it is killed', async () => {
    const finished = await open();
    await remember(finished, 'a');
    clock.pass(FINISHED_RETENTION);
    await remember(finished, 'b');
    clock.pass(SLICE + 1);
    // Killed after this write.
    await remember(finished, 'c');
    expect(await known(await open(), 'a', 'b', 'c')).toEqual(['b', 'c']);
  });

  it('are deleted when they are too old', async () => {
    const finished = await open();
    await remember(finished, 'a', 'b');
    clock.pass(FINISHED_RETENTION + SLICE + 1);
    await remember(finished, 'c');
    await finished.close();
    expect(await stored(store, 'finished')).toEqual(['finished/c']);
    expect(forgotten).toEqual([]);
  });

  it('have one read for a lookup, and one write for their end', async () => {
    const finished = await open();
    await remember(finished, 'a');
    clock.pass(2 * SLICE);
    await remember(finished, 'b');
    const reads = [vi.spyOn(store, 'get'), vi.spyOn(store, 'getMany'), vi.spyOn(store, 'iterator')];
    const writes = vi.spyOn(store, 'batch');
    expect(await known(finished, 'a')).toEqual(['a']);
    expect(reads.map(({ mock }) => mock.calls.length)).toEqual([0, 1, 0]);
    await remember(finished, 'c');
    expect(writes.mock.calls).toEqual([
      [[expect.objectContaining({ type: 'put', key: expect.stringMatching(/\/c$/) })], expect.anything()],
    ]);
  });

  it('are opened by reading one record', async () => {
    const finished = await open(1000);
    for (let count = 0; count < 500; count++) await remember(finished, `push${count}`);
    const reads = [vi.spyOn(store, 'get'), vi.spyOn(store, 'getMany'), vi.spyOn(store, 'iterator')];
    await open(1000);
    expect(reads.map(({ mock }) => mock.calls.length)).toEqual([1, 0, 0]);
  });

  it('are known when a write fails that began a slice, if a later one succeeds', async () => {
    const finished = await open();
    vi.spyOn(store, 'batch').mockRejectedValueOnce(new Error('disk full'));
    await expect(remember(finished, 'a')).rejects.toThrow('disk full');
    await remember(finished, 'b');
    expect(await known(await open(), 'a', 'b')).toEqual(['b']);
  });

  it('are found without their state', async () => {
    const finished = await open(160);
    for (let count = 0; count < 25; count++) await remember(finished, `push${count}`);
    await store.put('push/finished-state', 'damaged');
    const reopened = await open(160);
    expect(await known(reopened, 'push0', 'push24', 'push25')).toEqual(['push0', 'push24']);
    expect(logs).toMatchObject([{ level: 'error', message: expect.stringContaining('restored') }]);
    await remember(reopened, 'push25');
    expect(await known(await open(160), 'push0', 'push25')).toEqual(['push0', 'push25']);
  });
});

describe('the disk quota of finished pushes', () => {
  it('forgets the oldest ones early, and reports it', async () => {
    const finished = await open(3);
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      clock.pass(1000);
      await remember(finished, id);
    }
    expect(await known(finished, 'a', 'b', 'c', 'd', 'e')).toEqual(['c', 'd', 'e']);
    await finished.close();
    expect(await stored(store, 'finished')).toEqual(['finished/c', 'finished/d', 'finished/e']);
    expect(forgotten).toEqual([
      { pushes: 1, age: 3000 },
      { pushes: 1, age: 3000 },
    ]);
    expect(logs.map(({ level, message }) => `${level} ${message.slice(0, 49)}`)).toEqual(
      Array(2).fill('warn finished pushes: the oldest 1 are forgotten after'),
    );
  });

  it('holds with 64 writes at once', async () => {
    const quota = 320;
    const finished = await open(quota);
    for (let round = 0; round < 20; round++) {
      const ids = Array.from({ length: 64 }, (_, index) => `push${round * 64 + index}`);
      await Promise.all(ids.map((id) => remember(finished, id)));
    }
    await finished.close();
    const left = await stored(store, 'finished');
    expect(left.length).toBeLessThanOrEqual(quota);
    // The newest sixteenth of the quota may still have room.
    expect(left.length).toBeGreaterThan(quota - quota / 16);
    expect(await known(finished, 'push1279', 'push1000', 'push0')).toEqual(['push1279', 'push1000']);
  });

  it('holds over kills of the host', async () => {
    for (let run = 0; run < 10; run++) {
      const finished = await open(160);
      for (let count = 0; count < 50; count++) await remember(finished, `run${run}push${count}`);
    }
    await (await open(160)).close();
    expect((await stored(store, 'finished')).length).toBeLessThanOrEqual(160);
  });

  it('is reduced at the next start, and deletes then what an earlier run could not', async () => {
    const finished = await open(1600);
    for (let count = 0; count < 200; count++) await remember(finished, `push${count}`);
    vi.spyOn(store, 'clear').mockRejectedValueOnce(new Error('disk full'));
    const failing = await open(160);
    await failing.close();
    expect(await stored(store, 'finished')).toHaveLength(200);
    const smaller = await open(160);
    await smaller.close();
    expect(await stored(store, 'finished')).toHaveLength(100);
    expect(await known(smaller, 'push199', 'push0')).toEqual(['push199']);
  });
});

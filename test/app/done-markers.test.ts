import { beforeEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { DoneMarkers } from '../../core/app/inbox/done-markers.js';
import type { LevelStore } from '../../core/platform/level.js';
import { Records } from '../../core/store/records.js';
import { testClock } from './support.js';

const HOUR = 3_600_000;

let store: LevelStore;
let records: Records;
let now: number;
const clock = { ...testClock(), now: () => now };

beforeEach(async () => {
  now = 1_700_000_000_000;
  store = await platform.openStore();
  records = new Records(store, clock, () => {});
});

async function mark(markers: DoneMarkers, id: string): Promise<void> {
  const { operations, apply } = markers.mark(id);
  await records.write(operations, 'written');
  apply();
}

async function expectSame(markers: DoneMarkers, ids: readonly string[]): Promise<void> {
  const keys = await store.keys().all();
  expect(keys.map((key) => key.split('-')[1])).toEqual(ids);
  const reopened = await DoneMarkers.open(records, clock, 10);
  for (const id of ids) expect([markers.has(id), reopened.has(id)]).toEqual([true, true]);
}

describe('done markers', () => {
  it('last an hour, also over a restart', async () => {
    const markers = await DoneMarkers.open(records, clock, 10);
    await mark(markers, 'a');
    now += HOUR;
    expect(markers.has('a')).toBe(true);
    const reopened = await DoneMarkers.open(records, clock, 10);
    expect(reopened.has('a')).toBe(true);
    now += 1;
    expect([markers.has('a'), reopened.has('a'), markers.has('b')]).toEqual([false, false, false]);
  });

  it('go when they have expired, a few with each new one', async () => {
    const markers = await DoneMarkers.open(records, clock, 100);
    for (let count = 0; count < 10; count++) await mark(markers, `old${count}`);
    now += HOUR + 1;
    await mark(markers, 'new0');
    expect(await store.keys().all()).toHaveLength(7);
    await mark(markers, 'new1');
    await mark(markers, 'new2');
    await expectSame(markers, ['new0', 'new1', 'new2']);
  });

  it('are bounded in number: the oldest go', async () => {
    const markers = await DoneMarkers.open(records, clock, 3);
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      now++;
      await mark(markers, id);
    }
    expect([markers.has('a'), markers.has('b')]).toEqual([false, false]);
    await expectSame(markers, ['c', 'd', 'e']);
  });

  it('shrink to a smaller bound', async () => {
    const markers = await DoneMarkers.open(records, clock, 100);
    for (let count = 0; count < 10; count++) await mark(markers, `m${count}`);
    const smaller = await DoneMarkers.open(records, clock, 2);
    for (const id of ['x', 'y', 'z']) {
      now++;
      await mark(smaller, id);
    }
    expect(await store.keys().all()).toHaveLength(2);
  });

  it('of the same push are one, in the same millisecond too', async () => {
    const markers = await DoneMarkers.open(records, clock, 10);
    await mark(markers, 'a');
    await mark(markers, 'a');
    now++;
    await mark(markers, 'a');
    await expectSame(markers, ['a']);
  });

  it('that were not written are not kept', async () => {
    const markers = await DoneMarkers.open(records, clock, 10);
    markers.mark('a');
    expect(markers.has('a')).toBe(false);
  });
});

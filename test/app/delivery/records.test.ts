/** Batched writes to the store, and a store that fails. */

import { beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import type { LogRecord } from '../../../core/log.js';
import type { LevelStore } from '../../../core/platform/level.js';
import { Records, StoreError, type Write } from '../../../core/store/records.js';
import { ManualClock } from '../support.js';

const put = (key: string): Write => ({ type: 'put', key, value: new TextEncoder().encode(key) });

const read = async (key: string) => new TextDecoder().decode(await records.get(key));

let store: LevelStore;
let records: Records;
let logs: LogRecord[];
let clock: ManualClock;

beforeEach(async () => {
  store = await platform.openStore();
  logs = [];
  clock = new ManualClock();
  records = new Records(store, clock, (record) => logs.push(record));
});

describe('writes', () => {
  it('that are concurrent form one batch; synced if one of them is', async () => {
    const batch = vi.spyOn(store, 'batch');
    await Promise.all([
      records.write([put('a')], 'written'),
      records.write([put('b'), { type: 'del', key: 'a' }], 'synced'),
    ]);
    await records.write([put('c')], 'written');
    const calls: unknown[][] = batch.mock.calls;
    expect(calls).toMatchObject([
      [[{ key: 'a' }, { key: 'b' }, { key: 'a' }], { sync: true }],
      [[{ key: 'c' }], { sync: false }],
    ]);
    expect(await store.keys().all()).toEqual(['b', 'c']);
  });

  it('during a write wait for it, and form one batch', async () => {
    const batch = vi.spyOn(store, 'batch');
    const first = records.write([put('1')], 'synced');
    await undefined;
    await undefined;
    expect(batch).toHaveBeenCalledTimes(1);
    await Promise.all([first, ...['2', '3', '4'].map((key) => records.write([put(key)], 'synced'))]);
    expect(batch).toHaveBeenCalledTimes(2);
  });

  it('of a failed batch all fail', async () => {
    vi.spyOn(store, 'batch').mockRejectedValueOnce(new Error('disk full'));
    const [one, two] = await Promise.allSettled([
      records.write([put('1')], 'synced'),
      records.write([put('2')], 'synced'),
    ]);
    expect([one?.status, two?.status]).toEqual(['rejected', 'rejected']);
    await expect(records.get('1')).resolves.toBeUndefined();
  });
});

describe('a store that failed to write', () => {
  it('is reopened before the next write', async () => {
    vi.spyOn(store, 'batch').mockRejectedValueOnce(new Error('disk full'));
    const [open, close] = [vi.spyOn(store, 'open'), vi.spyOn(store, 'close')];
    await expect(records.write([put('1')], 'synced')).rejects.toThrow('the store cannot write: disk full');
    expect(close).not.toHaveBeenCalled();
    await records.write([put('2')], 'synced');
    expect(close).toHaveBeenCalledBefore(open);
    expect(await store.keys().all()).toEqual(['2']);
    expect(logs.map(({ level }) => level)).toEqual(['error', 'info']);
    await records.write([put('3')], 'synced');
    expect(open).toHaveBeenCalledOnce();
  });

  it('is reopened at most twice a second; a write waits for the next attempt, and succeeds when there is space', async () => {
    vi.spyOn(store, 'batch').mockRejectedValueOnce(new Error('disk full'));
    const open = vi.spyOn(store, 'open').mockRejectedValue(new Error('still full'));
    await expect(records.write([put('1')], 'synced')).rejects.toThrow(StoreError);
    await expect(records.write([put('2')], 'synced')).rejects.toThrow('still full');
    clock.pass(499);
    const waiting = records.write([put('3')], 'synced');
    await new Promise((resolve) => setImmediate(resolve));
    expect(open).toHaveBeenCalledOnce();
    open.mockRestore();
    clock.pass(1);
    await waiting;
    expect(await read('3')).toBe('3');
  });

  it('delays reads until it is open', async () => {
    await records.write([put('kept')], 'synced');
    vi.spyOn(store, 'batch').mockRejectedValueOnce(new Error('disk full'));
    await records.write([put('1')], 'synced').catch(() => {});
    const writing = records.write([put('2')], 'synced');
    await undefined;
    await undefined;
    expect(store.status).not.toBe('open');
    expect(await read('kept')).toBe('kept');
    await writing;
  });

  it('stays closed after its owner closed it', async () => {
    await store.close();
    await expect(records.write([put('1')], 'synced')).rejects.toThrow(StoreError);
    await expect(records.write([put('2')], 'synced')).rejects.toThrow(StoreError);
    await expect(records.get('1')).rejects.toThrow('the store cannot read');
    expect(store.status).toBe('closed');
  });

  it('is released by close, which waits for running writes', async () => {
    const writing = records.write([put('1')], 'synced');
    await records.close();
    await writing;
    await expect(records.write([put('2')], 'synced')).rejects.toThrow('it is closed');
    await expect(records.entries('').next()).rejects.toThrow('it is closed');
    expect(store.status).toBe('open');
  });
});

/** The states of a push in the ledger, which one key of the store holds until the push is finished. */

import { beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import { PushEntry } from '../../../core/app/ledger/entry.js';
import { Ledger } from '../../../core/app/ledger/ledger.js';
import { LedgerStore } from '../../../core/app/ledger/ledger-store.js';
import type { PushRecord, ReferenceRecord } from '../../../core/app/ledger/stored-entry.js';
import { DEFAULT_LIMITS } from '../../../core/app/limits.js';
import type { LevelStore } from '../../../core/platform/level.js';
import { ContentFiles } from '../../../core/store/content-files.js';
import { Records } from '../../../core/store/records.js';
import { stored, testClock } from '../support.js';

const BYTES = new TextEncoder().encode('content');

let store: LevelStore;
let records: Records;
let now: number;
const clock = { ...testClock(), now: () => now };

beforeEach(async () => {
  now = 1_700_000_000_000;
  store = await platform.openStore();
  records = new Records(store, clock, () => {});
});

async function open(): Promise<Ledger> {
  const files = new ContentFiles(undefined, DEFAULT_LIMITS);
  const parts = { records, files, clock, limits: DEFAULT_LIMITS, log: () => {} };
  return new Ledger(await LedgerStore.open(parts), records, files, clock);
}

function record(id: string): PushRecord {
  return {
    id,
    app: 'test.ua',
    from: 'sip:psa@domain.test',
    to: 'sip:bob@domain.test',
    mode: 'pager',
    type: { type: 'text/plain', parameters: {} },
    size: BYTES.length,
    headers: {},
    receivedAt: now,
    attempts: 1,
  };
}

function reference(id: string): ReferenceRecord {
  const { mode: _mode, type, size: _size, attempts: _attempts, ...rest } = record(id);
  return { ...rest, key: id, reference: { url: 'http://127.0.0.1/', type, headers: {} } };
}

describe('an entry', () => {
  it('of a reference is replaced by its content, and again by its reference when that is refused', async () => {
    const ledger = await open();
    await ledger.addReference(reference('a'));
    const entry = new PushEntry(record('a'), true);
    await ledger.receive(entry, BYTES);
    expect(await stored(store, 'reference', 'received', 'content')).toEqual(['content/a', 'received/a']);
    expect(ledger.hasReference('a')).toBe(false);
    await ledger.refuse(entry, { kind: 'busy', reason: 'not now' });
    expect(await stored(store, 'reference', 'received', 'content')).toEqual(['reference/a']);
    expect(ledger.hasReference('a')).toBe(true);
    expect([...(await open()).allReferences()]).toEqual([reference('a')]);
  });

  it('is not replaced by a reference when its content is received', async () => {
    const ledger = await open();
    const entry = new PushEntry(record('a'), true);
    await ledger.receive(entry, BYTES);
    await ledger.addReference(reference('a'));
    expect(await stored(store, 'reference', 'received')).toEqual(['received/a']);
    await ledger.refuse(entry, { kind: 'busy', reason: 'not now' });
    expect(await stored(store, 'reference', 'received')).toEqual(['reference/a']);
  });

  it('keeps its earlier state when the write fails', async () => {
    const ledger = await open();
    await ledger.addReference(reference('a'));
    vi.spyOn(store, 'batch').mockRejectedValueOnce(new Error('disk full'));
    await expect(ledger.receive(new PushEntry(record('a'), true), BYTES)).rejects.toThrow('disk full');
    expect([ledger.hasReference('a'), ledger.received('a')]).toEqual([true, undefined]);
  });

  it('of a finished push is removed in the write that finishes it', async () => {
    const ledger = await open();
    const entry = new PushEntry(record('a'), true);
    await ledger.receive(entry, BYTES);
    const batches = vi.spyOn(store, 'batch');
    await ledger.accept(entry);
    expect(batches).toHaveBeenCalledTimes(1);
    expect(await stored(store, 'received', 'content', 'finished')).toEqual(['finished/a']);
    expect(await ledger.outcomeOf('a')).toEqual({ accepted: true, pushId: 'a' });
  });

  it('of an accepted push whose end cannot be written is known until the host stops', async () => {
    const ledger = await open();
    const entry = new PushEntry(record('a'), true);
    await ledger.receive(entry, BYTES);
    vi.spyOn(store, 'batch').mockRejectedValueOnce(new Error('disk full'));
    await ledger.accept(entry);
    expect(await ledger.outcomeOf('a')).toEqual({ accepted: true, pushId: 'a' });
    expect(await stored(store, 'received', 'finished')).toEqual(['received/a']);
  });

  it('of a refused push is busy until it is removed', async () => {
    const ledger = await open();
    const entry = new PushEntry(record('a'), true);
    await ledger.receive(entry, BYTES);
    const refused = ledger.refuse(entry, { kind: 'declined', reason: 'no' });
    await undefined;
    expect(await ledger.outcomeOf('a')).toMatchObject({ kind: 'busy' });
    await refused;
    expect(await ledger.outcomeOf('a')).toBeUndefined();
  });
});

/** Finished pushes in the ledger, and the states of an entry, which share one key of the store. */

import { beforeEach, describe, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import { PushEntry, type PushRecord, type ReferenceRecord } from '../../../core/app/ledger/entry.js';
import { Ledger } from '../../../core/app/ledger/ledger.js';
import { LedgerStore } from '../../../core/app/ledger/ledger-store.js';
import { DEFAULT_LIMITS } from '../../../core/app/limits.js';
import type { LevelStore } from '../../../core/platform/level.js';
import { ContentFiles } from '../../../core/store/content-files.js';
import { Records } from '../../../core/store/records.js';
import { stored, testClock } from '../support.js';

const HOUR = 3_600_000;
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

async function open(limits: Partial<typeof DEFAULT_LIMITS> = {}): Promise<Ledger> {
  const files = new ContentFiles(undefined, DEFAULT_LIMITS);
  const parts = { records, files, clock, limits: { ...DEFAULT_LIMITS, ...limits }, log: () => {} };
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

const accept = (ledger: Ledger, id: string) => ledger.accept(new PushEntry(record(id), false));
const isKnown = (ledger: Ledger, id: string) => ledger.outcomeOf(id) !== undefined;

async function expectDone(ledger: Ledger, ids: readonly string[]): Promise<void> {
  expect(await stored(store, 'done')).toEqual(ids.map((id) => `done/${id}`));
  const reopened = await open();
  for (const id of ids) expect([isKnown(ledger, id), isKnown(reopened, id)]).toEqual([true, true]);
}

describe('finished pushes', () => {
  it('are known for an hour, even after a restart', async () => {
    const ledger = await open();
    await accept(ledger, 'a');
    now += HOUR;
    expect(isKnown(ledger, 'a')).toBe(true);
    const reopened = await open();
    expect(isKnown(reopened, 'a')).toBe(true);
    now += 1;
    expect([isKnown(ledger, 'a'), isKnown(reopened, 'a'), isKnown(ledger, 'b')]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('are deleted after they expire, a few with each write', async () => {
    const ledger = await open();
    for (let count = 0; count < 10; count++) await accept(ledger, `old${count}`);
    now += HOUR + 1;
    await accept(ledger, 'new0');
    expect(await stored(store, 'done')).toHaveLength(7);
    await accept(ledger, 'new1');
    await accept(ledger, 'new2');
    await expectDone(ledger, ['new0', 'new1', 'new2']);
  });

  it('are bounded in number: the oldest are deleted', async () => {
    const ledger = await open({ doneEntries: 3 });
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      now++;
      await accept(ledger, id);
    }
    expect([isKnown(ledger, 'a'), isKnown(ledger, 'b')]).toEqual([false, false]);
    await expectDone(ledger, ['c', 'd', 'e']);
  });

  it('are bounded when all of them are committed by a direct application', async () => {
    const ledger = await open({ doneEntries: 3 });
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      now++;
      const write = (more = [] as Parameters<Records['write']>[0]) => records.write(more, 'synced');
      await ledger.commit(new PushEntry(record(id), false), { write });
    }
    await records.close();
    records = new Records(store, clock, () => {});
    await expectDone(ledger, ['c', 'd', 'e']);
  });

  it('are reduced to a smaller limit', async () => {
    const ledger = await open();
    for (let count = 0; count < 10; count++) await accept(ledger, `m${count}`);
    const smaller = await open({ doneEntries: 2 });
    for (const id of ['x', 'y', 'z']) {
      now++;
      await accept(smaller, id);
    }
    expect(await stored(store, 'done')).toHaveLength(2);
  });

  it('stay known when an expired push is received again while older ones are deleted', async () => {
    const ledger = await open();
    for (const id of ['a', 'b', 'c']) await accept(ledger, id);
    now += HOUR + 1;
    const entry = new PushEntry(record('b'), true);
    await Promise.all([ledger.receive(entry, BYTES), accept(ledger, 'x')]);
    expect(await stored(store, 'received', 'done')).toEqual(['done/x', 'received/b']);
    expect((await open()).received('b')?.record).toEqual(record('b'));
  });
});

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

  it('of a refused push is busy until it is removed', async () => {
    const ledger = await open();
    const entry = new PushEntry(record('a'), true);
    await ledger.receive(entry, BYTES);
    const refused = ledger.refuse(entry, { kind: 'declined', reason: 'no' });
    await undefined;
    expect(ledger.outcomeOf('a')).toMatchObject({ kind: 'busy' });
    await refused;
    expect(ledger.outcomeOf('a')).toBeUndefined();
  });
});

/** The terminals that a sender knows, and for how long (TS 5.2-03, 9-04). */

import { afterEach, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { type DirectoryChange, TerminalDirectory } from '../../../core/sender/terminals/directory.js';
import { Records } from '../../../core/store/records.js';
import { systemClock } from '../../../core/time/clock.js';

const BOB = 'sip:bob@domain.test';
const PHONE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
const GRUU = `${BOB};gr=${PHONE}`;

let now = 1000;
const clock = { ...systemClock, now: () => now };
afterEach(() => {
  now = 1000;
});

const open = (capacity?: number) => new TerminalDirectory({ clock, capacity });

describe('a terminal', () => {
  it('5.2-03: is the same for the registrar and for its own OPTIONS', async () => {
    const directory = open();
    directory.setRegistered(`${BOB};transport=tcp`, { instanceId: PHONE, gruu: GRUU, apps: ['mms.ua'] });
    directory.setRegistered(BOB, { gruu: GRUU, methods: ['MESSAGE'] });
    expect(directory.of(BOB)).toMatchObject([
      { user: BOB, gruu: GRUU, instanceId: PHONE, apps: ['mms.ua'], methods: ['MESSAGE'], registered: true },
    ]);
    expect(directory.find(GRUU)).toEqual(directory.of(BOB)[0]);
    expect(directory.size).toBe(1);
  });

  it('of a sips identity is the one of the sip identity', () => {
    const directory = open();
    const secure = BOB.replace('sip:', 'sips:');
    directory.setRegistered(secure, { gruu: GRUU.replace('sip:', 'sips:'), apps: ['mms.ua'] });
    directory.setRegistered(BOB, { gruu: GRUU, methods: ['MESSAGE'] });
    const changes: DirectoryChange[] = [];
    directory.onChangeOf(secure, (change) => changes.push(change));
    expect(directory.of(secure)).toEqual(directory.of(BOB));
    expect(directory.of(BOB)).toMatchObject([{ user: BOB, apps: ['mms.ua'], methods: ['MESSAGE'] }]);
    expect(directory.find(GRUU.replace('sip:', 'sips:'))).toEqual(directory.find(GRUU));
    directory.setUnregistered(secure, { instanceId: PHONE });
    expect(changes).toMatchObject([{ terminal: { user: BOB, registered: false } }]);
    expect(directory.size).toBe(1);
  });

  it('keeps a known fact when a later message does not state it', () => {
    const directory = open();
    directory.setRegistered(BOB, { gruu: GRUU, apps: ['mms.ua'], product: 'phone/1' });
    directory.setRegistered(BOB, { gruu: GRUU, apps: undefined, product: undefined, methods: ['MESSAGE'] });
    expect(directory.of(BOB)).toMatchObject([{ apps: ['mms.ua'], product: 'phone/1', methods: ['MESSAGE'] }]);
  });

  it('is identified by its GRUU or contact', async () => {
    const directory = open();
    directory.setRegistered(BOB, { gruu: GRUU });
    directory.setRegistered(BOB, { gruu: 'sip:opaque@domain.test;gr=abc' });
    directory.setRegistered(BOB, { contact: 'sip:bob@127.0.0.1:5080' });
    expect(directory.of(BOB)).toHaveLength(3);
  });

  it('without an id is not stored', async () => {
    const directory = open();
    expect(directory.setRegistered(BOB, { apps: ['mms.ua'] })).toBeUndefined();
    expect(directory.size).toBe(0);
  });

  it('9-04: is unregistered and registered again', async () => {
    const directory = open();
    directory.setRegistered(BOB, { gruu: GRUU });
    directory.setUnregistered(BOB, { gruu: GRUU });
    expect(directory.find(GRUU)).toMatchObject({ registered: false });
    directory.setRegistered(BOB, { gruu: GRUU });
    expect(directory.of(BOB)).toMatchObject([{ registered: true }]);
  });

  it('is one terminal if the registrar reports its instance id, and the terminal itself its address', () => {
    const contact = 'sip:bob@192.0.2.1:5060;transport=tcp';
    const instanceId = PHONE;
    for (const order of [
      [
        { contact, instanceId },
        { contact, apps: ['mms.ua'] },
      ],
      [
        { contact, apps: ['mms.ua'] },
        { contact, instanceId },
      ],
    ]) {
      const directory = open();
      for (const facts of order) directory.setRegistered(BOB, facts);
      expect(directory.of(BOB)).toMatchObject([{ id: PHONE, instanceId: PHONE, contact, apps: ['mms.ua'] }]);
    }
  });

  it('5.2-03: is found by its GRUU after another user with that GRUU has de-registered', async () => {
    const directory = open();
    const temporary = 'sip:opaque@domain.test;gr';
    directory.setRegistered('sip:al@domain.test', { contact: 'sip:al@127.0.0.1', gruu: temporary });
    directory.setRegistered(BOB, { instanceId: PHONE, gruu: temporary });
    directory.setRegistered('sip:al@domain.test', { gruu: temporary, contact: 'sip:al@127.0.0.1', apps: [] });
    directory.setRegistered(BOB, { instanceId: PHONE, gruu: temporary });
    directory.setUnregistered('sip:al@domain.test', { contact: 'sip:al@127.0.0.1' });
    expect(directory.find(temporary)).toMatchObject({ user: BOB });
  });

  it('that is anonymous is removed when it de-registers, unless it is the only terminal', async () => {
    const directory = open();
    const changes: DirectoryChange[] = [];
    directory.onChangeOf(BOB, (change) => changes.push(change));
    const [first, second] = ['sip:bob@127.0.0.1:5080', 'sip:bob@127.0.0.1:5081'];
    directory.setRegistered(BOB, { contact: first });
    directory.setUnregistered(BOB, { contact: first });
    expect(directory.of(BOB)).toMatchObject([{ contact: first, registered: false }]);
    directory.setRegistered(BOB, { contact: second });
    expect(directory.of(BOB)).toMatchObject([{ contact: second, registered: true }]);
    directory.setRegistered(BOB, { gruu: GRUU });
    directory.setUnregistered(BOB, { contact: second });
    expect(directory.of(BOB)).toMatchObject([{ gruu: GRUU }]);
    expect(directory.size).toBe(1);
    expect(changes.at(-1)).toMatchObject({
      terminal: { contact: second, registered: false },
      previous: { registered: true },
    });
  });

  it('9-04: is unregistered unless it is an exception', async () => {
    const directory = open();
    const remaining = directory.setRegistered(BOB, { gruu: GRUU });
    directory.setRegistered(BOB, { contact: 'sip:bob@127.0.0.1:5080' });
    directory.setUnregisteredExcept(BOB, remaining ? [remaining] : []);
    expect(directory.of(BOB).filter(({ registered }) => registered)).toMatchObject([{ gruu: GRUU }]);
  });
});

it('notifies with the new and the previous terminal', async () => {
  const directory = open();
  const changes: DirectoryChange[] = [];
  const end = directory.onChange((change) => changes.push(change));
  directory.setRegistered(BOB, { gruu: GRUU });
  directory.setUnregistered(BOB, { gruu: GRUU });
  end();
  directory.setRegistered(BOB, { gruu: GRUU });
  expect(changes).toMatchObject([
    { terminal: { registered: true }, previous: undefined },
    { terminal: { registered: false }, previous: { registered: true } },
  ]);
});

describe('the capacity', () => {
  it('evicts the terminal that has been unregistered the longest', async () => {
    const directory = open(3);
    for (const user of ['sip:a@x.test', 'sip:b@x.test', 'sip:c@x.test']) {
      directory.setRegistered(user, { contact: `${user};ob` });
    }
    directory.setUnregistered('sip:c@x.test', { contact: 'sip:c@x.test;ob' });
    directory.setUnregistered('sip:b@x.test', { contact: 'sip:b@x.test;ob' });
    directory.setRegistered('sip:d@x.test', { contact: 'sip:d@x.test;ob' });
    expect([...directory.all()].map(({ user }) => user).sort()).toEqual([
      'sip:a@x.test',
      'sip:b@x.test',
      'sip:d@x.test',
    ]);
  });

  it('is 100 per user', async () => {
    const directory = open();
    for (let index = 0; index < 150; index++)
      directory.setRegistered(BOB, { contact: `sip:bob@127.0.0.1:${index}` });
    expect(directory.of(BOB)).toHaveLength(100);
    expect(directory.size).toBe(100);
  });
});

describe('a stored directory', () => {
  const records = async () => {
    const store = await platform.openStore();
    return { store, records: new Records(store, clock, () => {}) };
  };

  it('survives a restart', async () => {
    const kept = await records();
    const before = new TerminalDirectory({ records: kept.records, clock });
    before.setRegistered(BOB, { gruu: GRUU, apps: ['mms.ua'], maxSize: 300_000 });
    before.setRegistered('sip:al@domain.test', { contact: 'sip:al@127.0.0.1' });
    before.setUnregistered('sip:al@domain.test', { contact: 'sip:al@127.0.0.1' });
    await kept.records.close();
    const reopened = new Records(kept.store, clock, () => {});
    const after = new TerminalDirectory({ records: reopened, clock });
    await after.load();
    expect(after.of(BOB)).toEqual(before.of(BOB));
    expect(after.of('sip:al@domain.test')).toEqual(before.of('sip:al@domain.test'));
    expect(after.size).toBe(2);
  });

  it('reports and ignores invalid records', async () => {
    const kept = await records();
    const errors: Error[] = [];
    for (const [key, value] of [
      ['push/terminal/a', '{'],
      ['push/terminal/b', '{"user":"sip:b@x.test"}'],
    ] as const) {
      await kept.records.write([{ type: 'put', key, value: new TextEncoder().encode(value) }], 'written');
    }
    const directory = new TerminalDirectory({
      records: kept.records,
      onError: (error) => errors.push(error),
    });
    await directory.load();
    expect(directory.size).toBe(0);
    expect(errors).toHaveLength(2);
  });
});

import { describe, expect, it } from 'vitest';
import type { Reginfo, ReginfoContact, ReginfoRegistration } from '../../../core/content/reginfo.js';
import { RegistrationTable } from '../../../core/content/registration-table.js';
import { MalformedError } from '../../../core/errors.js';

const aor = 'sip:bob@domain.test';
const contact = (id: string, more: Partial<ReginfoContact> = {}): ReginfoContact => ({
  id,
  uri: `sip:${id}@192.0.2.1`,
  state: 'active',
  event: 'registered',
  parameters: new Map(),
  ...more,
});
const bob = (contacts: ReginfoContact[], more: Partial<ReginfoRegistration> = {}): ReginfoRegistration => ({
  aor,
  id: 'r1',
  state: 'active',
  contacts,
  ...more,
});
const full = (version: number, ...registrations: ReginfoRegistration[]): Reginfo => ({
  version,
  state: 'full',
  registrations,
});
const partial = (version: number, ...registrations: ReginfoRegistration[]): Reginfo => ({
  version,
  state: 'partial',
  registrations,
});
const ids = (contacts: readonly { contact: ReginfoContact }[]) => contacts.map(({ contact }) => contact.id);

function tableOf(...documents: Reginfo[]) {
  const table = new RegistrationTable();
  for (const document of documents) table.apply(document);
  return table;
}

describe('the table of a watcher (RFC 3680 5.2)', () => {
  it('B.1.2: a full document replaces the table', () => {
    const table = tableOf(full(0, bob([contact('a'), contact('b')])));
    const change = table.apply(full(1, bob([contact('b'), contact('c')])));
    expect(change.order).toBe('next');
    expect([ids(change.registered), ids(change.removed)]).toEqual([['b', 'c'], ['a']]);
    expect(table.contacts.map(({ aor, contact }) => [aor, contact.id])).toEqual([
      [aor, 'b'],
      [aor, 'c'],
    ]);
  });

  it('a partial document changes the registrations that it lists', () => {
    const table = tableOf(full(0, bob([contact('a'), contact('b')])));
    const expired = contact('a', { state: 'terminated', event: 'expired' });
    const change = table.apply(partial(1, bob([expired, contact('c')])));
    expect(change.order).toBe('next');
    expect([ids(change.registered), ids(change.removed)]).toEqual([['c'], ['a']]);
    expect(ids(table.contacts)).toEqual(['b', 'c']);
  });

  it.each(['expired', 'deactivated', 'probation', 'unregistered', 'rejected'] as const)(
    'a contact that is %s is removed, and the event is reported',
    (event) => {
      const table = tableOf(full(0, bob([contact('a')])));
      const { removed } = table.apply(partial(1, bob([contact('a', { state: 'terminated', event })])));
      expect(removed.map(({ contact }) => contact.event)).toEqual([event]);
      expect(table.contacts).toEqual([]);
    },
  );

  it('a terminated registration has no contacts', () => {
    const table = tableOf(full(0, bob([contact('a'), contact('b')])));
    const { registered, removed } = table.apply(partial(1, bob([contact('a')], { state: 'terminated' })));
    expect([ids(registered), ids(removed).sort()]).toEqual([[], ['a', 'b']]);
    expect(table.contacts).toEqual([]);
  });

  it('a gap is reported, and the document after it is applied', () => {
    const table = tableOf(full(0, bob([contact('a')])));
    expect(table.apply(partial(2, bob([contact('b')]))).order).toBe('gap');
    expect(ids(table.contacts)).toEqual(['a', 'b']);
    expect(table.apply(partial(3, bob([contact('c')]))).order).toBe('next');
    expect(table.apply(full(9, bob([contact('c')]))).order).toBe('next');
    expect(ids(table.contacts)).toEqual(['c']);
  });

  it('a partial document before the first full one is a gap', () => {
    expect(new RegistrationTable().apply(partial(0, bob([contact('a')]))).order).toBe('gap');
  });

  it('outdated documents are ignored', () => {
    const table = tableOf(full(5, bob([contact('a')])));
    expect(table.apply(full(4))).toEqual({ order: 'stale', registered: [], removed: [] });
    expect(table.apply(partial(5, bob([contact('b')]))).order).toBe('stale');
    expect(ids(table.contacts)).toEqual(['a']);
  });

  it('full documents with the same version are applied in order', () => {
    const table = tableOf(full(0, bob([contact('a')])));
    expect(table.apply(full(0, bob([contact('b')]))).order).toBe('next');
    expect(ids(table.contacts)).toEqual(['b']);
  });

  it('the version is reset for a new subscription', () => {
    const table = tableOf(full(5, bob([contact('a')])));
    table.restart();
    const { order, removed } = table.apply(full(0, bob([contact('b')])));
    expect([order, ids(removed)]).toEqual(['next', ['a']]);
  });

  it('a repeated registration counts once', () => {
    const table = tableOf(full(0, bob([contact('a')]), bob([contact('b')])));
    expect(ids(table.contacts)).toEqual(['a', 'b']);
  });

  it('limits registrations and contacts over several documents', () => {
    const many = Array.from({ length: 1000 }, (_, index) => contact(`c${index}`));
    const table = tableOf(full(0, bob(many)));
    expect(() => table.apply(partial(1, bob([contact('more')])))).toThrow(MalformedError);
    expect(table.contacts).toHaveLength(1000);
    const aors = Array.from({ length: 101 }, (_, index) => bob([contact(`${index}`)], { id: `${index}` }));
    expect(() => table.apply(full(1, ...aors))).toThrow(MalformedError);
  });
});

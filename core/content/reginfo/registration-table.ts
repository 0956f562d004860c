/** What a watcher knows of registrations, from one document after the other (RFC 3680 5.2). */

import { MalformedError } from '../../errors.js';
import type { Reginfo, ReginfoContact, ReginfoRegistration } from './reginfo.js';

/** Of one subscription: the identities of a user, and the terminals under each. People have a few. */
const MAX_REGISTRATIONS = 100;
const MAX_CONTACTS = 1000;

export interface RegisteredContact {
  readonly aor: string;
  readonly contact: ReginfoContact;
}

export interface TableChange {
  /**
   * `gap`: documents before this one are missing. What it says was applied; ask for the full state by a SUBSCRIBE.
   * `stale`: it is older than what is known, and was passed over.
   */
  readonly order: 'next' | 'gap' | 'stale';
  /** Contacts that the document names as registered, new ones or not. */
  readonly registered: readonly RegisteredContact[];
  /** Contacts that are registered no more: named as terminated, or missing in a full document. */
  readonly removed: readonly RegisteredContact[];
}

interface Row {
  readonly aor: string;
  readonly contacts: Map<string, ReginfoContact>;
}

export class RegistrationTable {
  #version: number | undefined;
  #rows = new Map<string, Row>();

  /** Contacts that are registered. */
  get contacts(): RegisteredContact[] {
    return [...this.#rows.values()].flatMap(({ aor, contacts }) =>
      Array.from(contacts.values(), (contact) => ({ aor, contact })),
    );
  }

  /** No document of the subscription has come yet. */
  get isNew(): boolean {
    return this.#version === undefined;
  }

  /** Versions count from the beginning again: another subscription took the place of the one before. */
  restart(): void {
    this.#version = undefined;
  }

  /** @throws MalformedError when there are more registrations or contacts than anybody has; nothing is changed then. */
  apply({ version, state, registrations }: Reginfo): TableChange {
    const known = this.#version;
    const full = state === 'full';
    // Some notifiers give each full document the same version (Kamailio up to 5.6). CSeq keeps them in order.
    const stale = known !== undefined && (full ? version < known : version <= known);
    if (stale) return { order: 'stale', registered: [], removed: [] };
    const rows = new Map(full ? [] : this.#rows);
    const registered: RegisteredContact[] = [];
    const ended: RegisteredContact[] = [];
    for (const registration of registrations) {
      // One that stands twice, as Kamailio may have it after a restart, is one.
      const { row, gone } = updated(rows.get(registration.id), registration);
      ended.push(...gone);
      if (row.contacts.size > 0) rows.set(registration.id, row);
      else rows.delete(registration.id);
      for (const { id } of registration.contacts) {
        const contact = row.contacts.get(id);
        if (contact) registered.push({ aor: row.aor, contact });
      }
    }
    checkSize(rows);
    const removed = full ? [...ended, ...this.#missing(rows, ended)] : ended;
    this.#rows = rows;
    this.#version = version;
    const inOrder = full || (known !== undefined && version === known + 1);
    return { order: inOrder ? 'next' : 'gap', registered, removed };
  }

  /** What was here, and a full document does not name. */
  #missing(rows: ReadonlyMap<string, Row>, ended: readonly RegisteredContact[]): RegisteredContact[] {
    const named = new Set(ended.map(({ contact }) => contact.id));
    for (const { contacts } of rows.values()) for (const id of contacts.keys()) named.add(id);
    return this.contacts.filter(({ contact }) => !named.has(contact.id));
  }
}

function updated(known: Row | undefined, { aor, state, contacts }: ReginfoRegistration) {
  const row: Row = { aor, contacts: new Map(known?.contacts) };
  const gone: RegisteredContact[] = [];
  for (const contact of contacts) {
    if (contact.state === 'active' && state === 'active') {
      row.contacts.set(contact.id, contact);
    } else {
      row.contacts.delete(contact.id);
      gone.push({ aor, contact });
    }
  }
  // A terminated registration has no contacts, whether it names them or not.
  if (state !== 'active') {
    gone.push(...Array.from(row.contacts.values(), (contact) => ({ aor, contact })));
    row.contacts.clear();
  }
  return { row, gone };
}

function checkSize(rows: ReadonlyMap<string, Row>): void {
  let contacts = 0;
  for (const row of rows.values()) contacts += row.contacts.size;
  if (rows.size > MAX_REGISTRATIONS || contacts > MAX_CONTACTS) {
    throw new MalformedError(
      `reginfo: at most ${MAX_REGISTRATIONS} registrations and ${MAX_CONTACTS} contacts are kept`,
    );
  }
}

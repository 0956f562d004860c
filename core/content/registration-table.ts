/** The registrations that a watcher knows from successive documents (RFC 3680 §5.2). */

import { MalformedError } from '../errors.js';
import type { Reginfo, ReginfoContact, ReginfoRegistration } from './reginfo.js';

/** Per subscription: the identities of a user, and their terminals. Users have a few. */
const MAX_REGISTRATIONS = 100;
const MAX_CONTACTS = 1000;

export interface RegisteredContact {
  readonly aor: string;
  readonly contact: ReginfoContact;
}

export interface TableChange {
  /**
   * `gap`: earlier documents are missing. The document was applied; request the full state with a SUBSCRIBE.
   * `stale`: the document is outdated, and was ignored.
   */
  readonly order: 'next' | 'gap' | 'stale';
  /** Contacts that the document lists as registered, including known ones. */
  readonly registered: readonly RegisteredContact[];
  /** Contacts that are no longer registered: terminated, or missing in a full document. */
  readonly removed: readonly RegisteredContact[];
}

interface Row {
  readonly aor: string;
  readonly contacts: Map<string, ReginfoContact>;
}

export class RegistrationTable {
  #version: number | undefined;
  #rows = new Map<string, Row>();

  /** All registered contacts. */
  get contacts(): RegisteredContact[] {
    return [...this.#rows.values()].flatMap(({ aor, contacts }) =>
      Array.from(contacts.values(), (contact) => ({ aor, contact })),
    );
  }

  /** Whether no document of the subscription has been applied. */
  get isNew(): boolean {
    return this.#version === undefined;
  }

  /** Resets the version for a new subscription. */
  restart(): void {
    this.#version = undefined;
  }

  /** @throws MalformedError if there are too many registrations or contacts; the table is then unchanged. */
  apply({ version, state, registrations }: Reginfo): TableChange {
    const known = this.#version;
    const full = state === 'full';
    // Some notifiers repeat the version in full documents (Kamailio up to 5.6). CSeq keeps these in order.
    const stale = known !== undefined && (full ? version < known : version <= known);
    if (stale) return { order: 'stale', registered: [], removed: [] };
    const rows = new Map(full ? [] : this.#rows);
    const registered: RegisteredContact[] = [];
    const ended: RegisteredContact[] = [];
    for (const registration of registrations) {
      // Kamailio can list a registration twice after a restart.
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

  /** Registered contacts that a full document does not list. */
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
  // A terminated registration has no contacts, even if the document lists some.
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
      `reginfo: too many registrations or contacts: expected at most ${MAX_REGISTRATIONS} and ${MAX_CONTACTS}`,
    );
  }
}
